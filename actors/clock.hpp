// Time in milliseconds, injectable. Rules take time points; only actors ask for them, and only
// here.
//
// There are two clocks, because the wall's may be set at any moment, by minutes, forwards or back.
// What others read or write goes by the wall: when an op was made and is valid, what is signed,
// how long things are kept. How long something took, or may take, on this node goes by the steady
// clock: acknowledgements that stay out, breakers, caches, who is idle.
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

/// Since some moment in the past, the same for a whole process.
inline std::int64_t steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

/// One moment by both clocks.
struct moment {
  std::int64_t wall_ms = 0, steady_ms = 0;
};

/// The same, finer, and never made up by tests: for what is measured, and for deadlines.
inline std::int64_t steady_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

} // namespace shoal
