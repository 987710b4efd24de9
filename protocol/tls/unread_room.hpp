// How much may wait for a peer that does not read, on a loop where others wait, too. Pure.
//
// Up to half of what a loop may hold, nobody is bounded but by what one connection may hold. Beyond
// that each may have its part of what is left: whoever lets answers lie gets no more. As an answer
// that is let in is never larger than what is left, the bound holds whatever the number of
// connections. Whoever has nothing waiting reads, and may have `reader_room` beyond it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace shoal::tls {

/// Of one connection, in all. `held`: by all connections of the loop; `most`: what these may hold.
inline std::size_t unread_room(std::size_t held, std::size_t most, std::uint64_t connections) {
  if (held <= most / 2)
    return most - held;
  return held >= most ? 0 : (most - held) / std::max<std::uint64_t>(1, connections);
}

constexpr auto reader_room = std::size_t{64} * 1024;

} // namespace shoal::tls
