// An HTTP server that answers every request with whatever a test says, byte by byte, or not at all.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/loopback_server.hpp"

namespace shoal::test {

class scripted_server {
public:
  /// `answer` gets the path and body and returns the bytes to send before the connection is closed.
  /// "hang" means: say nothing, keep the connection.
  using script = std::function<std::string(const std::string& path, const std::string& body)>;

  explicit scripted_server(script answer) : answer_{std::move(answer)} {
    port_ = listen_on_loopback(listener_);
    thread_ = std::thread{[this] { run(); }};
  }

  ~scripted_server() {
    stop_ = true;
    thread_.join();
    for (auto fd : held_)
      ::close(fd);
    ::close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int requests() const { return requests_; }

  static std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
  }

private:
  bool readable(int fd) const {
    auto waited = pollfd{fd, POLLIN, 0};
    while (!stop_)
      if (::poll(&waited, 1, 20) > 0)
        return true;
    return false;
  }

  void run() {
    while (readable(listener_)) {
      auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd >= 0)
        serve(fd);
    }
  }

  void serve(int fd) {
    auto text = std::string{};
    auto end = text.npos;
    while ((end = text.find("\r\n\r\n")) == text.npos || text.size() < end + 4 + length_in(text)) {
      char buffer[4096];
      auto n = readable(fd) ? ::recv(fd, buffer, sizeof(buffer), 0) : 0;
      if (n <= 0) {
        ::close(fd);
        return;
      }
      text.append(buffer, static_cast<std::size_t>(n));
    }
    ++requests_;
    auto path = text.substr(5, text.find(' ', 5) - 5);
    auto out = answer_(path, text.substr(end + 4));
    if (out == "hang") {
      held_.push_back(fd);
      return;
    }
    send_all(fd, out);
    ::close(fd);
  }

  static std::size_t length_in(const std::string& text) {
    constexpr auto field = std::string_view{"Content-Length: "};
    auto at = text.find(field);
    return at == text.npos ? 0 : std::stoul(text.substr(at + field.size()));
  }

  script answer_;
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> requests_{0};
  std::vector<int> held_;
  std::thread thread_;
};

} // namespace shoal::test
