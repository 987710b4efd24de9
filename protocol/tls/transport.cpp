#include "protocol/tls/transport.hpp"

#include <cerrno>

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

namespace shoal::tls {
namespace {

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

} // namespace

void transport::secure_with(ssl_ptr ssl, side as) {
  ssl_ = std::move(ssl);
  SSL_set_fd(ssl_.get(), fd_);
  if (as == side::server)
    SSL_set_accept_state(ssl_.get());
  else
    SSL_set_connect_state(ssl_.get());
}

bool transport::peer_is_there() const {
  auto look = pollfd{fd_, POLLIN | POLLRDHUP, 0};
  ::poll(&look, 1, 0);
  return (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
}

io_status transport::handshake() {
  if (!ssl_)
    return io_status::done;
  ERR_clear_error();
  auto result = SSL_do_handshake(ssl_.get());
  return result == 1 ? io_status::done : why(result);
}

io_status transport::read(std::span<char> into, std::size_t& got) {
  if (ssl_) {
    ERR_clear_error();
    auto result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
    return result == 1 ? io_status::done : why(result);
  }
  auto n = ::recv(fd_, into.data(), into.size(), 0);
  if (n < 0)
    return would_block() ? io_status::want_read : io_status::failed;
  got = static_cast<std::size_t>(n);
  return n == 0 ? io_status::ended : io_status::done;
}

io_status transport::write(std::string_view bytes, std::size_t& sent) {
  if (ssl_) {
    ERR_clear_error();
    auto result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent);
    return result == 1 ? io_status::done : why(result);
  }
  auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n < 0)
    return would_block() ? io_status::want_write : io_status::failed;
  sent = static_cast<std::size_t>(n);
  return io_status::done;
}

io_status transport::end() {
  if (ssl_) {
    ERR_clear_error();
    if (auto result = SSL_shutdown(ssl_.get()); result < 0) {
      auto status = why(result);
      // Having sent our part is all that matters; what the peer has yet to say is of no interest.
      if (status == io_status::want_write || status == io_status::failed)
        return status;
    }
  }
  return ::shutdown(fd_, SHUT_WR) == 0 ? io_status::done : io_status::failed;
}

io_status transport::discard(std::span<char> scratch) {
  auto n = ::recv(fd_, scratch.data(), scratch.size(), 0);
  if (n < 0)
    return would_block() ? io_status::want_read : io_status::failed;
  return n == 0 ? io_status::ended : io_status::done;
}

io_status transport::why(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
  case SSL_ERROR_WANT_READ:
    return io_status::want_read;
  case SSL_ERROR_WANT_WRITE:
    return io_status::want_write;
  case SSL_ERROR_ZERO_RETURN:
    return io_status::ended;
  default:
    ERR_clear_error();
    return io_status::failed;
  }
}

} // namespace shoal::tls
