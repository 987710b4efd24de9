// An HTTP/2 client's bytes in pieces, with answers in between: bounded; every request has a method
// and a path; what is handed out can be answered, or becomes a tunnel that says back what it hears.
#include "protocol/http/h2_session.hpp"

#include <memory>
#include <string>
#include <utility>

#include "tests/fuzz/target.hpp"

using namespace shoal;

namespace {

constexpr auto limits = http::h2_limits{.header = 2048,
    .body = 8192,
    .unfinished = 16'384,
    .unsent = 65'536,
    .streams = 8,
    .tunnels = 2,
    .idle_frames = 50,
    .idle_frames_per_second = 10};
constexpr std::size_t window = 256 * 1024; // of a tunnel
constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void echo(http::h2_tunnels& tunnels) {
  for (auto stream : tunnels.take_stirred()) {
    if (auto heard = tunnels.take(stream, 1000); !heard.empty())
      tunnels.send(stream, std::make_shared<const std::string>(std::move(heard)));
    if (tunnels.heard_all(stream))
      tunnels.finish(stream);
  }
}

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
      auto [stream, what, asks_for_websocket] = session.take();
      fuzz::require(!what.method.empty() && what.path.starts_with('/'), "not a request");
      fuzz::require(what.body.size() <= limits.body, "a body is larger than the limit");
      if ((how & 8) != 0 && asks_for_websocket)
        session.open_tunnel(stream, "shoal.1");
      else if ((how & 2) != 0)
        session.answer(stream, {200, "text/plain", {{"x", what.path}}, what.body});
    }
    echo(session.tunnels());
    fuzz::require(session.tunnels().size() <= limits.tunnels, "too many tunnels");
    fuzz::require(session.held() <= limits.unfinished + limits.tunnels * window,
        "more is held than the limit");
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
