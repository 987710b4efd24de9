// An ordered map of bytes that survives: the one seam between Shoal and a storage engine.
//
// Three implementations pass the same test suite: `rocks_database` (production), `memory_database`
// (its twin for tests and for `--ephemeral` nodes) and `faulty_database` (loses unsynced writes,
// runs full, flips bits, on command). All are safe to use from several threads; writes are atomic
// per batch. Keys sort as unsigned bytes (keys.hpp). Knows nothing about streams or partitions:
// keys and records are made by the *_table files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/codes.hpp"

namespace shoal::storage {

/// Changes that happen together or not at all, in order.
class write_batch {
public:
  struct row {
    std::string key;
    std::string value;
    bool erase = false;
  };

  void put(std::string key, std::string value);
  void erase(std::string key);
  /// Moves all rows of `other` to the end of this batch.
  void append(write_batch&& other);

  const std::vector<row>& rows() const { return rows_; }
  bool empty() const { return rows_.empty(); }
  /// Payload bytes, for queue limits.
  std::size_t bytes() const { return bytes_; }

private:
  std::vector<row> rows_;
  std::size_t bytes_ = 0;
};

enum class lookup : std::uint8_t {
  found,
  missing,
  unknown, ///< only from `try_get`: answering would have needed the disk
  failed,  ///< the engine reports damage or an I/O error
};

/// The rows as they were at one moment, while others go on writing. Costs the engine space for what
/// is overwritten meanwhile: do not keep it for long.
class database_view {
public:
  virtual ~database_view() = default;

  /// As `database::get` and `database::scan`.
  virtual lookup get(std::string_view key, std::string& value) = 0;
  virtual ec scan(std::string_view from, std::string_view to,
      const std::function<bool(std::string_view key, std::string_view value)>& row) = 0;
};

class database {
public:
  virtual ~database() = default;

  /// Applies the batch. With `sync`, returns only when it survives a power failure.
  /// `none`, `storage_full` or `storage_failed`; on failure nothing of the batch is visible.
  /// A synced write syncs all earlier ones too; an empty batch with `sync` does only that.
  virtual ec write(const write_batch& batch, bool sync) = 0;

  /// May read the disk: never call it from a scheduled actor or an I/O loop.
  virtual lookup get(std::string_view key, std::string& value) = 0;

  /// Answers from memory (memtable, filters, block cache) or says `unknown`. Fit for actors.
  virtual lookup try_get(std::string_view key, std::string& value) = 0;

  /// Calls `row(key, value)` for keys in [from, to) in order until it returns false; an empty `to`
  /// is no bound. May read the disk. Rows written while it runs may be seen or not.
  /// `storage_failed` if the engine cannot read on.
  virtual ec scan(std::string_view from, std::string_view to,
      const std::function<bool(std::string_view key, std::string_view value)>& row) = 0;

  /// A view of everything written so far; the database outlives it.
  virtual std::unique_ptr<database_view> snapshot() = 0;

  /// Bytes on disk (or in memory), roughly.
  virtual std::uint64_t approximate_size() = 0;
};

struct rocks_options {
  std::size_t block_cache_bytes = 256u << 20;
  std::size_t memtable_bytes = 64u << 20;
  /// With less than this left on the disk, writes are refused with `storage_full`.
  std::uint64_t reserve_bytes = 128u << 20;
  /// Once the disk gave back other bytes than it was given, no more writes: where other nodes have
  /// copies, they are to serve. Otherwise what can be read is served, and the rest is named.
  bool stop_when_damaged = false;
  /// Gets what the engine warns about, from any thread. Empty: it is dropped.
  std::function<void(std::string_view line)> log = nullptr;
};

/// Opens or creates. Throws std::runtime_error with a sentence for people: the folder is in use by
/// another process (names it), cannot be written, or is of a newer format.
std::unique_ptr<database> open_rocks_database(
    const std::string& folder, const rocks_options& options = {});

std::unique_ptr<database> make_memory_database();

/// A memory database whose disk can be made to misbehave.
class faulty_database : public database {
public:
  /// Forgets everything written without `sync` since the last synced write.
  virtual void lose_unsynced() = 0;
  /// While set, every write fails with this code; reads go on.
  virtual void fail_writes(ec code) = 0;
  /// Flips one bit of the value stored under `key`. False if there is none.
  virtual bool flip_bit(std::string_view key, std::size_t bit) = 0;
  /// While set, `try_get` answers `unknown` for everything: the cache is always cold.
  virtual void cold_cache(bool on) = 0;
};

std::unique_ptr<faulty_database> make_faulty_database();

/// Smallest string greater than every string that starts with `prefix`; the end of a prefix scan.
/// Empty (no bound) if there is none.
std::string prefix_end(std::string_view prefix);

} // namespace shoal::storage
