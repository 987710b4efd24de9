// A place in a stream. A bare id cannot tell "you are behind" from "this history was replaced"; the
// epoch can.
#pragma once

#include <compare>
#include <cstdint>

namespace shoal {

struct position {
  std::uint64_t epoch = 0;
  std::uint64_t id = 0;
  auto operator<=>(const position&) const = default;
};

} // namespace shoal
