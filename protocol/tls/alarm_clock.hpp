// Deadlines of single calls, in steps of 10 ms: finer than the loop's own clock, which counts
// quarters of a second for connections. One per I/O loop, used on its thread.
//
// It wakes the loop only while an alarm is set. An alarm never rings early, and at most two steps
// late on a loop that is not busy.
#pragma once

#include <chrono>
#include <cstdint>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "protocol/tls/timing_wheel.hpp"

namespace shoal::tls {

/// Something that may take too long. Owned by whoever waits; destroying it cancels it.
class alarm : public timing_wheel::entry {
public:
  virtual ~alarm() = default;
  virtual void on_alarm() = 0;
};

class alarm_clock {
public:
  static constexpr auto step = std::chrono::milliseconds{10};

  explicit alarm_clock(boost::asio::io_context& context) : timer_{context} {}

  /// (Re)sets.
  void set(alarm& x, std::chrono::milliseconds in) {
    wheel_.schedule(x, steps(std::chrono::steady_clock::now() + in) + 1);
    if (!ticking_)
      tick();
  }

  void cancel(alarm& x) { wheel_.cancel(x); }

private:
  static std::uint64_t steps(std::chrono::steady_clock::time_point x) {
    return static_cast<std::uint64_t>(x.time_since_epoch() / step);
  }

  void tick() {
    ticking_ = true;
    timer_.expires_after(step);
    timer_.async_wait([this](const auto& error) {
      ticking_ = false;
      if (error)
        return;
      wheel_.advance(steps(std::chrono::steady_clock::now()),
          [](timing_wheel::entry& x) { static_cast<alarm&>(x).on_alarm(); });
      if (!ticking_ && !wheel_.empty())
        tick();
    });
  }

  timing_wheel wheel_;
  boost::asio::steady_timer timer_;
  bool ticking_ = false;
};

} // namespace shoal::tls
