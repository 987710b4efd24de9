// One I/O thread: its connections, its queue of commands, its clock.
//
// Owned by the endpoint; responders keep it alive beyond that, as an empty shell. `push`,
// `population` and `counters` may be used from any thread; everything else is for connections and
// drivers on the loop's own thread.
//
// The clock counts ticks of 250 ms that the loop was awake for. A process that was stopped for a
// minute therefore does not blame its devices for a minute of silence.
#pragma once

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "protocol/tls/alarm_clock.hpp"
#include "protocol/tls/commands.hpp"
#include "protocol/tls/connection.hpp"
#include "protocol/tls/counters.hpp"
#include "protocol/tls/device_calls.hpp"
#include "protocol/tls/endpoint.hpp"
#include "protocol/tls/loop_service.hpp"
#include "protocol/tls/poller.hpp"
#include "protocol/tls/stream_table.hpp"
#include "protocol/tls/timing_wheel.hpp"

namespace shoal::tls {

/// What all loops of an endpoint share; outlives their threads.
struct loop_setup {
  endpoint_options options;
  endpoint_handlers handlers;
  std::function<context_ptr()>
      context; ///< the TLS context for a new connection; null for plain TCP
};

class io_loop : public std::enable_shared_from_this<io_loop> {
public:
  static constexpr auto tick = std::chrono::milliseconds{250};

  /// Ticks that cover at least `time`.
  static std::uint64_t ticks(std::chrono::duration<double> time) {
    return static_cast<std::uint64_t>(std::ceil(std::max(0.0, time / tick))) + 1;
  }

  io_loop(unsigned index, std::shared_ptr<const loop_setup> setup);
  ~io_loop();

  void start();

  /// Closes all connections at once, tells their sinks, and ends the thread. Later commands are
  /// ignored.
  void stop();

  /// Wakes the loop, at once or as the thread's `late_wake` says.
  void push(command x);

  /// Takes the mail soon, if there is any.
  void wake();

  /// Sockets given to this loop and not closed yet, also those still in its queue; and devices on
  /// streams of HTTP/2 connections.
  std::uint64_t population() const { return population_.load(std::memory_order_relaxed); }
  void expect_one_more() { population_.fetch_add(1, std::memory_order_relaxed); }

  boost::asio::io_context& context() { return context_; }

  // The loop's thread only.
  const endpoint_options& options() const { return setup_->options; }
  const endpoint_handlers& handlers() const { return setup_->handlers; }
  loop_counters& counters() { return counters_; }
  timing_wheel& wheel() { return wheel_; }
  alarm_clock& alarms() { return alarms_; }
  poller& sockets() { return sockets_; }
  loop_service* service() { return service_.get(); }
  unsigned index() const { return index_; }
  std::span<char> read_scratch() { return read_scratch_; }
  std::span<char> write_scratch() { return write_scratch_; }
  bool draining() const { return draining_; }

  /// Bytes of incomplete HTTP requests on this loop; its drivers keep the sum.
  std::size_t& unfinished_http() { return unfinished_http_; }

  /// Bytes that peers of its HTTP connections do not read; the same.
  std::size_t& unread_http() { return unread_http_; }
  /// How many may lie for an HTTP connection that lets `own` lie now (unread_room.hpp).
  std::size_t room_for_unread(std::size_t own) const;

  std::unique_ptr<driver> make_driver(application what, connection& x);
  void mark_dirty(connection& x);
  void await_handshake(connection& x);
  void handshake_over();
  void bury(connection& x);

  /// A place for a device on a stream of a connection of this loop.
  stream_carrier& open_stream(h2_driver& on, std::uint32_t stream);
  stream_table& streams() { return streams_; }

  /// Destroys a driver that was replaced, when nobody up the stack can be in it any more.
  void retire(std::unique_ptr<driver> x) { retired_.push_back(std::move(x)); }

  void post_readable(target x);

  /// The answer to a request of a connection, given on this thread.
  void answer(target to, std::uint32_t number, http::response&& x);
  void when_request_given_up(target to, std::uint32_t number, std::function<void()> then);

  /// The same for a call of a device connection.
  void answer_call(target to, std::uint32_t ticket, device_answer&& x);
  void when_call_given_up(target to, std::uint32_t ticket, std::function<void()> then);

  /// From now on HTTP connections close after their answer. Appends the links of all open device
  /// connections.
  void drain(std::vector<link>& devices);

private:
  struct slot {
    std::unique_ptr<connection> occupant;
    std::uint32_t generation = 1;
  };

  void run();
  void await_tick();
  void await_sockets();
  void take_mail();
  void flush_dirty();
  void begin_handshakes();
  void post_handshakes();
  void end_turn();
  void shut();

  void apply(send_one& x);
  void apply(send_many& x);
  void apply(close_one& x);
  void apply(frames_consumed& x);
  void apply(heartbeat_agreed& x);
  void apply(identity_known& x);
  void apply(answer_request& x);
  void apply(adopt_socket& x);
  void apply(task& x);

  connection* find(target x);
  class device_driver* find_device(target x);
  void adopt(int fd);
  void forget_socket(int fd);

  unsigned index_;
  std::shared_ptr<const loop_setup> setup_;
  boost::asio::io_context context_;
  boost::asio::steady_timer ticker_;
  alarm_clock alarms_;
  poller sockets_;
  std::thread thread_;

  std::mutex mutex_;
  std::vector<command> mail_; // guarded by mutex_
  bool closed_ = false;       // guarded by mutex_
  bool posted_ = false;       // guarded by mutex_: the mail will be taken

  std::atomic<std::uint64_t> population_ = 0;
  loop_counters counters_;

  std::size_t unfinished_http_ = 0; // before slots_: drivers take their share out of it
  std::size_t unread_http_ = 0;     // the same
  timing_wheel wheel_;              // before slots_: connections unlink themselves from it
  std::vector<slot> slots_;
  stream_table streams_;                         // after wheel_, for the same reason
  std::vector<std::unique_ptr<driver>> retired_; // after slots_: they know their connections
  std::vector<std::uint32_t> free_;
  std::vector<target> dirty_;
  std::size_t flushed_ = 0; // of dirty_
  std::vector<std::uint32_t> dead_;
  std::deque<target> arrived_; // in the order of their first bytes
  std::size_t handshakes_ = 0; // that hold a place
  std::vector<command> taken_;
  std::vector<char> read_scratch_;
  std::vector<char> write_scratch_;
  std::unique_ptr<loop_service> service_; // lives while the thread runs
  bool flush_posted_ = false;
  bool handshakes_posted_ = false;
  bool draining_ = false;
};

} // namespace shoal::tls
