// Bytes as text, for golden tests.
#pragma once

#include <string>
#include <string_view>

namespace shoal::storage {

inline std::string hex(std::string_view bytes) {
  constexpr auto digits = std::string_view{"0123456789abcdef"};
  auto out = std::string{};
  for (auto c : bytes) {
    out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

} // namespace shoal::storage
