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
#include <mutex>

#include "protocol/codes.hpp"
#include "protocol/ids.hpp"
#include "storage/commit_log.hpp"

namespace shoal::storage {

class partition_log : public std::enable_shared_from_this<partition_log> {
public:
  partition_log(commit_log& log, partition_no no, std::uint64_t epoch, std::uint64_t applied_lsn)
      : log_{log}, no_{no}, epoch_{epoch}, next_lsn_{applied_lsn + 1} {}

  /// `none`: `done` will be called once, on the log's thread. Otherwise nothing happened and `done`
  /// is dropped.
  ec submit(write_batch rows, std::uint64_t failures_seen, std::function<void(ec)> done);

  /// Rows that may be lost in a crash. Dropped while the log is failing.
  void submit_lazy(write_batch rows);

  /// How often this log has failed. Read it when none of your own entries is under way.
  std::uint64_t failures() const;

  std::uint64_t next_lsn() const;

private:
  bool queue(write_batch rows, bool lazy, std::function<void(ec)> done);
  void finished(std::uint64_t lsn, ec code);

  commit_log& log_;
  const partition_no no_;
  const std::uint64_t epoch_;
  mutable std::recursive_mutex mutex_; // an inline committer answers inside `submit`
  std::uint64_t next_lsn_;
  std::uint64_t under_way_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t failed_lsn_ = 0;
  ec failing_ = ec::none;
};

} // namespace shoal::storage
