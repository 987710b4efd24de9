// CRC-32C (Castagnoli), the checksum at the end of every record.
//
// `crc32c` (records.hpp) uses the processor's instruction where there is one; `crc32c_portable` is
// the same function in plain C++, public so that the tests can hold one against the other.
#pragma once

#include <cstdint>
#include <string_view>

namespace shoal::storage {

/// `seed` is the checksum of what came before, so crc(a + b) == crc(b, crc(a)).
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed = 0);

} // namespace shoal::storage
