#include "protocol/tls/client_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <netinet/tcp.h>
#include <sys/socket.h>

#include "protocol/tls/client_pool.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {
namespace {

/// One connection's share of a turn of the loop.
constexpr int reads_per_turn = 8;

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

} // namespace

client_connection::client_connection(
    io_loop& loop, client_pool& pool, const http::response_limits& limits)
    : loop_{loop}, pool_{&pool}, socket_{loop.context()}, reader_{limits} {}

bool client_connection::connect(const boost::asio::ip::tcp::endpoint& where) {
  auto error = boost::system::error_code{};
  socket_.open(where.protocol(), error);
  if (!error)
    socket_.native_non_blocking(true, error);
  if (error)
    return false;
  auto on = 1;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(socket_.native_handle(), where.data(), static_cast<socklen_t>(where.size())) != 0 &&
      errno != EINPROGRESS)
    return false;
  wait_writable();
  return true;
}

void client_connection::carry(client_exchange& x) {
  exchange_ = &x;
  sent_ = 0;
  reader_.begin(x.is_head);
  if (phase_ == phase::open)
    send_rest();
}

void client_connection::drop() {
  phase_ = phase::dead;
  pool_ = nullptr;
  exchange_ = nullptr;
  auto error = boost::system::error_code{};
  socket_.close(error); // ends the waits, which hold the last references
}

void client_connection::connected() {
  auto flaw = 0;
  auto size = socklen_t{sizeof(flaw)};
  ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &flaw, &size);
  if (flaw != 0)
    return end(client_error::unreachable, "the connection was refused");
  phase_ = phase::open;
  wait_readable();
  if (exchange_)
    send_rest();
}

void client_connection::send_rest() {
  auto bytes = std::string_view{exchange_->request_bytes}.substr(sent_);
  while (!bytes.empty()) {
    auto n = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && would_block())
      return wait_writable();
    if (n < 0)
      return end(client_error::broken, "the request could not be sent");
    sent_ += static_cast<std::size_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void client_connection::read_some() {
  auto into = loop_.read_scratch();
  for (auto i = 0; i < reads_per_turn; ++i) {
    auto n = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
    if (n < 0 && would_block())
      break;
    if (n < 0)
      return end(client_error::broken, "the connection was reset");
    if (!exchange_) // an idle server has nothing to say but goodbye
      return end(client_error::broken, "");
    if (n == 0) {
      if (reader_.end() == http::response_reader::outcome::done)
        return answer_is_here(false);
      return end(client_error::broken, "the connection ended before the answer was complete");
    }
    auto got = static_cast<std::size_t>(n);
    auto used = std::size_t{0};
    auto what = reader_.feed({into.data(), got}, used);
    if (what == http::response_reader::outcome::failed)
      return end(client_error::malformed, reader_.flaw());
    if (what == http::response_reader::outcome::done)
      return answer_is_here(used == got);
    if (got < into.size())
      break;
  }
  wait_readable();
}

/// `clean`: nothing came behind the answer, and the server goes on listening.
void client_connection::answer_is_here(bool clean) {
  auto* whose = std::exchange(exchange_, nullptr);
  whose->carrier_ = nullptr;
  auto stays = clean && reader_.keep_alive() && sent_ == whose->request_bytes.size();
  auto reply = reader_.take();
  auto keep = shared_from_this();
  auto* pool = pool_;
  was_used_ = true;
  if (stays) {
    wait_readable();
    pool->on_idle(*this);
  } else {
    drop();
    pool->on_dead(*this);
  }
  whose->on_reply(std::move(reply));
  pool->take_next();
}

void client_connection::end(client_error why, std::string_view detail) {
  auto keep = shared_from_this();
  auto* pool = pool_;
  auto* whose = exchange_;
  auto failure = client_failure{why, detail, was_used_, reader_.begun()};
  drop();
  if (whose)
    whose->carrier_ = nullptr;
  if (pool)
    pool->on_dead(*this);
  if (whose)
    whose->on_failure(failure);
  if (pool)
    pool->take_next();
}

void client_connection::wait_readable() {
  if (std::exchange(waits_readable_, true))
    return;
  socket_.async_wait(stream_socket::wait_read, [self = shared_from_this()](const auto& error) {
    self->waits_readable_ = false;
    if (!error && self->phase_ == phase::open)
      self->read_some();
  });
}

void client_connection::wait_writable() {
  if (std::exchange(waits_writable_, true))
    return;
  socket_.async_wait(stream_socket::wait_write, [self = shared_from_this()](const auto& error) {
    self->waits_writable_ = false;
    if (error || self->phase_ == phase::dead)
      return;
    if (self->phase_ == phase::connecting)
      self->connected();
    else if (self->exchange_)
      self->send_rest();
  });
}

} // namespace shoal::tls
