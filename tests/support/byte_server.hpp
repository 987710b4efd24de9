// A server below any protocol: what it says depends on the bytes that a connection has brought so
// far. For peers that talk to clients in ways in which no library would.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>

#include "tests/support/loopback_server.hpp"

namespace shoal::test {

class byte_server {
public:
  struct say {
    std::string bytes;
    bool close = false;
  };
  /// Called whenever more has come; a connection has its own copy and may keep what it likes.
  using script = std::function<say(const std::string& all)>;

  explicit byte_server(script react) : react_{std::move(react)} {}

  std::string address() const { return server_.address(); }
  int connections() const { return server_.connections(); }
  int ended() const { return ended_; } ///< connections that the other side has ended

private:
  void serve(int fd) {
    auto react = react_;
    auto all = std::string{};
    while (server_.readable(fd)) {
      char buffer[16384];
      auto n = ::recv(fd, buffer, sizeof(buffer), 0);
      if (n <= 0) {
        ++ended_;
        return;
      }
      all.append(buffer, static_cast<std::size_t>(n));
      auto what = react(all);
      if (!send_all(fd, what.bytes) || what.close)
        return;
    }
  }

  script react_;
  std::atomic<int> ended_{0};
  loopback_server server_{[this](int fd) { serve(fd); }};
};

} // namespace shoal::test
