// Wall-clock time in milliseconds, injectable. Rules take time points; only actors ask for them,
// and only here.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace shoal {

using clock_fn = std::function<std::int64_t()>;

inline std::int64_t wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// For durations that are only measured, never decided upon.
inline std::int64_t steady_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

} // namespace shoal
