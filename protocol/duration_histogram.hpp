// How long something took, as a Prometheus histogram: fixed buckets, any thread may add.
//
// An addition is two relaxed increments in a part that few threads share, so that it costs a few
// nanoseconds and no lock. Reading adds the parts up: what is added meanwhile may be missing, and
// the sum may be ahead of the buckets by that; nothing is ever counted twice.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace shoal {

class duration_histogram {
public:
  /// Upper bounds of the buckets, included; one more bucket has what is longer.
  static constexpr std::array<std::chrono::microseconds, 16> bounds{std::chrono::microseconds{50},
      std::chrono::microseconds{100}, std::chrono::microseconds{250},
      std::chrono::microseconds{500}, std::chrono::milliseconds{1}, std::chrono::microseconds{2500},
      std::chrono::milliseconds{5}, std::chrono::milliseconds{10}, std::chrono::milliseconds{25},
      std::chrono::milliseconds{50}, std::chrono::milliseconds{100}, std::chrono::milliseconds{250},
      std::chrono::milliseconds{500}, std::chrono::seconds{1}, std::chrono::milliseconds{2500},
      std::chrono::seconds{10}};

  /// Less than nothing counts as nothing.
  void add(std::chrono::microseconds took);

  struct snapshot {
    std::array<std::uint64_t, bounds.size() + 1> buckets{}; ///< not cumulative
    std::uint64_t count = 0;
    std::uint64_t sum_us = 0;
  };
  snapshot read() const;

private:
  struct alignas(64) part {
    std::array<std::atomic<std::uint64_t>, bounds.size() + 1> buckets{};
    std::atomic<std::uint64_t> sum_us{0};
  };
  std::array<part, 4> parts_;
};

/// Appends the series of one histogram in seconds, without HELP and TYPE. `labels` is empty or like
/// `route="GET /x"`.
void render_series(std::string& out, std::string_view name, std::string_view labels,
    const duration_histogram::snapshot& x);

/// Appends a histogram that has no labels, with HELP and TYPE.
void render_histogram(std::string& out, std::string_view name, std::string_view help,
    const duration_histogram::snapshot& x);

} // namespace shoal
