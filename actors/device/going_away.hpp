// When a device that is sent away is to come back.
#pragma once

#include <cstdint>

namespace shoal {

constexpr std::uint32_t least_absence_ms = 500, absence_spread_ms = 5000;

/// For `Close.retry_after_ms`, from any random number: devices that leave together must not come
/// back together.
constexpr std::uint32_t absence_ms(std::uint32_t random) {
  return least_absence_ms + random % absence_spread_ms;
}

} // namespace shoal
