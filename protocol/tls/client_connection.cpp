#include "protocol/tls/client_connection.hpp"

#include <cerrno>
#include <utility>

#include <boost/asio/post.hpp>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "protocol/tls/client_pool.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {
namespace {

/// One connection's share of a turn of the loop.
constexpr int reads_per_turn = 8;

} // namespace

client_connection::client_connection(io_loop& loop, client_pool& pool)
    : loop_{loop}, pool_{&pool}, socket_{loop.context()} {}

bool client_connection::connect(const boost::asio::ip::tcp::endpoint& where) {
  auto error = boost::system::error_code{};
  socket_.open(where.protocol(), error);
  if (!error)
    socket_.native_non_blocking(true, error);
  if (error)
    return false;
  auto fd = socket_.native_handle();
  transport_ = transport{fd};
  auto on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(fd, where.data(), static_cast<socklen_t>(where.size())) != 0 &&
      errno != EINPROGRESS)
    return false;
  wait_writable();
  return true;
}

void client_connection::drop() {
  if (phase_ == phase::dead)
    return;
  // A TLS session whose connection ends without goodbye may not be taken up again.
  if (phase_ == phase::open && transport_.secure())
    transport_.end();
  phase_ = phase::dead;
  pool_ = nullptr;
  transport_ = transport{-1}; // before the pool, which keeps its session
  auto error = boost::system::error_code{};
  socket_.close(error); // ends the waits, which hold the last references
}

void client_connection::end(client_error why, std::string_view detail) {
  auto keep = shared_from_this();
  auto* pool = pool_;
  auto failure = failure_of(why, detail);
  auto was_open = is_open();
  drop();
  if (pool)
    pool->on_dead(*this);
  while (auto* whose = pool && was_open ? take_unsent() : nullptr)
    pool->start_elsewhere(*this, *whose);
  while (auto* whose = take_exchange()) {
    whose->carrier_ = nullptr;
    whose->on_failure(failure);
  }
  if (pool)
    pool->take_next();
}

void client_connection::connected() {
  auto flaw = 0;
  auto size = socklen_t{sizeof(flaw)};
  ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &flaw, &size);
  if (flaw != 0)
    return end(client_error::unreachable, "the connection was refused");
  auto& by = pool_->security();
  if (!by.context)
    return open();
  auto ssl = begin_client(by, pool_->session());
  if (!ssl)
    return end(client_error::insecure, "TLS could not be set up");
  transport_.secure_with(std::move(ssl), transport::side::client);
  phase_ = phase::shaking_hands;
  shake_hands();
}

void client_connection::shake_hands() {
  switch (transport_.handshake()) {
  case io_status::done:
    if (!speaks_as_agreed(transport_.ssl(), pool_->security()))
      return end(client_error::insecure, "the server speaks another protocol");
    return open();
  case io_status::want_read:
    return wait_readable();
  case io_status::want_write:
    return wait_writable();
  case io_status::ended:
  case io_status::failed:
    return end(client_error::insecure, handshake_flaw(transport_.ssl()));
  }
}

void client_connection::open() {
  phase_ = phase::open;
  wait_readable();
  on_open();
}

bool client_connection::write(std::string_view bytes, std::size_t& sent) {
  sent = 0;
  if (only_reads_)
    return false;
  while (sent < bytes.size()) {
    auto n = std::size_t{0};
    switch (transport_.write(bytes.substr(sent), n)) {
    case io_status::done:
      sent += n;
      break;
    case io_status::want_write:
      wait_writable();
      return true;
    case io_status::want_read: // plain sockets say so when interrupted; TLS cannot without
                               // handshake
    case io_status::ended:
    case io_status::failed:
      if (!may_be_answered()) {
        end(client_error::broken, "the request could not be sent");
      } else {
        // A goodbye, or an early answer, may have come before the reset.
        only_reads_ = true;
        read_soon();
      }
      return false;
    }
  }
  return true;
}

void client_connection::read_some() {
  auto keep = shared_from_this();
  auto into = loop_.read_scratch();
  for (auto i = 0; i < reads_per_turn; ++i) {
    auto got = std::size_t{0};
    switch (transport_.read(into, got)) {
    case io_status::done:
      break;
    case io_status::want_read:
      return only_reads_ ? end(client_error::broken, "the request could not be sent")
                         : wait_readable();
    case io_status::want_write:
      read_wants_write_ = true;
      return wait_writable();
    case io_status::ended:
      return on_end_of_bytes();
    case io_status::failed:
      return end(client_error::broken, "the connection was reset");
    }
    on_bytes({into.data(), got});
    if (phase_ != phase::open)
      return;
    if (got < into.size() && !transport_.has_pending() && !only_reads_)
      return wait_readable();
  }
  if (!transport_.has_pending() && !only_reads_)
    return wait_readable();
  read_soon(); // OpenSSL may have taken them from the socket, which will not call for them
}

void client_connection::read_soon() {
  boost::asio::post(loop_.context(), [self = shared_from_this()] {
    if (self->phase_ == phase::open)
      self->read_some();
  });
}

void client_connection::wait_readable() {
  if (std::exchange(waits_readable_, true))
    return;
  socket_.async_wait(stream_socket::wait_read, [self = shared_from_this()](const auto& error) {
    self->waits_readable_ = false;
    if (error)
      return;
    if (self->phase_ == phase::open)
      self->read_some();
    else if (self->phase_ == phase::shaking_hands)
      self->shake_hands();
  });
}

void client_connection::wait_writable() {
  if (std::exchange(waits_writable_, true))
    return;
  socket_.async_wait(stream_socket::wait_write, [self = shared_from_this()](const auto& error) {
    self->waits_writable_ = false;
    if (!error)
      self->on_socket_writable();
  });
}

void client_connection::on_socket_writable() {
  switch (phase_) {
  case phase::connecting:
    return connected();
  case phase::shaking_hands:
    return shake_hands();
  case phase::open:
    on_writable();
    if (phase_ == phase::open && std::exchange(read_wants_write_, false))
      read_some();
    return;
  case phase::dead:
    return;
  }
}

} // namespace shoal::tls
