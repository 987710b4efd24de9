// RocksDB's write-ahead logs: the marks that go into them, and the look at them before they are
// replayed (wal_check.hpp has the rules).
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include "storage/database.hpp"
#include "storage/wal_check.hpp"

namespace shoal::storage {

/// How far the logs are synced, and the marks that say so. Safe to use from several threads.
class sync_marks {
public:
  /// Without a tag (0) there are no marks.
  void use(std::uint64_t tag) { tag_ = tag; }

  /// Puts the mark into a batch that is empty so far.
  void begin(rocksdb::WriteBatch& batch) const;
  /// The batch is written; with `synced`, it and all before it are durable.
  void wrote(const rocksdb::WriteBatch& batch, bool synced);
  /// What `synced` may be told after a sync that begins now.
  std::uint64_t written() const { return written_; }
  void synced(std::uint64_t upto);

  /// A batch that says it and changes nothing: it erases a row that never exists.
  rocksdb::WriteBatch last_word() const;
  /// Whether something was synced and no later mark says so; who hears it says it, or `unsaid`.
  bool take_due() { return due_.exchange(false); }
  void unsaid() { due_ = true; }

private:
  std::uint64_t tag_ = 0;
  std::atomic<std::uint64_t> written_ = 0, synced_ = 0;
  std::atomic<bool> due_ = false;
};

/// Looks at the logs just before RocksDB replays them, and then deletes them. A loss is written to
/// a file at once: a crash may follow, and the logs are gone after that.
class log_inspector : public rocksdb::WalFilter {
public:
  log_inspector(rocksdb::Env& env, std::string folder);

  const char* Name() const override { return "shoal.log_inspector"; }
  void ColumnFamilyLogNumberMap(const std::map<std::uint32_t, std::uint64_t>& needed,
      const std::map<std::string, std::uint32_t>& names) override;

  /// Takes what was found, now or before a crash, over into the store. `none` too if there is
  /// nothing.
  ec keep(database& db);

private:
  wal_finding look(std::uint64_t oldest) const;
  std::string file() const { return folder_ + "/LOST"; }

  rocksdb::Env& env_;
  const std::string folder_;
  std::string lost_;
};

} // namespace shoal::storage
