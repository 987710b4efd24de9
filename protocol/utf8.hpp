// Whether bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstdint>
#include <string_view>

namespace shoal {

/// Checks text that arrives in pieces. Says no at the first byte that cannot continue, which may be
/// long before the end.
class utf8_checker {
public:
  /// False from the first wrong byte on.
  bool feed(std::string_view bytes);

  /// No character is cut off at the end.
  bool complete() const { return missing_ == 0; }

private:
  std::uint8_t missing_ = 0;              // continuation bytes to come
  std::uint8_t low_ = 0x80, high_ = 0xbf; // bounds of the next one
  bool broken_ = false;
};

bool valid_utf8(std::string_view text);

} // namespace shoal
