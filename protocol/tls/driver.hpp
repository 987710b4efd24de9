// What is spoken on a connection once its transport stands: the device protocol, HTTP/1.1, HTTP/2,
// and whatever comes next (one more driver each, made in io_loop.cpp, or by the driver that it
// takes over from: `connection::become`).
//
// Owned by its connection, called on the loop's thread. A driver never closes sockets; it asks its
// connection.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/codes.hpp"
#include "protocol/tls/context.hpp"

namespace shoal::tls {

class driver {
public:
  driver() = default;
  virtual ~driver() = default;
  driver(const driver&) = delete;
  driver& operator=(const driver&) = delete;

  virtual application speaks() const = 0;

  /// The transport stands.
  virtual void on_start() = 0;

  /// Decrypted bytes, valid during the call. Only called while `wants_bytes`.
  virtual void on_bytes(std::string_view bytes) = 0;

  /// False stops reading; `connection::resume` starts it again.
  virtual bool wants_bytes() const = 0;

  /// What was sent is about to leave for the socket: the last moment to send more.
  virtual void on_flush() {}

  /// Everything that was sent has left for the socket.
  virtual void on_flushed() {}

  /// The peer hung up: nobody may be there to hear an answer. Told once, and for who does not read:
  /// a reader comes to the end of the bytes by itself.
  virtual void on_peer_gone() {}

  /// The deadline set with `connection::deadline_in` is over.
  virtual void on_deadline() = 0;

  /// The connection closes or is lost. Called once, and nothing after it.
  virtual void on_end(ec why) = 0;
};

} // namespace shoal::tls
