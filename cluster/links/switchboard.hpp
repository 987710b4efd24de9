// All links of this node: listens, dials, decides which connection is the link, tells the handlers.
//
// One I/O thread owns every connection and every timer; it calls the handlers. `send` and `status`
// may be called from any thread, also from a handler. Peers are found in a table that changes only
// with `set_peers`.
#pragma once

#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "cluster/links/connection.hpp"
#include "cluster/links/identity.hpp"
#include "cluster/links/peer.hpp"
#include "cluster/node_links.hpp"

namespace shoal::cluster::links {

class switchboard final : public node_links, public connection_owner {
public:
  switchboard(link_options options, link_handlers handlers);
  ~switchboard() override;

  void set_peers(std::vector<peer_address> peers) override;
  bool send(const std::string& to, traffic kind, std::string body) override;
  std::vector<link_status> status() const override;
  std::uint16_t port() const override { return port_; }
  void stop() override;

private:
  using tcp = boost::asio::ip::tcp;
  using connection_ptr = std::shared_ptr<connection>;
  using duration = connection::duration;

  void listen();
  void accept();
  void accept_later();
  void take_socket(tcp::socket socket);
  void await_tick();
  void tick();
  void replace_peers(std::vector<peer_address> peers);
  void forget(peer& x, const std::string& why);
  void dial(peer& x);
  void plan_redial(peer& x);
  std::vector<peer_ptr> peers() const;

  peer_ptr find(const std::string& name) const;
  std::string objection(const connection& x, const agreement& terms) const;
  void adopt(peer& x, connection& on, chosen link);
  void raise(peer& x);
  void lower(peer& x, const std::string& why);

  tls::ssl_ptr make_dialing_session(const connection& x) override;
  hello make_hello(const connection& x) override;
  void on_hello(connection& x) override;
  void on_welcome(connection& x, std::uint64_t link) override;
  void on_ready(connection& x) override;
  void on_frame(connection& x, traffic kind, std::string body) override;
  void on_closed(connection& x, const std::string& why) override;

  const link_options options_;
  const link_handlers handlers_;
  const connection_times times_;
  const duration tick_;

  mutable std::shared_mutex table_mutex_;
  std::unordered_map<std::string, peer_ptr> table_; // guarded by table_mutex_

  boost::asio::io_context context_{1};
  identity identity_;
  tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  boost::asio::steady_timer ticker_, accept_pause_;
  std::chrono::steady_clock::time_point last_tick_;
  std::vector<connection_ptr> strangers_; ///< accepted and not chosen, the oldest first
  std::mt19937_64 random_;
  bool stopping_ = false;
  std::mutex stop_mutex_;
  std::thread thread_;
};

} // namespace shoal::cluster::links
