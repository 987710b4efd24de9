// Listens on a free port, of the loopback unless another address is named, and gives each
// connection a thread. What is said on it is for whoever owns this.
#pragma once

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace shoal::test {

/// Binds to an IPv4 address and listens. The port.
inline std::uint16_t listen_on(int listener, const std::string& host, int backlog = 64) {
  auto address = sockaddr_in{};
  address.sin_family = AF_INET;
  auto size = socklen_t{sizeof(address)};
  auto* where = reinterpret_cast<sockaddr*>(&address);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1 ||
      ::bind(listener, where, size) != 0 || ::listen(listener, backlog) != 0 ||
      ::getsockname(listener, where, &size) != 0)
    throw std::runtime_error{"no port to listen on"};
  return ntohs(address.sin_port);
}

inline std::uint16_t listen_on_loopback(int listener, int backlog = 64) {
  return listen_on(listener, "127.0.0.1", backlog);
}

/// False if the other side takes no more.
inline bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

class loopback_server {
public:
  /// `serve` runs on the connection's thread; the socket is closed when it returns. It must not
  /// wait for longer than `readable` does.
  explicit loopback_server(std::function<void(int fd)> serve, std::string host = "127.0.0.1")
      : serve_{std::move(serve)}, host_{std::move(host)}, port_{listen_on(listener_, host_)},
        door_{[this] { accept_all(); }} {}

  ~loopback_server() {
    stop_ = true;
    door_.join();
    for (auto& x : rooms_)
      x.join();
    ::close(listener_);
  }

  std::string address() const { return host_ + ":" + std::to_string(port_); }
  int connections() const { return connections_; }

  /// Waits for bytes, or for the end of the connection. False: the server stops.
  bool readable(int fd) const {
    auto waited = pollfd{fd, POLLIN, 0};
    while (!stop_)
      if (::poll(&waited, 1, 10) > 0)
        return true;
    return false;
  }

private:
  void accept_all() {
    while (readable(listener_)) {
      auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0)
        continue;
      ++connections_;
      rooms_.emplace_back([this, fd] {
        serve_(fd);
        ::close(fd);
      });
    }
  }

  std::function<void(int)> serve_;
  std::string host_;
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0};
  std::vector<std::thread> rooms_;
  std::uint16_t port_;
  std::thread door_; // last: it uses all of the others
};

} // namespace shoal::test
