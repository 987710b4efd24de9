// A WebSocket client's bytes on a real connection: the device's sink hears exactly the frames that
// are in them, the server says nothing but whole messages, and the connection ends.
#include <sys/socket.h>

#include "protocol/http/websocket.hpp"
#include "protocol/tls/control_frames.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/test_endpoint.hpp"
#include "tests/support/ws_client.hpp"

using namespace shoal;

namespace {

constexpr std::size_t max_frame = 512;

/// The frames for the sink, by the pure readers alone.
std::vector<frame> expected(std::string_view in) {
  using outcome = http::ws_reader::outcome;
  auto out = std::vector<frame>{};
  auto messages = http::ws_reader{max_frame + 4};
  auto frames = frame_reader{max_frame};
  messages.feed(in);
  for (auto got = messages.next(); got != outcome::need_more; got = messages.next()) {
    if (got == outcome::text || got == outcome::close || got == outcome::failed)
      return out;
    auto payload = messages.take();
    if (got != outcome::binary)
      continue;
    frames.append(payload);
    auto x = frame{};
    auto read = frames.next(x);
    for (; read == frame_reader::outcome::have_frame; read = frames.next(x)) {
      if (x.type == frame_type::ping && !tls::pong_frame(x.body))
        return out;
      out.push_back(x); // the sink never speaks, so pings are for it, too
    }
    if (read == frame_reader::outcome::failed)
      return out;
  }
  return out;
}

void check_what_the_server_said(test::ws_client& client) {
  auto over = false;
  while (auto x = client.read()) {
    fuzz::require(!over, "something came behind the close");
    auto known = x->opcode == test::ws::binary || x->opcode == test::ws::pong;
    over = x->opcode == test::ws::close_;
    fuzz::require(known || over, "the server sent an unexpected message");
    auto reader = frame_reader{};
    reader.append(x->payload);
    auto inside = frame{};
    fuzz::require(
        x->opcode != test::ws::binary ||
            (reader.next(inside) == frame_reader::outcome::have_frame && reader.buffered() == 0),
        "a message is not one whole frame");
  }
  fuzz::require(client.at_end(), "the server's last message is not whole");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Left alone: its threads outlive main's statics.
  static auto& server = *new test::test_endpoint{
      {.loops = 1, .tls = false, .max_frame = max_frame, .unhandled_frames = UINT32_MAX}};
  auto in = fuzz::text_of(data, size);
  auto request = test::ws_request().append(in);
  auto client = test::ws_client{server.port(), {.tls = false}, request};
  fuzz::require(client.upgraded(), "no WebSocket");
  ::shutdown(client.stream.fd(), SHUT_WR);
  check_what_the_server_said(client);
  auto sink = server.next_sink();
  fuzz::require(sink && sink->wait_closed(), "the connection does not end");
  auto heard = sink->frames(), said = expected(in);
  fuzz::require(heard.size() == said.size(), "the sink heard another number of frames");
  for (auto i = std::size_t{0}; i < said.size(); ++i)
    fuzz::require(heard[i].type == said[i].type && heard[i].body == said[i].body,
        "the sink heard another frame");
  fuzz::require(sink->times_closed() == 1 && !sink->heard_after_close(), "the end is not the end");
  return 0;
}
