// A server below any protocol: what it says depends on the bytes that a connection has brought so
// far. For peers that talk to clients in ways in which no library would.
#pragma once

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace shoal::test {

class byte_server {
public:
  struct say {
    std::string bytes;
    bool close = false;
  };
  /// Called whenever more has come; a connection has its own copy and may keep what it likes.
  using script = std::function<say(const std::string& all)>;

  explicit byte_server(script react) : react_{std::move(react)} {
    auto address = sockaddr_in{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto size = socklen_t{sizeof(address)};
    auto* where = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, where, size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, where, &size) != 0)
      throw std::runtime_error{"no port to listen on"};
    port_ = ntohs(address.sin_port);
    door_ = std::thread{[this] { accept_all(); }};
  }

  ~byte_server() {
    stop_ = true;
    door_.join();
    for (auto& x : rooms_)
      x.join();
    ::close(listener_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }
  int ended() const { return ended_; } ///< connections that the other side has ended

private:
  bool readable(int fd) const {
    auto waited = pollfd{fd, POLLIN, 0};
    while (!stop_)
      if (::poll(&waited, 1, 10) > 0)
        return true;
    return false;
  }

  void accept_all() {
    while (readable(listener_)) {
      auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0)
        continue;
      ++connections_;
      rooms_.emplace_back([this, fd] {
        serve(fd);
        ::close(fd);
      });
    }
  }

  void serve(int fd) {
    auto react = react_;
    auto all = std::string{};
    while (readable(fd)) {
      char buffer[16384];
      auto n = ::recv(fd, buffer, sizeof(buffer), 0);
      if (n <= 0) {
        ++ended_;
        return;
      }
      all.append(buffer, static_cast<std::size_t>(n));
      auto what = react(all);
      for (auto sent = std::size_t{0}; sent < what.bytes.size();) {
        auto m = ::send(fd, what.bytes.data() + sent, what.bytes.size() - sent, MSG_NOSIGNAL);
        if (m <= 0)
          return;
        sent += static_cast<std::size_t>(m);
      }
      if (what.close)
        return;
    }
  }

  script react_;
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0}, ended_{0};
  std::vector<std::thread> rooms_;
  std::thread door_;
};

} // namespace shoal::test
