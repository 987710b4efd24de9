// How many calls of a group may be sent again: a part of those that were sent, so that a backend in
// trouble does not get a multiple of its load. Pure; one per group and I/O loop.
#pragma once

#include <algorithm>
#include <cstdint>

namespace shoal::gateway {

class retry_budget {
public:
  void on_call(std::uint32_t percent) { saved_ = std::min(saved_ + percent, most); }

  bool take() {
    if (saved_ < one)
      return false;
    saved_ -= one;
    return true;
  }

private:
  static constexpr std::uint32_t one = 100;
  static constexpr std::uint32_t most = 10 * one; // that were saved in quiet times
  std::uint32_t saved_ = one;                     // the very first call may be repeated
};

} // namespace shoal::gateway
