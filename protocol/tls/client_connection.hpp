// One connection of a client_pool: socket and TLS, from connect to the last byte. What is spoken on
// it is its subclass's: client_http_1, client_http_2.
//
//   connecting ──> (handshake) ──> open ──> dead
//        └──────────────┴────────────┴──> told to the pool once, and then only kept by its waits
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "protocol/tls/client_exchange.hpp"
#include "protocol/tls/transport.hpp"

namespace shoal::tls {

class io_loop;
class client_pool;

class client_connection : public std::enable_shared_from_this<client_connection> {
public:
  client_connection(io_loop& loop, client_pool& pool);
  virtual ~client_connection() = default;
  client_connection(const client_connection&) = delete;
  client_connection& operator=(const client_connection&) = delete;

  /// False if it failed at once.
  bool connect(const boost::asio::ip::tcp::endpoint& where);

  /// One more exchange; there is room for it.
  virtual void carry(client_exchange& x) = 0;

  /// Gives up one that it carries.
  virtual void cancel(client_exchange& x) = 0;

  /// Exchanges that it carries, and how many more it could.
  virtual std::size_t load() const = 0;
  virtual std::size_t room() const = 0;

  /// Now and then: what took too long.
  virtual void on_sweep() {}

  /// Without a word to the pool or the exchanges.
  void drop();

  /// With a word to both.
  void end(client_error why, std::string_view detail);

  std::uint64_t idle_since = 0; ///< in ticks of the loop
  std::uint32_t place = 0;      ///< in the pool's list
  bool is_free = false;         ///< in the pool's list of those with room

protected:
  friend class client_exchange;
  friend class client_pool;

  /// May write.
  virtual void on_open() = 0;
  virtual void on_bytes(std::string_view x) = 0;
  /// The server sends no more.
  virtual void on_end_of_bytes() = 0;
  virtual void on_writable() = 0;

  /// Whether what the server said before it closed its ears concerns a request.
  virtual bool may_be_answered() const = 0;

  /// Takes an exchange of which nothing has left off an open connection that ends; null: no more.
  virtual client_exchange* take_unsent() { return nullptr; }
  /// Takes an exchange that it carries off the connection; null: no more.
  virtual client_exchange* take_exchange() = 0;
  /// What its failure is like.
  virtual client_failure failure_of(client_error why, std::string_view detail) const = 0;

  /// To be called for each exchange that was carried before the connection was open.
  static void begins(client_exchange& x) { x.on_sending(); }

  bool is_open() const { return phase_ == phase::open; }
  bool is_dead() const { return phase_ == phase::dead; }
  client_pool* pool() const { return pool_; }
  io_loop& loop() const { return loop_; }

  /// Writes what it can of `bytes` and waits for more room itself; what is left stays the caller's,
  /// who is asked by `on_writable`. False: nothing more can be written. The connection has ended
  /// then, or ends when all that the server has said before is read.
  bool write(std::string_view bytes, std::size_t& sent);

private:
  enum class phase : std::uint8_t { connecting, shaking_hands, open, dead };

  void connected();
  void shake_hands();
  void open();
  void read_some();
  void read_soon();
  void wait_readable();
  void wait_writable();
  void on_socket_writable();

  using stream_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp,
      boost::asio::io_context::executor_type>;

  io_loop& loop_;
  client_pool* pool_;
  stream_socket socket_;
  transport transport_{-1};
  phase phase_ = phase::connecting;
  bool waits_readable_ = false;
  bool waits_writable_ = false;
  bool read_wants_write_ = false;
  bool only_reads_ = false; ///< the server takes nothing more
};

} // namespace shoal::tls
