// Answers of backends in pieces: bounded, the pieces' sizes make no difference, fields are where
// they are said to be, and what is done says the same when it is written plainly and read again.
#include "protocol/http/response_reader.hpp"

#include <algorithm>
#include <string>

#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

using outcome = http::response_reader::outcome;

constexpr auto limits = http::response_limits{2048, 20, 8192};

struct heard {
  outcome what = outcome::need_more;
  std::size_t used = 0;
  bool keep_alive = false;
  int status = 0;
  std::string fields = {}, body = {};
  bool operator==(const heard&) const = default;
};

heard read(std::string_view in, std::size_t piece, bool head) {
  auto out = heard{};
  auto reader = http::response_reader{limits};
  reader.begin(head);
  while (out.used < in.size() && out.what == outcome::need_more) {
    auto used = std::size_t{0};
    auto given = in.substr(out.used, piece);
    out.what = reader.feed(given, used);
    fuzz::require(used <= given.size(), "more was used than was given");
    fuzz::require(out.what != outcome::need_more || used == given.size(), "bytes were left");
    out.used += used;
  }
  if (out.what == outcome::need_more)
    out.what = reader.end();
  fuzz::require(out.what != outcome::failed || !reader.flaw().empty(), "refused without a reason");
  if (out.what != outcome::done)
    return {out.what};
  out.keep_alive = reader.keep_alive();
  auto x = reader.take();
  out.status = x.status;
  out.body = x.body;
  for (auto i = std::size_t{0}; i < x.fields(); ++i)
    out.fields.append(x.at(i).name).append(": ").append(x.at(i).value).append("\r\n");
  return out;
}

void check(const heard& x, bool head) {
  fuzz::require(x.status >= 200 && x.status <= 999, "no status of a last answer");
  fuzz::require(x.body.size() <= limits.body, "a body is larger than the limit");
  fuzz::require(x.fields.size() <= 2 * limits.header, "a head is larger than the limit");
  fuzz::require(!head || x.body.empty(), "an answer to HEAD has a body");
  auto lines = std::count(x.fields.begin(), x.fields.end(), '\n');
  auto ends = std::count(x.fields.begin(), x.fields.end(), '\r');
  fuzz::require(lines == ends && static_cast<std::size_t>(lines) <= limits.fields,
      "a field holds a line end, or there are too many");
  fuzz::require(x.fields.find('\0') == std::string::npos, "a field holds a zero");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto how = fuzz::take_byte(in);
  auto head = (how & 0x80) != 0;
  auto cut = read(in, (how & 0x7f) + 1, head), whole = read(in, in.size() + 1, head);
  fuzz::require(cut == whole, "pieces change what is read");
  if (whole.what == outcome::done)
    check(whole, head);
  return 0;
}
