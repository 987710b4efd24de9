#include "protocol/utf8.hpp"

#include <cstring>

namespace shoal {
namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080;

} // namespace

bool utf8_checker::feed(std::string_view bytes) {
  auto at = bytes.data();
  auto end = at + bytes.size();
  while (!broken_ && at != end) {
    if (missing_ == 0) {
      for (std::uint64_t eight; end - at >= 8; at += 8) {
        std::memcpy(&eight, at, 8);
        if ((eight & high_bits) != 0)
          break;
      }
      if (at == end)
        break;
    }
    auto byte = static_cast<std::uint8_t>(*at++);
    if (missing_ != 0) {
      broken_ = byte < low_ || byte > high_;
      low_ = 0x80;
      high_ = 0xbf;
      --missing_;
    } else if (byte >= 0x80) {
      // The second byte's bounds keep out overlong forms, surrogates and what is above U+10FFFF.
      broken_ = byte < 0xc2 || byte > 0xf4;
      missing_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      low_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
      high_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
    }
  }
  return !broken_;
}

bool valid_utf8(std::string_view text) {
  auto checker = utf8_checker{};
  return checker.feed(text) && checker.complete();
}

} // namespace shoal
