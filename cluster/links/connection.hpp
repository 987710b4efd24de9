// One TCP connection between two nodes: TLS, introduction, records, heartbeats. On the I/O thread.
//
// Kept alive by its owner and by the operation it waits for. It knows nothing of other connections:
// it tells its owner what it hears, and the owner decides which connection is the link.
//
//   connecting ──► shaking ──► introducing ──► up ──► closed        (every state may go to closed)
//
// Bounded: what is read is one record; a frame being put together is never larger than the window;
// what is written is one chunk, whose frames the outbox bounds. Time counts only while the process
// runs (`tick`), so that a node that was stopped does not blame its peers for its own silence.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "cluster/links/peer.hpp"
#include "cluster/links/wire.hpp"
#include "protocol/tls/transport.hpp"

namespace shoal::cluster::links {

class connection_owner {
public:
  virtual ~connection_owner() = default;

  // What a dialed connection needs, when it needs it.
  virtual tls::ssl_ptr make_dialing_session(const connection& x) = 0;
  virtual hello make_hello(const connection& x) = 0;

  virtual void on_hello(connection& x) = 0;
  virtual void on_welcome(connection& x, std::uint64_t link) = 0;
  virtual void on_ready(connection& x) = 0;
  virtual void on_frame(connection& x, traffic kind, std::string body) = 0;

  /// Said once, also when `close` or `refuse` was called.
  virtual void on_closed(connection& x, const std::string& why) = 0;
};

struct connection_times {
  std::chrono::milliseconds heartbeat, dead_after;
  std::chrono::milliseconds introduction; ///< from the first byte to `up`
};

class connection : public std::enable_shared_from_this<connection> {
public:
  using duration = std::chrono::steady_clock::duration;
  using tcp = boost::asio::ip::tcp;

  /// `dialed` is the node's name; empty for an accepted connection.
  connection(connection_owner& owner, boost::asio::io_context& context, connection_times times,
      std::string dialed);
  ~connection();

  void dial(const std::string& host, std::uint16_t port);
  void accept(tcp::socket socket, tls::ssl_ptr ssl);

  const std::string& dialed() const { return dialed_; }
  bool is_open() const { return state_ != state::closed; }
  /// Dialed, and nobody listens there.
  bool was_refused() const { return refused_; }
  bool is_up() const { return state_ == state::up; }

  /// What the other end said; empty before `on_hello`.
  const std::optional<hello>& said() const { return said_; }
  const SSL* ssl() const { return ssl_; }

  /// Whose connection it is, once the owner knows; until it is closed.
  peer_ptr node;

  void send_hello(const hello& x);
  void send_welcome(std::uint64_t link);
  void send_ready();

  /// From now on it carries the frames of `node`, with windows of that size.
  void raise(std::size_t window);

  /// Writes what the outbox has.
  void flush();

  /// Tells the peer why, if there is an open ear, and closes.
  void close(const std::string& why);

  /// Time has passed while the process was awake.
  void tick(duration awake);

private:
  enum class state : std::uint8_t { connecting, shaking, introducing, up, closed };

  void connect(const tcp::resolver::results_type& where);
  void start_tls(tls::ssl_ptr ssl);
  void shake();
  void introduce();
  void wait_readable();
  void wait_writable();
  void read();
  bool take_records();
  bool take_record(const record& x);
  bool take_hello(std::string_view body);
  bool take_part(const record& x);
  bool refill();
  void drop(const std::string& why);
  std::string broken() const;

  connection_owner& owner_;
  tcp::socket socket_;
  tcp::resolver resolver_;
  connection_times times_;
  std::string dialed_;
  state state_ = state::connecting;
  bool refused_ = false;
  std::optional<tls::transport> transport_;
  SSL* ssl_ = nullptr;          ///< the transport's
  const char* alert_ = nullptr; ///< the peer's last TLS alert
  std::optional<hello> said_;

  bool reading_ = false, writing_ = false; ///< an operation waits
  bool flush_posted_ = false;
  record_reader reader_;
  std::array<std::string, traffic_kinds> partial_;
  std::array<std::uint64_t, traffic_kinds> taken_{}, told_{}; ///< window bytes
  std::size_t window_ = 0;

  std::string chunk_; ///< being written
  std::size_t chunk_at_ = 0;
  std::string introduction_; ///< hello, welcome, ready
  bool ping_due_ = false, acks_due_ = false;
  std::optional<std::uint64_t> pong_due_;
  std::optional<duration> unanswered_; ///< since the oldest ping without an answer
  duration silent_{}, since_ping_{}, age_{};
};

} // namespace shoal::cluster::links
