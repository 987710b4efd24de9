// A backend that speaks HTTP/2 with prior knowledge: our own server's session on a plain socket,
// one thread per connection. A test says what becomes of each request: an answer, silence, or
// frames by hand.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/http/h2_session.hpp"
#include "tests/support/h2_client.hpp"

namespace shoal::test {

class h2_backend {
public:
  struct say {
    std::optional<http::response> answer;
    std::string frames = {}; ///< behind what the session has to say
    bool close = false;      ///< afterwards
    bool reset = false;      ///< the same with RST
  };
  /// Called on the connections' threads. `number` counts all requests from 0.
  using script = std::function<say(const http::request&, std::uint32_t stream, int number)>;

  explicit h2_backend(script answer) : answer_{std::move(answer)} {
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

  ~h2_backend() {
    stop_ = true;
    door_.join();
    for (auto& x : rooms_)
      x.join();
    ::close(listener_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int requests() const { return requests_; }
  int connections() const { return connections_; }

  static say ok(const std::string& body) {
    return {http::response{200, "application/json", {}, body}};
  }

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
    auto session = http::h2_session{http::h2_limits{}};
    while (readable(fd)) {
      char buffer[16384];
      auto n = ::recv(fd, buffer, sizeof(buffer), 0);
      if (n <= 0)
        return;
      session.feed({buffer, static_cast<std::size_t>(n)}, 0);
      auto out = std::string{}, by_hand = std::string{};
      auto close = false, reset = false;
      while (session.has_request()) {
        auto x = session.take();
        auto what = answer_(x.what, x.stream, requests_++);
        if (what.answer)
          session.answer(x.stream, std::move(*what.answer));
        by_hand += what.frames;
        close = close || what.close || what.reset;
        reset = reset || what.reset;
      }
      session.produce(out, 1 << 24);
      out += by_hand;
      for (auto sent = std::size_t{0}; sent < out.size();) {
        auto m = ::send(fd, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
        if (m <= 0)
          return;
        sent += static_cast<std::size_t>(m);
      }
      if (reset) {
        auto hard = linger{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
      }
      if (close || session.over())
        return;
    }
  }

  script answer_;
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> requests_{0}, connections_{0};
  std::vector<std::thread> rooms_;
  std::thread door_;
};

// Frames by hand, for `say::frames`.
inline std::string h2_number(std::uint32_t x) {
  auto out = std::string{};
  for (auto shift : {24, 16, 8, 0})
    out += static_cast<char>(x >> shift & 0xff);
  return out;
}
inline std::string h2_reset(std::uint32_t stream, std::uint32_t why) {
  return h2_frame(3, 0, stream, h2_number(why));
}
inline std::string h2_goodbye(std::uint32_t last_stream, std::uint32_t why = 0) {
  return h2_frame(7, 0, 0, h2_number(last_stream) + h2_number(why));
}

} // namespace shoal::test
