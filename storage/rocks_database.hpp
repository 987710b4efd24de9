// The seams of the RocksDB implementation that its tests need. Production code uses
// `open_rocks_database` of database.hpp.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "storage/database.hpp"

namespace rocksdb {
class Env;
}

namespace shoal::storage {

struct rocks_seams {
  /// The operating system as RocksDB sees it; null = the real one. Must outlive the database.
  rocksdb::Env* env = nullptr;
  /// The space left is looked at, and a database that stopped writing asked to go on, at most this
  /// often.
  std::chrono::milliseconds resume_pause{50};
  /// After that long without a write, memtables of together at least `quiet_bytes` are flushed.
  std::chrono::milliseconds quiet_pause{3000};
  std::uint64_t quiet_bytes = 4u << 20;
  /// Tables that are kept open, and a few other files; 0 = as many as a server can do with.
  int open_files = 0;
};

std::unique_ptr<database> open_rocks_database(
    const std::string& folder, const rocks_options& options, const rocks_seams& seams);

} // namespace shoal::storage
