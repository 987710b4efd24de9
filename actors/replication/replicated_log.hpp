// The partition log of a partition with several replicas: what streams hand in waits here until the
// replica takes it, and until a majority has it.
//
// Made when this node starts to serve an epoch of the partition, stopped for good when it no longer
// does. Used by streams on their threads (`partition_log`) and by the replica on its own. While a
// round trip to the replicas runs, what comes in meanwhile gathers to one record.
//
// An answer comes after the rows are applied here. `outcome_unknown`: leadership was lost
// meanwhile; another node may have it or not.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/partition_log.hpp"

namespace shoal {

class replicated_log : public storage::partition_log {
public:
  struct options {
    std::size_t record_bytes = 256u << 10; ///< of one record; a bigger submit goes alone
    std::size_t queue_bytes = 16u << 20;   ///< waiting; more is refused with `overloaded`
  };

  /// `poke` wakes the replica, from any thread; called once per gathered record at most.
  replicated_log(std::function<void()> poke, const options& x) : poke_{std::move(poke)}, opt_{x} {}

  // -- for streams -------------------------------------------------------------------------------

  ec submit(storage::write_batch rows, std::uint64_t failures_seen,
      std::function<void(ec)> done) override;
  void submit_lazy(storage::write_batch rows) override;
  std::uint64_t failures() const override;
  std::uint64_t next_lsn() const override;

  // -- for the replica ---------------------------------------------------------------------------

  struct gathered {
    std::shared_ptr<const std::string> payload;
    std::vector<std::function<void(ec)>> waiting; ///< to be answered with the record's fate
  };

  /// Takes the next record's worth. Lazy rows come along, and alone only if `with_lazy`. False if
  /// there is nothing.
  bool take(gathered& out, bool with_lazy);

  /// The record got this lsn; `waiting` is answered by `applied` or `stop`.
  void proposed(std::uint64_t lsn, std::vector<std::function<void(ec)>> waiting);
  void applied(std::uint64_t lsn);

  /// Answers everything under way with `outcome_unknown`, everything queued with `moving`, and
  /// refuses what still comes.
  void stop();

private:
  struct item {
    std::string rows;
    std::function<void(ec)> done;
  };

  void drain_queue(std::vector<std::function<void(ec)>>& out);

  const std::function<void()> poke_;
  const options opt_;
  mutable std::mutex mutex_;
  std::deque<item> queue_;
  std::size_t queued_bytes_ = 0;
  std::string lazy_;
  bool poked_ = false, stopped_ = false;
  std::uint64_t failures_ = 0;
  std::uint64_t last_lsn_ = 0;
  std::map<std::uint64_t, std::vector<std::function<void(ec)>>> under_way_;
};

} // namespace shoal
