// The bytes of a WebSocket client's frames, also of those that no honest client sends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shoal::test::ws {

constexpr unsigned fin = 0x80, text = 1, binary = 2, more = 0, close_ = 8, ping = 9, pong = 10;

/// One frame. `first` holds FIN, reserved bits and opcode; `force` writes the length in 2 or 8
/// bytes although it would fit fewer.
inline std::string masked(unsigned first, std::string_view payload, unsigned force = 0) {
  auto out = std::string{static_cast<char>(first)};
  auto put = [&](std::uint64_t x, int n) {
    for (auto shift = 8 * (n - 1); shift >= 0; shift -= 8)
      out += static_cast<char>(x >> shift & 0xff);
  };
  if (payload.size() < 126 && force == 0) {
    put(0x80 | payload.size(), 1);
  } else if (payload.size() < 65'536 && force != 8) {
    put(0x80 | 126, 1);
    put(payload.size(), 2);
  } else {
    put(0x80 | 127, 1);
    put(payload.size(), 8);
  }
  constexpr std::string_view mask = "\x37\xfa\x21\x3d";
  out.append(mask);
  for (auto i = std::size_t{0}; i < payload.size(); ++i)
    out += static_cast<char>(payload[i] ^ mask[i % 4]);
  return out;
}

} // namespace shoal::test::ws
