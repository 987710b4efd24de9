// The listening socket. Accepts on the first loop's thread and deals sockets to the loop with the
// fewest.
//
// One acceptor instead of one per loop with SO_REUSEPORT: the kernel's hash would deal unevenly,
// and a second process could take half of the connections of the same port without an error.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "protocol/tls/counters.hpp"
#include "protocol/tls/io_loop.hpp"

namespace shoal::tls {

class acceptor {
public:
  /// Binds and listens. Throws std::runtime_error with a sentence.
  acceptor(const endpoint_options& options, std::vector<std::shared_ptr<io_loop>>& loops);

  std::uint16_t port() const { return port_; }

  /// The first loop's thread only.
  void start();
  void close();

  const counter& accepted() const { return accepted_; }
  const counter& refused() const { return refused_; }

private:
  void accept_some();
  void deal(int fd);
  void try_again_later();

  std::vector<std::shared_ptr<io_loop>>& loops_;
  std::size_t max_connections_;
  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>
      socket_;
  boost::asio::steady_timer pause_;
  std::uint16_t port_ = 0;
  counter accepted_;
  counter refused_;
};

} // namespace shoal::tls
