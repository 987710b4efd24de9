// Connections of one I/O loop to one other server: plain HTTP/1.1, kept alive, one exchange at a
// time on each. Owned by a service of the loop, used on its thread only; not destroyed by what an
// exchange does when it hears its end.
//
//   start ──> an idle connection, the one used last ── none ──> a new one ── at the limit ──> waits
//                │                                                                   (bounded; else
//                v                                                                    `overloaded`)
//   request sent ──> answer ──> idle again, or closed if anything about it is doubtful
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
  client_pool(io_loop& loop, boost::asio::ip::tcp::endpoint where, client_limits limits = {});
  ~client_pool();
  client_pool(const client_pool&) = delete;
  client_pool& operator=(const client_pool&) = delete;

  /// May call `on_failure` before it returns.
  void start(client_exchange& x);

  /// Closes connections that were idle for too long. To be called now and then.
  void sweep();

  std::size_t connections() const { return all_.size(); }
  std::size_t idle() const { return idle_.size(); }
  std::size_t busy() const { return all_.size() - idle_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  const boost::asio::ip::tcp::endpoint& where() const { return where_; }

private:
  friend class client_exchange;
  friend class client_connection;

  void carry(client_connection& by, client_exchange& x);
  void on_idle(client_connection& x);
  void on_dead(client_connection& x);
  void take_next();
  void forget(client_exchange& x);

  io_loop& loop_;
  boost::asio::ip::tcp::endpoint where_;
  client_limits limits_;
  std::vector<std::shared_ptr<client_connection>> all_;
  std::vector<client_connection*> idle_; // used last, last
  std::deque<client_exchange*> waiting_;
};

} // namespace shoal::tls
