// A device behind a WebSocket, for tests: a tls_client that has asked for the upgrade and takes
// messages apart. What it sends is up to the test, rude bytes included.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/frame.hpp"
#include "tests/support/tls_client.hpp"
#include "tests/support/ws_frames.hpp"

namespace shoal::test {

inline std::string ws_request(std::string_view more = {}, std::string_view path = "/v1/device",
    std::string_view protocol = "shoal.1") {
  auto out = std::string{"GET "}.append(path).append(
      " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
  if (!protocol.empty())
    out.append("Sec-WebSocket-Protocol: ").append(protocol).append("\r\n");
  return out.append(more).append("\r\n");
}

struct ws_message {
  unsigned opcode = 0;
  std::string payload;

  /// Of a close message; 1005 if it holds none.
  unsigned code() const {
    auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(payload[i]); };
    return payload.size() < 2 ? 1005u : static_cast<unsigned>(byte(0) << 8 | byte(1));
  }
};

/// The message that begins at `at`, which moves behind it; nothing if it does not come whole.
/// `have(n)` waits until there are `n` bytes from `at` on.
template <class Have>
std::optional<ws_message> take_message(const std::string& bytes, std::size_t& at, Have have) {
  auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[at + i]); };
  auto out = ws_message{};
  if (!have(2))
    return std::nullopt;
  out.opcode = byte(0) & 0x0f;
  auto size = std::size_t{byte(1)}; // a server does not mask
  auto begin = std::size_t{2};
  if (auto more = size == 126 ? 2u : size == 127 ? 8u : 0u; more != 0) {
    if (!have(2 + more))
      return std::nullopt;
    size = 0;
    for (; begin < 2 + more; ++begin)
      size = size << 8 | byte(begin);
  }
  if (!have(begin + size))
    return std::nullopt;
  out.payload = bytes.substr(at + begin, size);
  at += begin + size;
  return out;
}

/// The frame in a message; nothing if that is no binary message of one whole frame.
inline std::optional<frame> frame_in(const std::optional<ws_message>& message) {
  if (!message || message->opcode != ws::binary)
    return std::nullopt;
  auto reader = frame_reader{max_server_frame};
  reader.append(message->payload);
  auto out = frame{};
  if (reader.next(out) != frame_reader::outcome::have_frame || reader.buffered() != 0)
    return std::nullopt;
  return out;
}

class ws_client {
public:
  /// Asks for the upgrade; `head` is the server's answer.
  explicit ws_client(std::uint16_t port, client_options options = {.alpn = {"http/1.1"}},
      std::string_view request = ws_request())
      : stream{port, options} {
    stream.send(request);
    while (input_.find("\r\n\r\n") == std::string::npos) {
      auto bytes = stream.read_some();
      if (bytes.empty())
        return;
      input_ += bytes;
    }
    auto end = input_.find("\r\n\r\n") + 4;
    head = input_.substr(0, end);
    input_.erase(0, end);
  }

  bool upgraded() const { return head.starts_with("HTTP/1.1 101 "); }

  bool send(unsigned first, std::string_view payload) {
    return stream.send(ws::masked(first, payload));
  }

  bool send_frame(frame_type type, std::string_view body = {}) {
    return send(ws::fin | ws::binary, encode_frame(type, body));
  }

  /// The next message; nothing when the connection ends first.
  std::optional<ws_message> read() {
    auto at = std::size_t{0};
    auto out = take_message(input_, at, [this](std::size_t n) { return have(n); });
    input_.erase(0, at);
    return out;
  }

  std::optional<frame> read_frame() { return frame_in(read()); }

  /// No part of a message is left.
  bool at_end() const { return input_.empty(); }

  tls_client stream;
  std::string head;

private:
  bool have(std::size_t n) {
    while (input_.size() < n) {
      auto bytes = stream.read_some();
      if (bytes.empty())
        return false;
      input_ += bytes;
    }
    return true;
  }

  std::string input_;
};

} // namespace shoal::test
