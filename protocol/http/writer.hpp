// Responses as HTTP/1.1 bytes.
#pragma once

#include <string>

#include "protocol/http/message.hpp"

namespace shoal::http {

enum class after : std::uint8_t { keep_alive, close };

struct write_options {
  after then = after::keep_alive;
  bool head = false;     ///< answer to HEAD: everything but the body
  bool http_1_0 = false; ///< the peer must be told when the connection stays open
};

/// Status line, headers and body. Headers of `x` that frame the message (Content-Length,
/// Transfer-Encoding, Connection) or that could start a line of their own are left out: framing is
/// decided here alone.
std::string to_bytes(const response& x, const write_options& options);

/// "Sun, 06 Nov 1994 08:49:37 GMT", of now. Valid until the thread's next call.
std::string_view date();

/// The handler asked for the end of the connection with a `Connection: close` header.
bool asks_to_close(const response& x);

} // namespace shoal::http
