// Gives all commits of one partition one order, and keeps that order free of gaps when a write
// fails.
//
// Owned by the partition actor, used directly by its streams on whatever thread they run (a message
// per commit would cost more than the commit). Thread-safe; holds its lock only to number and queue
// an entry.
//
// When a write fails, the commit log fails everything behind it, and this class refuses new entries
// until all answers are in. A stream whose ids depend on what failed does not know that yet: so
// each submit names the number of failures its caller has dealt with, and is refused if there were
// more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "protocol/codes.hpp"
#include "protocol/ids.hpp"
#include "storage/commit_log.hpp"

namespace shoal::storage {

class partition_log {
public:
  virtual ~partition_log() = default;

  /// `none`: `done` will be called once, on the log's thread. Otherwise nothing happened and `done`
  /// is dropped.
  virtual ec submit(
      write_batch rows, std::uint64_t failures_seen, std::function<void(ec)> done) = 0;

  /// Rows that may be lost in a crash. Dropped while the log is failing.
  virtual void submit_lazy(write_batch rows) = 0;

  /// How often this log has failed. Read it when none of your own entries is under way.
  virtual std::uint64_t failures() const = 0;

  virtual std::uint64_t next_lsn() const = 0;
};

/// For a partition with one replica: straight into the node's commit log.
std::shared_ptr<partition_log> make_local_partition_log(
    commit_log& log, partition_no no, std::uint64_t epoch, std::uint64_t applied_lsn);

} // namespace shoal::storage
