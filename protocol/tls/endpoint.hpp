// The TLS endpoint: one port, several I/O loops, three protocols chosen by ALPN ("shoal/1" devices,
// "h2" and "http/1.1" API); devices also in WebSocket messages, after an HTTP/1.1 upgrade or on a
// stream of HTTP/2.
//
// Owned by the node, lives as long as it. Loops own sockets, TLS state, frame and HTTP parsing, and
// timers; they never wait for an actor or for a disk. What they know goes out through `link_sink`
// and `http::handler`, called on a loop's thread; what others want goes in through `link` and
// `http::responder`, callable from any thread, batched per loop.
//
// Guarantees: bounded memory per connection in both directions; frames of one link leave in the
// order of `send`; `on_closed` is called exactly once per accepted sink, after the last `on_frame`.
// Does not know what a device is: hellos, users and bizs are the actors' business.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "protocol/codes.hpp"
#include "protocol/frame.hpp"
#include "protocol/http/message.hpp"

namespace shoal::tls {

class io_loop;
class loop_service;
struct device_identity;
using device_identity_ptr = std::shared_ptr<const device_identity>;

/// Names one device connection from outside its loop. A value: cheap to copy, safe to use after the
/// connection is gone.
class link {
public:
  link() = default;
  link(io_loop* loop, std::uint32_t slot, std::uint32_t generation)
      : loop_{loop}, slot_{slot}, generation_{generation} {}

  /// Queues one frame. Above the connection's limit the loop closes it with `slow_consumer`.
  void send(shared_bytes bytes) const;

  /// Queues `last` (a Close frame; may be null), flushes, then closes. Idempotent.
  void close(shared_bytes last, ec why) const;

  /// Tells that `n` frames given to the sink are handled; the loop stops reading when too many are
  /// not.
  void consumed(std::uint32_t n) const;

  /// From now on the connection must be heard of at least every 1.5 x `heartbeat`. Pings are
  /// answered by the loop.
  void set_heartbeat(std::chrono::seconds heartbeat) const;

  /// From now on this is who speaks here, and its Call frames are calls of the loop's service.
  void identify(device_identity_ptr who) const;

  explicit operator bool() const { return loop_ != nullptr; }
  friend bool operator==(const link&, const link&) = default;

private:
  friend void send_all(std::span<const link> links, const shared_bytes& bytes);
  io_loop* loop_ = nullptr;
  std::uint32_t slot_ = 0;
  std::uint32_t generation_ = 0;
};

/// Sends the same bytes to many links with one queue entry per loop instead of one per link.
void send_all(std::span<const link> links, const shared_bytes& bytes);

/// Receives what one device connection delivers. Called on its loop's thread; must not block.
class link_sink {
public:
  virtual ~link_sink() = default;
  virtual void on_frame(frame x) = 0;
  virtual void on_closed(ec why) = 0;
};

struct endpoint_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0; ///< 0 = any free port
  unsigned loops = 2;
  bool tls = true;                   ///< false: plain HTTP only, for the admin port on loopback
  std::string certificate_file = {}; ///< PEM chain
  std::string key_file = {};
  std::size_t max_connections = 18'000;
  std::size_t max_frame = default_max_frame;
  std::size_t max_http_body = 16 * 1024 * 1024;
  std::size_t max_http_header = 16 * 1024;
  std::size_t max_http_unfinished =
      256 * 1024 * 1024; ///< bytes of incomplete requests of all connections together
  std::size_t max_http_unread =
      256 * 1024 * 1024; ///< bytes that peers of HTTP do not read, of all connections together
  std::size_t write_limit =
      4 * 1024 * 1024;                   ///< queued bytes per connection before it counts as slow
  std::size_t handshakes_per_loop = 256; ///< at the same time; others wait, without TLS state
  std::uint32_t unhandled_frames = 64;   ///< frames at the sink before reading stops
  std::chrono::seconds handshake_timeout{
      10}; ///< until a handshake's turn comes; for it; until the first complete message
  std::chrono::seconds http_idle_timeout{60};
  std::chrono::seconds ticket_key_lifetime{3600};
  std::vector<std::string> web_origins = {}; ///< whose pages may open a WebSocket; empty: any
};

struct endpoint_handlers {
  /// A device connection finished its TLS handshake. Returns who hears its frames.
  std::function<std::shared_ptr<link_sink>(link, const std::string& peer)> on_device;
  /// A complete, well-formed request. The responder may be used later, from any thread, once.
  std::function<void(http::request, http::responder)> on_request;
  /// What answers requests on a loop's own thread, before `on_request` (loop_service.hpp). Called
  /// once per loop, on its thread; the loop owns the service and ends it with itself.
  std::function<std::unique_ptr<loop_service>(io_loop&)> make_service = nullptr;
};

/// Counters since start; gauges where named so.
struct endpoint_stats {
  std::uint64_t accepted = 0, handshakes = 0, resumed = 0, handshake_failures = 0, refused = 0;
  std::uint64_t frames_in = 0, frames_out = 0, bytes_in = 0, bytes_out = 0;
  std::uint64_t http_requests = 0, bad_requests = 0, slow_consumers = 0, heartbeats_missed = 0;
  std::uint64_t device_connections = 0, http_connections = 0; ///< gauges
  std::uint64_t websocket_connections = 0; ///< gauge; these are device connections, too
};

class endpoint {
public:
  /// Binds, and starts the loops. Throws std::runtime_error with a sentence for people (address in
  /// use, bad key, …).
  endpoint(endpoint_options options, endpoint_handlers handlers);
  ~endpoint();

  std::uint16_t port() const;

  /// Reads certificate and key again; new handshakes use them. Returns "" or what is wrong (the old
  /// pair stays).
  std::string reload_certificate();

  /// Begins a new session ticket key before its time. Tickets of the one before still resume.
  void rotate_ticket_key();

  void stop_accepting();

  /// Stops accepting, lets HTTP connections go after the answers they wait for, closes every device
  /// connection with the frame that `last(i)` builds for the i-th (for jittered delays), flushes,
  /// and returns when all are closed or `patience` is over.
  void drain(
      const std::function<shared_bytes(std::size_t)>& last, std::chrono::milliseconds patience);

  /// Closes all that is left at once (`on_closed` comes with `going_away`) and ends the loops'
  /// threads. Afterwards links and responders do nothing. Links must not be used after the endpoint
  /// is destroyed; responders may be dropped then.
  void stop();

  endpoint_stats stats() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace shoal::tls
