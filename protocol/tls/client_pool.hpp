// Connections of one I/O loop to one other server, kept alive, plain or over TLS: HTTP/1.1 with one
// exchange at a time on each, or HTTP/2 with many (by `client_security::speaks`). Owned by a
// service of the loop, used on its thread only; not destroyed by what an exchange does when it
// hears its end.
//
//   start ──> a connection with room, used last ── none ──> a new one ── at the limit ──> waits
//                │                                                               (bounded; else
//                v                                                                `overloaded`)
//   request sent ──> answer ──> room again, or closed if anything about it is doubtful
//
// Guarantees: a connection on which something went wrong (reset, half an answer, bytes nobody asked
// for, an exchange that was cancelled) never carries another exchange. Idle connections are
// watched, so that one that the server ends is gone before it is used; the rest of that race is
// told to the caller (`was_reused`, `had_begun`). Knows no deadline: whoever waits cancels.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "protocol/http/response_reader.hpp"
#include "protocol/tls/client_context.hpp"
#include "protocol/tls/client_exchange.hpp"

namespace shoal::tls {

class io_loop;

struct client_limits {
  std::size_t connections = 256;  ///< at the same time
  std::size_t waiting = 1024;     ///< exchanges that wait for one of them
  std::size_t idle = 64;          ///< kept open without work
  std::uint64_t idle_ticks = 240; ///< of 250 ms, before an idle one is closed
  http::response_limits answer = {};
};

class client_pool {
public:
  client_pool(io_loop& loop, boost::asio::ip::tcp::endpoint where, client_limits limits = {},
      client_security security = {});
  ~client_pool();
  client_pool(const client_pool&) = delete;
  client_pool& operator=(const client_pool&) = delete;

  /// May call `on_failure` before it returns.
  void start(client_exchange& x);

  /// Closes connections that were idle for too long. To be called now and then.
  void sweep();

  std::size_t connections() const { return all_.size(); }
  std::size_t busy() const; ///< connections that carry something
  std::size_t waiting() const { return waiting_.size(); }
  const boost::asio::ip::tcp::endpoint& where() const { return where_; }

  // What its connections use.
  const client_security& security() const { return security_; }
  session_ptr& session() { return session_; }
  /// HTTP/2: how many at a time the server took when it last said so.
  std::uint32_t& streams_at_first() { return streams_at_first_; }
  void hand_over(client_connection& by, client_exchange& whose, http::reply&& x);
  void give_back(client_connection& by, client_exchange& whose, const client_failure& x);
  void start_elsewhere(client_connection& by, client_exchange& whose);
  void settle(client_connection& x);
  void on_dead(client_connection& x);
  void take_next();

private:
  friend class client_exchange;

  void place(client_exchange& x);
  void carry(client_connection& by, client_exchange& x);
  void take_off(client_connection& x);
  void close(client_connection& x);
  void forget(client_exchange& x);

  io_loop& loop_;
  boost::asio::ip::tcp::endpoint where_;
  client_limits limits_;
  client_security security_;
  std::uint32_t streams_at_first_ = 100;
  session_ptr session_; // the newest, to be taken up again; outlives the connections
  std::vector<std::shared_ptr<client_connection>> all_;
  std::vector<client_connection*> free_; // with room; used last, last
  std::deque<client_exchange*> waiting_;
};

} // namespace shoal::tls
