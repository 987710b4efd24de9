// Names with a number, the same for every contender: device d7 belongs to user u7.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace shoal::bench {

template <std::integral T>
std::string numbered(std::string_view prefix, T n) {
  return std::string{prefix}.append(std::to_string(n));
}

} // namespace shoal::bench
