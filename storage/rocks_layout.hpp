// How Shoal's tables are spread over RocksDB's column families, and how each family is tuned.
//
// All families share one write-ahead log, so a batch over several of them is still one atomic,
// synced write. A family is chosen by the first byte of the key alone (storage/README.md,
// "Families").
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include <rocksdb/db.h>

#include "storage/database.hpp"

namespace shoal::storage {

enum class family : std::uint8_t {
  rows,        // small rows that are overwritten: streams, cursors, devices, catalog…
  ops,         // written once, read in order, removed from the low end
  idempotency, // written once, looked up by exact key, nearly always missing
};

constexpr std::size_t family_count = 3;

family family_of(std::string_view key);

/// The stretch of one family inside a scan. An empty `to` is no bound.
struct scan_part {
  family where;
  std::string_view from, to;
};

/// Cuts [from, to) where the family changes, in key order.
std::vector<scan_part> split_by_family(std::string_view from, std::string_view to);

rocksdb::DBOptions engine_options(const rocks_options& options);

std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors(const rocks_options& options);

} // namespace shoal::storage
