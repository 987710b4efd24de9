// How often something may die before its supervisor gives up. Pure; the caller brings the time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>

namespace shoal {

class restart_budget {
public:
  restart_budget(std::size_t max, std::chrono::milliseconds window)
      : max_{max}, window_ms_{window.count()} {}

  /// Counts one death; false if that was one too many within the window.
  bool allow(std::int64_t now_ms) {
    while (!deaths_.empty() && deaths_.front() <= now_ms - window_ms_)
      deaths_.pop_front();
    deaths_.push_back(now_ms);
    return deaths_.size() <= max_;
  }

  /// Deaths within the window.
  std::size_t used(std::int64_t now_ms) const {
    return static_cast<std::size_t>(std::count_if(
        deaths_.begin(), deaths_.end(), [&](std::int64_t x) { return x > now_ms - window_ms_; }));
  }
  std::size_t max() const { return max_; }

private:
  std::size_t max_;
  std::int64_t window_ms_;
  std::deque<std::int64_t> deaths_;
};

} // namespace shoal
