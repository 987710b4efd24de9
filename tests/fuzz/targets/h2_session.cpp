// An HTTP/2 client's bytes in pieces, with answers in between: bounded; every request has a method
// and a path; what is handed out can be answered.
#include "protocol/http/h2_session.hpp"

#include <string>

#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

constexpr auto limits = http::h2_limits{2048, 8192, 16'384, 8, 50, 10};
constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::text_of(data, size);
  auto how = fuzz::take_byte(in);
  auto piece = fuzz::take_byte(in) + 1;
  auto session = http::h2_session{limits};
  auto now = std::uint64_t{0};
  if ((how & 1) != 0)
    session.feed(preface, now);
  while (!in.empty() && !session.over()) {
    auto bytes = in.substr(0, piece);
    in.remove_prefix(bytes.size());
    session.feed(bytes, ++now);
    while (session.has_request()) {
      auto [stream, what] = session.take();
      fuzz::require(!what.method.empty() && what.path.starts_with('/'), "not a request");
      fuzz::require(what.body.size() <= limits.body, "a body is larger than the limit");
      if ((how & 2) != 0)
        session.answer(stream, {200, "text/plain", {{"x", what.path}}, what.body});
    }
    fuzz::require(session.held() <= limits.unfinished, "more is held than the limit");
    fuzz::require(session.streams() <= 2ull * limits.streams, "too many streams");
    if ((how & 4) != 0)
      session.expire(now * 100, {});
    auto out = std::string{};
    session.produce(out, 1 << 20);
    fuzz::require(out.size() < 2u << 20, "one answer says more than it may");
  }
  session.shed();
  session.shut_down();
  session.shut_down();
  auto out = std::string{};
  session.produce(out, 1 << 20);
  return 0;
}
