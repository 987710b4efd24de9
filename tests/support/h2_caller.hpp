// HTTP/2 to an endpoint, for tests: an h2_client on a TLS connection, and a device in a WebSocket
// on one of its streams (RFC 8441).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/frame.hpp"
#include "tests/support/h2_client.hpp"
#include "tests/support/tls_client.hpp"
#include "tests/support/ws_client.hpp"

namespace shoal::test {

class h2_caller {
public:
  explicit h2_caller(std::uint16_t port, std::uint32_t window = 65'535, bool reads = true)
      : stream_{port, {.alpn = {"h2"}}}, session_{window, reads} {}

  /// What the session has to say leaves.
  void push() { stream_.send(session_.take()); }

  /// Reads until `done`, or until the server ends the connection: then false.
  template <class Done>
  bool talk_until(Done done) {
    while (!done()) {
      push();
      auto bytes = stream_.read_some();
      if (bytes.empty() || !session_.give(bytes))
        return done();
    }
    push();
    return true;
  }

  h2_answer fetch(const h2_headers& head, std::string body = {}) {
    auto id = session_.ask(head, std::move(body));
    talk_until([&] { return session_.answers[id].whole || session_.answers[id].reset; });
    return session_.answers[id];
  }

  tls_client& stream() { return stream_; }
  h2_client& session() { return session_; }

private:
  tls_client stream_;
  h2_client session_;
};

class h2_websocket {
public:
  /// Asks for it; `early` is said without waiting for the answer.
  explicit h2_websocket(
      h2_caller& on, const h2_headers& head = h2_connect(), std::string early = {})
      : on_{on}, id_{on.session().ask(head, std::move(early), true)} {
    on_.talk_until([&] { return !answer().statuses.empty() || answer().reset; });
  }

  std::int32_t id() const { return id_; }
  h2_answer& answer() { return on_.session().answers[id_]; }
  bool opened() { return answer().status() == "200"; }

  void say(std::string_view bytes) {
    on_.session().say(id_, bytes);
    on_.push();
  }
  void send(unsigned first, std::string_view payload) { say(ws::masked(first, payload)); }
  void send_frame(frame_type type, std::string_view body = {}) {
    send(ws::fin | ws::binary, encode_frame(type, body));
  }
  void finish() {
    on_.session().finish(id_);
    on_.push();
  }
  void reset() {
    on_.session().reset(id_);
    on_.push();
  }

  /// The next message; nothing when the stream ends first.
  std::optional<ws_message> read() {
    return take_message(answer().body, at_, [this](std::size_t n) { return have(n); });
  }

  std::optional<frame> read_frame() { return frame_in(read()); }

  /// The server's end of the stream comes, and nothing before it.
  bool ends() {
    auto over = on_.talk_until([&] { return answer().whole || answer().reset; });
    return over && answer().body.size() == at_;
  }

private:
  bool have(std::size_t n) {
    on_.talk_until(
        [&] { return answer().body.size() >= at_ + n || answer().whole || answer().reset; });
    return answer().body.size() >= at_ + n;
  }

  h2_caller& on_;
  std::int32_t id_;
  std::size_t at_ = 0; // read of the answer's body
};

} // namespace shoal::test
