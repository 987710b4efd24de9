// HTTP/1.1 on one connection: one request at a time goes out to the handler, answers leave in
// order, and the next request is looked at when the answer has left. Whoever is too slow with a
// request gets 408. A request that becomes a WebSocket ends it: another driver takes over.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "protocol/http/parser.hpp"
#include "protocol/tls/driver.hpp"

namespace shoal::tls {

class connection;

class http_driver : public driver {
public:
  explicit http_driver(connection& x);
  ~http_driver() override;

  application speaks() const override { return application::http_1; }
  void on_start() override;
  void on_bytes(std::string_view bytes) override;
  bool wants_bytes() const override { return state_ == state::reading; }
  void on_flushed() override;
  void on_peer_gone() override;
  void on_deadline() override;
  void on_end(ec why) override;

  /// The handler's answer to request `number`; too late or repeated ones are ignored.
  void answer(std::uint32_t number, const http::response& x);

  /// `then` is called if the peer is gone before request `number` has its answer.
  void when_given_up(std::uint32_t number, std::function<void()> then);

  /// The node stops: close now if nothing is under way, else after the answer.
  void drain();

private:
  enum class state : std::uint8_t { reading, handling, writing, over };

  void read_requests();
  void give_up();
  void hand_out(http::request x);
  void begin_websocket(const http::request& x);
  bool served_here(http::request& x);
  void refuse(const http::response& x);
  void watch();
  bool within_budget();
  void count_unread(std::size_t now);

  connection& connection_;
  http::parser parser_;
  std::string peer_;
  std::vector<std::function<void()>> given_up_; // of the request that is being handled
  std::size_t counted_ = 0;                     // of what the parser holds, in the loop's sum
  std::size_t unread_ = 0;                      // of the answer that leaves, in another
  std::size_t unsent_ = 0;                      // at the last deadline, to see progress
  std::uint32_t number_ = 0;                    // of the newest request
  state state_ = state::reading;
  http::parser::stage stage_ = http::parser::stage::idle;
  bool head_ = false;
};

} // namespace shoal::tls
