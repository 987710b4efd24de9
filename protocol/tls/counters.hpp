// Counters of one I/O loop. Written by its thread (`refused` and `population` by the acceptor's
// too), read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace shoal::tls {

class counter {
public:
  /// Only for counters that one thread writes: a plain load and store, no locked instruction.
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n = 1) { add(0 - n); }

  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_ = 0;
};

struct loop_counters {
  counter handshakes, resumed, handshake_failures;
  counter frames_in, frames_out, bytes_in, bytes_out;
  counter http_requests, bad_requests, slow_consumers, heartbeats_missed;
  counter device_connections, websocket_connections, http_connections; // gauges
};

} // namespace shoal::tls
