// A non-blocking byte stream on a socket, with TLS or without. Owned by a connection, which owns
// the socket too.
//
// OpenSSL works straight on the socket: its own BIO pair and Asio's stream would keep two more
// buffers per connection. Loop threads block SIGPIPE, because OpenSSL writes with write(2).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/tls/context.hpp"

namespace shoal::tls {

enum class io_status : std::uint8_t {
  done,
  want_read,  ///< call again when the socket is readable
  want_write, ///< call again when it is writable
  ended,      ///< the peer said that it sends no more
  failed,     ///< broken; nothing but closing is left
};

class transport {
public:
  /// Plain TCP, until `secure_with`.
  explicit transport(int fd) : fd_{fd} {}

  enum class side : std::uint8_t { server, client };

  /// From here on TLS. Before the first byte.
  void secure_with(ssl_ptr ssl, side as = side::server);

  bool secure() const { return ssl_ != nullptr; }

  /// Whether the peer has not yet said that it sends no more, nor broken the connection.
  bool peer_is_there() const;
  const SSL* ssl() const { return ssl_.get(); }

  io_status handshake();
  io_status read(std::span<char> into, std::size_t& got);

  /// Writes some of `bytes`. After `want_write`, the next call must bring the same bytes again,
  /// perhaps followed by more.
  io_status write(std::string_view bytes, std::size_t& sent);

  /// Says that nothing more will be sent.
  io_status end();

  /// Throws away what the peer still sends; `done` means that there may be more.
  io_status discard(std::span<char> scratch);

  /// Bytes were taken from the socket that `read` has not returned yet.
  bool has_pending() const { return ssl_ && SSL_has_pending(ssl_.get()) == 1; }

private:
  io_status why(int result);

  int fd_;
  ssl_ptr ssl_;
};

} // namespace shoal::tls
