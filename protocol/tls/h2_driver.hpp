// HTTP/2 on one connection: requests go out to the handler as they become complete, answers leave
// as the peer's windows allow. The rules are http/h2_session's; here are socket, clock and the
// loop's budget.
//
// Whoever does not read what was asked for is neither read from: at most `max_waiting` bytes lie
// encoded in the outbox, the rest of the answers in the session; and all of a loop together leave
// no more lying than `max_http_unread` allows (unread_room.hpp).
//
// A stream may become a WebSocket (RFC 8441): then a `stream_carrier` of the loop speaks on it, and
// this class tells it what happens there. It is pumped at the end of the loop's turn, however many
// frames its devices were sent.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/http/h2_session.hpp"
#include "protocol/tls/driver.hpp"

namespace shoal::tls {

class connection;
class stream_carrier;

class h2_driver : public driver {
public:
  explicit h2_driver(connection& x);
  ~h2_driver() override;

  application speaks() const override { return application::http_2; }
  void on_start() override;
  void on_bytes(std::string_view bytes) override;
  bool wants_bytes() const override;
  void on_flush() override { pump(); }
  void on_flushed() override;
  void on_deadline() override;
  void on_end(ec why) override;

  /// The handler's answer to the request of a stream; each comes once.
  void answer(std::uint32_t stream, http::response x);

  /// `then` is called if the peer resets the stream, or is gone, before the answer.
  void when_given_up(std::uint32_t stream, std::function<void()> then);

  /// The node stops: no new streams, and the end when the open ones have their answers.
  void drain();

  // For the WebSockets on its streams.
  http::h2_tunnels& tunnels() { return session_.tunnels(); }
  const std::string& peer() const { return peer_; }

  /// There is something to send, or the peer may say more.
  void stir();

  /// Lets leave what can, now.
  void flush();

  /// That one has ended by itself.
  void forget(const stream_carrier& x);

private:
  std::uint64_t now_ms() const;
  void hand_out();
  void give_up(std::uint32_t stream);
  bool served_here(std::uint32_t stream, http::request& x);
  void open_websocket(std::uint32_t stream, const http::request& x);
  bool tend_tunnels();
  void count_held();
  std::size_t room() const;
  void end_slow_devices();
  void keep_within_budget();
  void pump();
  void watch();
  bool is_stuck();

  connection& connection_;
  http::h2_session session_;
  std::string peer_;
  std::vector<std::pair<std::uint32_t, std::function<void()>>> given_up_; // by stream
  std::vector<stream_carrier*> websockets_;                               // the loop owns them
  std::size_t counted_ = 0;       // of what the session holds, in the loop's sum
  std::size_t unread_ = 0;        // of what waits in it, in another
  std::uint64_t refused_ = 0;     // that the counters know of
  std::uint64_t busy_ms_ = 0;     // when there was a stream last
  std::uint64_t progress_ms_ = 0; // when the peer took something last, or nothing waited
  std::uint64_t sent_ = 0;        // at the last look
  std::size_t waiting_ = 0;       // in the outbox at the last look
  bool draining_ = false;
  bool over_ = false;
};

} // namespace shoal::tls
