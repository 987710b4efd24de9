// What the gateway has done, by API: calls, codes, durations. Loops count for themselves and hand
// over what they counted four times a second; readers see sums that are at most that old.
//
// Bounded: series for at most `max_series` APIs, those called first; the rest is counted under
// "(others)".
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/duration_histogram.hpp"
#include "protocol/mgw/result.hpp"

namespace shoal::gateway {

struct api_figures {
  std::array<std::uint64_t, duration_histogram::bounds.size() + 1> buckets{};
  std::uint64_t calls = 0;
  std::uint64_t sum_us = 0;
  std::uint64_t backend_us = 0;
  std::map<unsigned, std::uint64_t> codes; ///< of answers that are no success

  void add(std::int64_t cost_us, std::int64_t backend_cost_us, mgw::result code);
  void add(const api_figures& x);

  /// The duration below which `share` (0 … 1) of the calls lie, by bucket: an upper bound.
  std::int64_t quantile_us(double share) const;
};

/// Of one loop, for one thread.
class local_figures {
public:
  api_figures& of(
      const std::string& app, const std::string& workspace, const std::string& operation);
  bool empty() const { return by_name_.empty(); }

private:
  friend class figures;
  std::unordered_map<std::string, api_figures> by_name_;
  std::string name_; // kept to save the memory
};

class figures {
public:
  static constexpr std::size_t max_series = 2000;

  /// Takes what was counted, and leaves nothing.
  void take(local_figures& x);

  struct row {
    std::string app, workspace, operation;
    api_figures sum;
  };
  /// Called most, first.
  std::vector<row> read() const;

  /// Prometheus text.
  std::string render() const;

private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, api_figures> by_name_;
};

} // namespace shoal::gateway
