// What RocksDB alone can do.
#pragma once

#include <cstddef>
#include <string>

namespace shoal::bench {

/// Writes `ops` rows of `payload` bytes, `batch` per synced write; rows per second.
double synced_rows_per_second(
    const std::string& folder, std::size_t ops, std::size_t batch, std::size_t payload);

/// Milliseconds to open the database in `folder`, read-only, and read one row.
double open_milliseconds(const std::string& folder);

} // namespace shoal::bench
