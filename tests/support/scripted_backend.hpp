// A backend that keeps connections alive, serves many at a time, and answers with whatever a test
// says, byte by byte: good answers, half ones, garbage, nothing.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
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

class scripted_backend {
public:
  enum class then : std::uint8_t { keep, close, reset, hang };
  struct say {
    std::string bytes;
    then after = then::keep;
  };
  struct heard {
    std::string method, path, head, body; ///< path with its query
  };
  using script = std::function<say(const heard&)>;

  explicit scripted_backend(script answer) : answer_{std::move(answer)} {
    auto address = sockaddr_in{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto size = socklen_t{sizeof(address)};
    auto* where = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, where, size) != 0 || ::listen(listener_, 256) != 0 ||
        ::getsockname(listener_, where, &size) != 0)
      throw std::runtime_error{"no port to listen on"};
    port_ = ntohs(address.sin_port);
    door_ = std::thread{[this] { accept_all(); }};
  }

  ~scripted_backend() {
    stop_ = true;
    door_.join();
    for (auto& x : rooms_)
      x.join();
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int requests() const { return requests_; }
  int connections() const { return connections_; }

  std::vector<heard> all_heard() const {
    auto guard = std::lock_guard{mutex_};
    return heard_;
  }

  static say ok(const std::string& body, const std::string& fields = "") {
    return {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + fields +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
        then::keep};
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
        auto text = std::string{};
        while (serve(fd, text)) {
        }
        ::close(fd);
      });
    }
  }

  bool serve(int fd, std::string& text) {
    auto end = text.npos;
    while ((end = text.find("\r\n\r\n")) == text.npos || text.size() < end + 4 + length_in(text)) {
      char buffer[16384];
      auto n = readable(fd) ? ::recv(fd, buffer, sizeof(buffer), 0) : 0;
      if (n <= 0)
        return false;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    auto x = heard{};
    auto blank = text.find(' ');
    x.method = text.substr(0, blank);
    x.path = text.substr(blank + 1, text.find(' ', blank + 1) - blank - 1);
    x.head = text.substr(0, end + 2);
    x.body = text.substr(end + 4, length_in(text));
    text.erase(0, end + 4 + x.body.size());
    {
      auto guard = std::lock_guard{mutex_};
      heard_.push_back(x);
    }
    ++requests_;
    return answer(fd, answer_(x));
  }

  bool answer(int fd, const say& what) {
    for (std::size_t sent = 0; sent < what.bytes.size();) {
      auto n = ::send(fd, what.bytes.data() + sent, what.bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      sent += static_cast<std::size_t>(n);
    }
    if (what.after == then::reset) {
      auto hard = linger{1, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    }
    if (what.after == then::hang) {
      char buffer[256];
      while (readable(fd) && ::recv(fd, buffer, sizeof(buffer), 0) > 0) {
      }
    }
    return what.after == then::keep;
  }

  static std::size_t length_in(const std::string& text) {
    constexpr auto field = std::string_view{"Content-Length: "};
    auto at = text.find(field);
    return at == text.npos || at > text.find("\r\n\r\n")
               ? 0
               : std::stoul(text.substr(at + field.size()));
  }

  script answer_;
  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> requests_{0}, connections_{0};
  mutable std::mutex mutex_;
  std::vector<heard> heard_; // guarded by mutex_
  std::vector<std::thread> rooms_;
  std::thread door_;
};

} // namespace shoal::test
