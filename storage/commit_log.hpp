// The commit log: partitions hand in entries, one thread makes them durable, many entries per sync
// (group commit).
//
// Owned by the node. An entry is applied to the database in the same atomic batch that records its
// place in the partition's log, so "logged" and "applied" cannot differ; RocksDB's write-ahead log
// is the only log that is synced. With one replica nobody can ask for an old entry, so only the
// place (epoch, lsn) is kept, not a second copy.
//
// Guarantees: entries of one partition are applied in the order of `submit`; `done` is called
// exactly once per entry, in that order, on the writer's thread, after the sync (for others than
// `synced`: after the unsynced write, which may come before the sync of a round that they share).
// When a write fails, every entry of that write gets the same error and none is visible. From then
// on, later entries of the same partitions (those in the queue, and those still to come from a
// partition that has not heard of the failure) fail with that error too, until the partition hands
// in the lowest failed lsn again or a newer epoch: a log never has a gap.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "protocol/duration_histogram.hpp"
#include "protocol/ids.hpp"
#include "storage/database.hpp"

namespace shoal::storage {

/// When an entry is written, and whether `done` waits for the sync.
enum class durability : std::uint8_t {
  synced, ///< at once; `done` after the sync
  soon,   ///< at once, unsynced: for what can be made again from something durable
  lazy,   ///< with the next round, or unsynced after `lazy_delay`; losing it costs a redelivery,
          ///< never an op (cursors, last-seen)
};

struct log_entry {
  partition_no partition{};
  std::uint64_t epoch = 0;
  std::uint64_t lsn =
      0; ///< consecutive per partition, from 1; 0 = rows outside the log, without a place in it
  write_batch rows;
  durability when = durability::synced;
  std::function<void(ec)> done; ///< may be empty
};

struct commit_log_options {
  std::size_t queue_bytes = 64u << 20; ///< more than this waiting: `submit` refuses
  std::size_t round_bytes = 8u << 20;  ///< most that one sync covers (a bigger entry goes alone)
  std::chrono::milliseconds lazy_delay{200}; ///< longest that a lazy entry waits for company
};

struct commit_log_stats {
  std::uint64_t rounds = 0, entries = 0, bytes = 0, failed_rounds = 0;
  std::uint64_t sync_microseconds = 0; ///< sum over rounds
  std::uint64_t queued_bytes = 0;      ///< gauge
  duration_histogram::snapshot synced; ///< of rounds with a sync: writing and syncing
};

class commit_log {
public:
  virtual ~commit_log() = default;

  /// Takes the entry, or returns false if the queue is full (nothing happens: it stays with the
  /// caller).
  virtual bool submit(log_entry&& entry) = 0;

  /// Returns when everything submitted before is done and synced (or has failed). Not from inside
  /// `done`.
  virtual void flush() = 0;

  virtual commit_log_stats stats() const = 0;
};

/// The production writer: one thread, stopped (after a flush) by the destructor.
std::unique_ptr<commit_log> make_group_committer(
    database& db, const commit_log_options& options = {});

/// Applies and answers inside `submit`. For tests on the deterministic scheduler.
std::unique_ptr<commit_log> make_inline_committer(database& db);

} // namespace shoal::storage
