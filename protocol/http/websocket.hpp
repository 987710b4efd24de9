// WebSocket (RFC 6455), the server's side, without sockets: whether a request may become one, what
// a client's bytes say, and the bytes of our frames. No extensions are agreed on.
//
// Memory: a message grows as it arrives, up to its limit; everything else is smaller than 200
// bytes. A client's fault ends the connection with a close code; nothing is guessed. Whether a
// page's origin may connect is the caller's to decide, before `upgrade`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/http/message.hpp"
#include "protocol/http/parser.hpp"
#include "protocol/utf8.hpp"

namespace shoal::http {

/// Whether the client asks for a WebSocket at all; then `upgrade` tells whether it gets it.
bool wants_websocket(const request& x);

struct websocket_upgrade {
  std::string bytes;    ///< "HTTP/1.1 101 …", to be sent as they are
  std::string protocol; ///< the first of the client's that we speak; empty if it named none
};

/// Accepts, or says why not. A client that names protocols gets one of them or nothing. With 426
/// belongs the header "Sec-WebSocket-Version: 13".
std::optional<refusal> upgrade(
    const request& x, std::span<const std::string_view> we_speak, websocket_upgrade& out);

/// The same for a WebSocket on a stream of HTTP/2 (RFC 8441), which needs neither upgrade nor key;
/// to be accepted with the subprotocol in `protocol`. The version belongs into a refusal with 400.
std::optional<refusal> connect(
    const request& x, std::span<const std::string_view> we_speak, std::string& protocol);

enum class ws_opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

namespace ws_code {
constexpr std::uint16_t normal = 1000, going_away = 1001, protocol_error = 1002, unsupported = 1003,
                        no_code = 1005, invalid_data = 1007, policy = 1008, too_large = 1009,
                        internal = 1011, later = 1013;
}

class ws_reader {
public:
  explicit ws_reader(std::size_t max_message = 1024 * 1024) : max_message_{max_message} {}

  void feed(std::string_view bytes);

  enum class outcome : std::uint8_t { need_more, text, binary, ping, pong, close, failed };

  /// Goes on with the bytes at hand; `take` gives what it was about. After `close` and `failed`
  /// nothing more is read.
  outcome next();

  /// Text, binary, ping, pong: the payload. Close: the reason.
  std::string take();

  /// After `close`: the client's code, `no_code` if it gave none. After `failed`: the one to end
  /// the connection with.
  std::uint16_t code() const { return code_; }

  /// Why it failed, for logs.
  std::string_view flaw() const { return flaw_; }

  /// Bytes held.
  std::size_t held() const { return input_.size() + message_.size() + control_.size(); }

private:
  struct frame_head {
    ws_opcode opcode = ws_opcode::continuation;
    bool last = false;
    std::uint64_t left = 0; // payload bytes to come
    std::array<char, 4> mask{};
    std::size_t turn = 0; // of the mask
  };

  bool read_head();
  void read_payload();
  outcome frame_over();
  outcome closing();
  bool fail(std::uint16_t code, std::string_view flaw);

  std::size_t max_message_;
  std::string input_;
  std::size_t at_ = 0; // read of input_
  bool in_frame_ = false;
  frame_head head_;
  ws_opcode kind_ = ws_opcode::continuation; // of the message under way; continuation: none
  std::string message_;
  utf8_checker utf8_;
  std::string control_;
  std::string done_;
  std::uint16_t code_ = 0;
  std::string_view flaw_;
  bool over_ = false;
};

/// One whole, unmasked frame.
std::string ws_frame(ws_opcode opcode, std::string_view payload);

/// `reason` is cut to what fits a control frame; with `no_code` both stay away.
std::string ws_close(std::uint16_t code, std::string_view reason = {});

} // namespace shoal::http
