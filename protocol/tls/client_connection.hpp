// One connection of a client_pool, from connect to the last byte.
//
//   connecting ──> busy <──> idle
//        └──────────┴─────────┴──> dead (told to the pool once, and then only kept by its waits)
#pragma once

#include <cstdint>
#include <memory>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "protocol/http/response_reader.hpp"
#include "protocol/tls/client_exchange.hpp"

namespace shoal::tls {

class io_loop;
class client_pool;

class client_connection : public std::enable_shared_from_this<client_connection> {
public:
  client_connection(io_loop& loop, client_pool& pool, const http::response_limits& limits);

  /// False if it failed at once.
  bool connect(const boost::asio::ip::tcp::endpoint& where);

  /// The next exchange; the connection is idle, or still connecting.
  void carry(client_exchange& x);

  /// Without a word to the pool or the exchange.
  void drop();

  std::uint64_t idle_since = 0; ///< in ticks of the loop
  std::uint32_t place = 0;      ///< in the pool's list

private:
  friend class client_exchange;
  friend class client_pool;
  enum class phase : std::uint8_t { connecting, open, dead };

  void connected();
  void send_rest();
  void read_some();
  void answer_is_here(bool clean);
  void end(client_error why, std::string_view detail);
  void wait_readable();
  void wait_writable();

  using stream_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp,
      boost::asio::io_context::executor_type>;

  io_loop& loop_;
  client_pool* pool_;
  stream_socket socket_;
  http::response_reader reader_;
  client_exchange* exchange_ = nullptr;
  std::size_t sent_ = 0; // of the request
  phase phase_ = phase::connecting;
  bool was_used_ = false;
  bool waits_readable_ = false;
  bool waits_writable_ = false;
};

} // namespace shoal::tls
