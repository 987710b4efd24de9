// A TCP proxy on loopback whose cable can be cut, one way or both: bytes, and ends of connections,
// stay where they are until it heals. One thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace shoal::test {

class wire_cutter {
public:
  explicit wire_cutter(std::uint16_t target) : target_{target} {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    auto here = address(0);
    auto size = socklen_t{sizeof here};
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&here), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size) != 0)
      throw std::runtime_error{"cannot listen"};
    port_ = ntohs(here.sin_port);
    thread_ = std::thread{[this] { run(); }};
  }
  ~wire_cutter() {
    stopped_ = true;
    thread_.join();
    ::close(listener_);
  }
  wire_cutter(const wire_cutter&) = delete;
  wire_cutter& operator=(const wire_cutter&) = delete;

  std::uint16_t port() const { return port_; }

  /// Towards the target, and from it.
  void cut(bool there, bool back) {
    cut_[0] = there;
    cut_[1] = back;
  }

private:
  struct cable {
    cable(int dialer, int target) : fd{dialer, target} {}
    cable(const cable&) = delete;
    std::array<int, 2> fd;
    ~cable() {
      ::close(fd[0]);
      ::close(fd[1]);
    }
  };

  static sockaddr_in address(std::uint16_t port) {
    auto out = sockaddr_in{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return out;
  }

  void take() {
    auto from = ::accept(listener_, nullptr, nullptr);
    auto to = ::socket(AF_INET, SOCK_STREAM, 0);
    auto there = address(target_);
    cables_.push_back(std::make_unique<cable>(from, to));
    if (::connect(to, reinterpret_cast<sockaddr*>(&there), sizeof there) != 0)
      cables_.pop_back();
  }

  /// False if the connection has ended.
  static bool carry(int from, int to) {
    static thread_local auto bytes = std::array<char, 65536>{};
    auto n = ::recv(from, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n < 0)
      return errno == EAGAIN;
    for (auto at = ssize_t{0}; at < n;) {
      auto sent = ::send(to, bytes.data() + at, static_cast<std::size_t>(n - at), MSG_NOSIGNAL);
      if (sent <= 0)
        return false;
      at += sent;
    }
    return n > 0;
  }

  void run() {
    while (!stopped_) {
      auto polled = std::vector<pollfd>{{listener_, POLLIN, 0}};
      for (auto& x : cables_)
        for (auto i : {0u, 1u})
          polled.push_back({cut_[i] ? -1 : x->fd[i], POLLIN, 0});
      ::poll(polled.data(), polled.size(), 5);
      for (auto i = cables_.size(); i-- > 0;) {
        auto& x = *cables_[i];
        auto alive = true;
        for (auto way : {0u, 1u})
          if (!cut_[way] && polled[1 + 2 * i + way].revents != 0)
            alive = alive && carry(x.fd[way], x.fd[1 - way]);
        if (!alive)
          cables_.erase(cables_.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (polled[0].revents != 0)
        take();
    }
    cables_.clear();
  }

  std::uint16_t target_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::array<std::atomic<bool>, 2> cut_{};
  std::atomic<bool> stopped_{false};
  std::vector<std::unique_ptr<cable>> cables_;
  std::thread thread_;
};

} // namespace shoal::test
