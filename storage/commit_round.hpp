// One round of the commit log: the entries that share a write, and the rule that a partition's log
// has no gap.
//
// Used by both committers, by one thread at a time; `done` may start another round. No threads, no
// clock: what goes into a round is decided outside.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "storage/commit_log.hpp"

namespace shoal::storage {

struct round_outcome {
  ec code = ec::none;                      ///< what the write answered
  std::chrono::microseconds write_time{0}; ///< without the answers
};

class commit_round {
public:
  explicit commit_round(database& db) : db_{db} {}

  /// Writes the rows of all entries and the newest place of each partition, then answers each
  /// entry. Synced if `sync` or if one entry wants it: then what is to be written `soon` goes and
  /// is answered before, unless it would overtake an entry of its partition. Returns what the first
  /// write that failed answered.
  round_outcome run(std::vector<log_entry>&& entries, bool sync);

private:
  struct failure {
    std::uint64_t epoch = 0;
    std::uint64_t lsn = 0; ///< the lowest that is missing
    ec code{};
  };

  static std::vector<log_entry> take_ahead(std::vector<log_entry>& entries);
  /// One batch: all of it or nothing.
  round_outcome write(std::vector<log_entry>& entries, bool sync);

  /// `none`, or the code of an earlier failure that this entry would leave a gap behind.
  ec gap_before(const log_entry& entry);
  void remember_failure(const log_entry& entry, ec code);

  database& db_;
  std::map<partition_no, failure> failures_; ///< empty in good times
};

} // namespace shoal::storage
