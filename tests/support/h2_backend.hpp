// A backend that speaks HTTP/2 with prior knowledge: our own server's session on a plain socket,
// one thread per connection. A test says what becomes of each request: an answer, silence, or
// frames by hand.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "protocol/http/h2_session.hpp"
#include "tests/support/h2_client.hpp"
#include "tests/support/loopback_server.hpp"

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

  explicit h2_backend(script answer) : answer_{std::move(answer)} {}

  std::string address() const { return server_.address(); }
  int requests() const { return requests_; }
  int connections() const { return server_.connections(); }

  static say ok(const std::string& body) {
    return {http::response{200, "application/json", {}, body}};
  }

private:
  void serve(int fd) {
    auto session = http::h2_session{http::h2_limits{}};
    while (server_.readable(fd)) {
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
      if (!send_all(fd, out))
        return;
      if (reset) {
        auto hard = linger{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
      }
      if (close || session.over())
        return;
    }
  }

  script answer_;
  std::atomic<int> requests_{0};
  loopback_server server_{[this](int fd) { serve(fd); }};
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
