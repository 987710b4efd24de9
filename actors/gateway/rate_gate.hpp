// A token bucket in one word, for all threads of a node: the generic cell rate algorithm (GCRA).
// Instead of tokens it keeps the time at which the bucket would be full again; a call moves it on
// by one interval, and is refused if that would lie further ahead than the burst allows.
//
// Exact: in any stretch of time T at most burst + T / interval calls pass, however many threads
// ask. Time is passed in.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace shoal::gateway {

/// `limit` calls per `interval_ms`, `burst` at once (0: as many as `limit`); `share` of them here.
struct rate {
  std::int64_t spacing_ns = 0; ///< between calls; 0: none pass
  std::int64_t ahead_ns = 0;   ///< how far calls may run ahead of time

  static rate of(
      std::uint64_t limit, std::uint64_t interval_ms, std::uint64_t burst, double share = 1) {
    constexpr auto longest = 4.0e18 / 4;
    if (limit == 0 || share <= 0)
      return {};
    auto spacing = static_cast<double>(interval_ms) * 1e6 / (static_cast<double>(limit) * share);
    auto at_once = std::max(1.0, static_cast<double>(burst == 0 ? limit : burst) * share);
    return {std::max<std::int64_t>(1, static_cast<std::int64_t>(std::min(spacing, longest))),
        static_cast<std::int64_t>(std::min(spacing * at_once, longest))};
  }
};

class rate_gate {
public:
  bool pass(const rate& by, std::int64_t now_ns) {
    if (by.spacing_ns == 0)
      return false;
    auto full = full_at_.load(std::memory_order_relaxed);
    for (;;) {
      auto next = std::max(full, now_ns) + by.spacing_ns;
      if (next - now_ns > by.ahead_ns)
        return false;
      if (full_at_.compare_exchange_weak(full, next, std::memory_order_relaxed))
        return true;
    }
  }

  /// The rate changes: what could have passed at once can still, as far as the new rate allows, and
  /// room that is new begins empty. Not beside `pass`.
  void move(const rate& from, const rate& to, std::int64_t now_ns) {
    auto ahead = std::max<std::int64_t>(0, full_at_.load(std::memory_order_relaxed) - now_ns);
    auto left = from.spacing_ns == 0
                    ? 0.0
                    : static_cast<double>(std::max<std::int64_t>(0, from.ahead_ns - ahead)) /
                          static_cast<double>(from.spacing_ns);
    auto free_ns =
        std::min(left * static_cast<double>(to.spacing_ns), static_cast<double>(to.ahead_ns));
    full_at_.store(
        now_ns + to.ahead_ns - static_cast<std::int64_t>(free_ns), std::memory_order_relaxed);
  }

  /// More than half of what may pass at once has.
  bool is_busy(const rate& by, std::int64_t now_ns) const {
    return full_at_.load(std::memory_order_relaxed) - now_ns > by.ahead_ns / 2;
  }

  /// Nothing is owed: forgetting the gate changes nothing.
  bool is_full(std::int64_t now_ns) const {
    return full_at_.load(std::memory_order_relaxed) <= now_ns;
  }

private:
  std::atomic<std::int64_t> full_at_{0};
};

} // namespace shoal::gateway
