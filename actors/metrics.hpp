// Counters of the node, under Prometheus conventions. Any thread may count; `/metrics` prints them.
//
// Plain atomics written by whoever sees the event: an increment costs a few nanoseconds and no
// lock. Durations are measured once per frame, call or sync, never once per op.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <string>

#include "protocol/duration_histogram.hpp"

namespace shoal {

struct metrics {
  using counter = std::atomic<std::uint64_t>;

  counter appends{0}, append_repeats{0}, append_refused{0};
  counter delivered_ops{0}, ephemeral_ops{0};
  counter acks{0}, cursor_rows{0}, resets{0};
  counter pulls{0}, pull_from_memory{0}, disk_pages{0};
  counter hellos{0}, hello_refused{0}, binds{0}, binds_unverified{0}, bind_refused{0},
      replaced_devices{0};
  counter ack_timeouts{0}, trimmed_ops{0}, damaged_records{0};
  counter api_calls{0}, api_refused{0}, api_timeouts{0};
  counter streams_activated{0}, streams_passivated{0}, restarts{0};
  std::atomic<std::int64_t> devices{0}, streams{0}; // gauges

  /// Live ops of streams that this node leads: from accepted to handed to the connection.
  duration_histogram delivery;
  /// From the request's arrival to its answer, by the number of the route.
  std::array<duration_histogram, 96> api_duration;
};

/// Text exposition format, "shoal_" prefixed; the caller appends the endpoint's and the store's own
/// figures. `routes` are the names of the API's routes by number; those never called are left out.
std::string render(const metrics& x, std::span<const std::string> routes = {});

} // namespace shoal
