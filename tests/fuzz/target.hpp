// A fuzz target: one function over bytes that nobody promised anything about.
//
// Built twice: with libFuzzer (`tools/dev fuzz`), and with `replay.cpp` as an ordinary test that
// runs the kept seeds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace shoal::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first byte off, 0 if there is none: chooses between variants.
inline unsigned take_byte(std::string_view& in) {
  if (in.empty())
    return 0;
  auto out = static_cast<unsigned char>(in.front());
  in.remove_prefix(1);
  return out;
}

/// What must hold whatever the bytes are.
inline void require(bool holds, const char* what) {
  if (holds)
    return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

} // namespace shoal::fuzz
