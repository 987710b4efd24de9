#include "protocol/tls/acceptor.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

namespace shoal::tls {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr int accepts_per_turn = 64;
constexpr int backlog = 4096;

/// When the process has no file descriptor left, the waiting connection stays readable; without a
/// pause we would spin.
constexpr auto pause_without_files = std::chrono::milliseconds{100};

void check(const boost::system::error_code& error, const std::string& where) {
  if (error)
    throw std::runtime_error{"cannot listen on " + where + ": " + error.message()};
}

} // namespace

acceptor::acceptor(const endpoint_options& options, std::vector<std::shared_ptr<io_loop>>& loops)
    : loops_{loops}, max_connections_{options.max_connections}, socket_{loops.front()->context()},
      pause_{loops.front()->context()} {
  auto where = options.address + ":" + std::to_string(options.port);
  auto error = boost::system::error_code{};
  auto address = asio::ip::make_address(options.address, error);
  check(error, where);
  auto end = tcp::endpoint{address, options.port};
  socket_.open(end.protocol(), error);
  check(error, where);
  socket_.set_option(asio::socket_base::reuse_address{true}, error);
  check(error, where);
  socket_.bind(end, error);
  check(error, where);
  socket_.listen(backlog, error);
  check(error, where);
  socket_.native_non_blocking(true, error);
  check(error, where);
  port_ = socket_.local_endpoint().port();
}

void acceptor::start() {
  if (!socket_.is_open())
    return;
  socket_.async_wait(tcp::acceptor::wait_read, [this](const auto& error) {
    if (!error)
      accept_some();
  });
}

void acceptor::close() {
  auto error = boost::system::error_code{};
  socket_.close(error);
  pause_.cancel();
}

void acceptor::accept_some() {
  for (auto i = 0; i < accepts_per_turn && socket_.is_open(); ++i) {
    auto fd = ::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      deal(fd);
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      return try_again_later();
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
      break;
  }
  start();
}

void acceptor::deal(int fd) {
  accepted_.add();
  auto total = std::uint64_t{0};
  for (auto& x : loops_)
    total += x->population();
  if (total >= max_connections_) {
    refused_.add();
    ::close(fd);
    return;
  }
  auto& least = *std::ranges::min_element(loops_, {}, [](auto& x) { return x->population(); });
  least->expect_one_more();
  least->push(adopt_socket{fd});
}

void acceptor::try_again_later() {
  pause_.expires_after(pause_without_files);
  pause_.async_wait([this](const auto& error) {
    if (!error)
      start();
  });
}

} // namespace shoal::tls
