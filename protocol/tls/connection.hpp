// One accepted socket from TLS handshake to the last byte. Owned by its loop's slot table, used on
// the loop's thread only.
//
//   arrived --> handshake --> open --> flushing --> lingering --> dead
//     the loop has a place    close()    |  all sent, end told     the peer closed too, or the
//     linger for its handshake                                            time is over
//        any failure, any missed deadline ------------> dead
//
// Until its handshake begins a connection has no TLS state: thousands that arrive at once cost a
// socket and this object each, while they wait for their turn.
//
// Written to be small: while a connection is idle it holds its SSL state, this object and its
// driver, and no buffer. Bytes are read into a buffer of the loop and handed on at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocol/codes.hpp"
#include "protocol/frame.hpp"
#include "protocol/outbox.hpp"
#include "protocol/tls/commands.hpp"
#include "protocol/tls/driver.hpp"
#include "protocol/tls/timing_wheel.hpp"
#include "protocol/tls/transport.hpp"

namespace shoal::tls {

class io_loop;

class connection : public timing_wheel::entry {
public:
  /// Owns the socket `fd`, which does not block.
  connection(io_loop& loop, target self, int fd);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  // Called by the loop.
  void start(bool plain);
  void begin_handshake(ssl_ptr ssl);
  void on_ready(std::uint8_t what);
  void on_readable();
  void on_due();
  void flush();

  // Called by drivers.
  io_loop& loop() { return loop_; }
  target self() const { return self_; }
  driver* speaker() { return driver_.get(); }
  const outbox& out() const { return out_; }
  std::string peer() const;

  /// Queues bytes; they leave at the end of the loop's present turn.
  void send(shared_bytes bytes);

  /// Flushes, after `last` (may be null), then closes. Ends the driver at once. `how` says what
  /// happens to queued bytes.
  enum class queued : std::uint8_t { send, drop };
  void close(shared_bytes last, ec why, queued how = queued::send);

  /// Closes without another byte.
  void abandon(ec why);

  /// The driver wants bytes again.
  void resume();

  /// From now on `next` speaks here, beginning with the bytes that came too early for it. For a
  /// driver that hands over to another; it is called no more, and destroyed when the turn ends.
  void become(std::unique_ptr<driver> next, std::string_view first);

  /// Replaces the deadline.
  void deadline_in(std::uint64_t ticks);

  bool is_open() const { return phase_ == phase::open; }
  bool is_dead() const { return phase_ == phase::dead; }

  /// Waits for the handshake, and the peer has not given up.
  bool wants_handshake() const { return phase_ == phase::arrived && transport_.peer_is_there(); }

  bool dirty = false; // the loop will flush it

private:
  enum class phase : std::uint8_t { arrived, handshake, open, flushing, lingering, dead };

  void on_writable();
  void shake_hands();
  void leave_place();
  void established();
  void read_some();
  void linger();
  void end_driver(ec why);
  void wait(io_status status);
  void wait_readable();
  void wait_writable();
  std::uint8_t wishes() const;
  void watch();

  io_loop& loop_;
  target self_;
  int fd_;
  transport transport_;
  outbox out_;
  std::unique_ptr<driver> driver_;
  std::uint64_t deadline_ = 0;
  std::uint32_t pending_ = 0; // bytes that OpenSSL holds encrypted and has not got rid of
  std::uint16_t discarded_ = 0;
  std::uint8_t watched_; // what the poller was asked for: `wishes`, or more
  phase phase_ = phase::arrived;
  bool has_place_ = false; // among the loop's handshakes
  bool ended_ = false;     // the driver was told
  bool waits_readable_ = false;
  bool waits_writable_ = false;
};

} // namespace shoal::tls
