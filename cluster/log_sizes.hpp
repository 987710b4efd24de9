// How many bytes the records of a log have, in steps, so that a log can be cut to a size without
// reading it. Pure.
//
// Owned by a replica_log. Memory: one mark per `step` bytes of records. What it says lies within
// two steps of the truth, or one record if that is larger; each cut of the end adds at most a step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace shoal::cluster {

class log_sizes {
public:
  explicit log_sizes(std::size_t step) : step_{step} {}

  /// The next record.
  void append(std::uint64_t lsn, std::size_t bytes);

  /// The records after `lsn` are gone.
  void truncate_after(std::uint64_t lsn);

  /// The records up to `lsn` are gone.
  void trim(std::uint64_t lsn);

  std::size_t step() const { return step_; }
  void clear() { *this = log_sizes{step_}; }

  /// An lsn after which there are at most `bytes`, or a step; 0 if all records are not more.
  std::uint64_t last_before(std::size_t bytes) const;

private:
  struct mark {
    std::uint64_t lsn = 0;
    std::uint64_t end = 0; ///< bytes of all records up to this one, ever
  };

  std::size_t step_;
  std::deque<mark> marks_;
  std::uint64_t begin_ = 0, end_ = 0; ///< of the log, counted as `mark::end`
};

} // namespace shoal::cluster
