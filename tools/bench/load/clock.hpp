// The one clock of the load generator.
#pragma once

#include <cstdint>
#include <ctime>

namespace shoal::bench {

inline std::int64_t now_ns() {
  auto t = timespec{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

constexpr double seconds_of(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

} // namespace shoal::bench
