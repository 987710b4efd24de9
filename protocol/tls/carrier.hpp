// What a device speaks on: a connection of its own, or one stream of an HTTP/2 connection. For the
// loop it is something with a name (`target`), a deadline, and a driver.
//
// Used on the loop's thread only.
#pragma once

#include <cstdint>
#include <string>

#include "protocol/codes.hpp"
#include "protocol/frame.hpp"
#include "protocol/tls/commands.hpp"
#include "protocol/tls/timing_wheel.hpp"

namespace shoal::tls {

class io_loop;

class carrier : public timing_wheel::entry {
public:
  carrier(io_loop& loop, target self) : loop_{loop}, self_{self} {}
  virtual ~carrier() = default;

  io_loop& loop() { return loop_; }
  target self() const { return self_; }

  /// "127.0.0.1:5312"
  virtual std::string peer() const = 0;

  virtual bool is_open() const = 0;

  /// Bytes that were sent and have not left.
  virtual std::size_t unsent() const = 0;

  /// Queues bytes; they leave at the end of the loop's present turn.
  virtual void send(shared_bytes bytes) = 0;

  /// Lets leave what can, now.
  virtual void flush() = 0;

  /// Flushes, after `last` (may be null), then closes. Ends the driver at once. `how` says what
  /// happens to queued bytes.
  enum class queued : std::uint8_t { send, drop };
  virtual void close(shared_bytes last, ec why, queued how = queued::send) = 0;

  /// The driver wants bytes again.
  virtual void resume() = 0;

  /// Replaces the deadline.
  void deadline_in(std::uint64_t ticks);

  /// Called by the loop's clock, perhaps too early.
  void on_due();

protected:
  virtual void on_deadline() = 0;

private:
  io_loop& loop_;
  target self_;
  std::uint64_t deadline_ = 0;
};

} // namespace shoal::tls
