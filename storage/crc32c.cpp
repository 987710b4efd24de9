#include "storage/crc32c.hpp"

#include <array>
#include <cstring>

#include "storage/records.hpp"

namespace shoal::storage {

namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  auto table = std::array<std::uint32_t, 256>{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    auto x = i;
    for (auto bit = 0; bit < 8; ++bit)
      x = (x & 1) != 0 ? (x >> 1) ^ 0x82f63b78u : x >> 1;
    table[i] = x;
  }
  return table;
}

constexpr auto byte_table = make_table();

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse(
    std::string_view bytes, std::uint32_t seed) {
  auto crc = std::uint64_t{~seed};
  auto p = bytes.data();
  auto left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    auto word = std::uint64_t{0};
    std::memcpy(&word, p, sizeof(word));
    crc = __builtin_ia32_crc32di(crc, word);
  }
  auto tail = static_cast<std::uint32_t>(crc);
  for (; left > 0; --left, ++p)
    tail = __builtin_ia32_crc32qi(tail, static_cast<unsigned char>(*p));
  return ~tail;
}

const bool has_sse42 = __builtin_cpu_supports("sse4.2") != 0;

#endif

} // namespace

std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed) {
  auto crc = ~seed;
  for (auto c : bytes)
    crc = (crc >> 8) ^ byte_table[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
#if defined(__x86_64__)
  if (has_sse42)
    return crc32c_sse(bytes, seed);
#endif
  return crc32c_portable(bytes, seed);
}

} // namespace shoal::storage
