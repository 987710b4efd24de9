// HTTP requests in pieces: bounded, and the pieces' sizes make no difference to what is read.
#include <vector>

#include "protocol/http/parser.hpp"
#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

constexpr auto limits = http::parser_limits{2048, 8192};

struct outcome {
  std::vector<std::string> requests;
  int refused = 0;
  bool operator==(const outcome&) const = default;
};

outcome read(std::string_view in, std::size_t piece) {
  auto out = outcome{};
  auto reader = http::parser{limits};
  for (auto failed = false; !in.empty() && !failed;) {
    auto now = in.substr(0, piece);
    in.remove_prefix(now.size());
    reader.feed(now);
    auto got = reader.next();
    for (; got == http::parser::outcome::have_request; got = reader.next()) {
      auto x = reader.take();
      fuzz::require(x.body.size() <= limits.body, "a body is larger than the limit");
      out.requests.push_back(x.method + " " + x.path + "?" + x.query + "\n" + x.body);
    }
    failed = got == http::parser::outcome::failed;
  }
  out.refused = reader.error().detail.empty() ? 0 : reader.error().status;
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto piece = fuzz::take_byte(in) + 1;
  auto cut = read(in, piece), whole = read(in, in.size() + 1);
  fuzz::require(cut.requests == whole.requests, "pieces change what is read");
  return 0;
}
