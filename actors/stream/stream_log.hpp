// The rules of one ordered log: which id comes next, what is visible, where a reader starts. Pure:
// no actor, disk or clock.
//
//        floor            committed        assigned
//   ───────┼──────────────────┼────────────────┼──>  ids
//   removed│ on disk, visible │ being written  │ next append gets assigned + 1
//                    └ tail ──┘ newest ops, also in memory
//
// Owned by the stream actor of the principal, one per biz that is in use. Guarantees: ids are
// consecutive; nothing is visible before `committed`; after `roll_back` ids that were never visible
// are handed out again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/container/devector.hpp>

#include "actors/messages.hpp"
#include "protocol/position.hpp"
#include "storage/records.hpp"

namespace shoal {

/// Where a feed starts, and whether the device has to be told that this is not where it thought it
/// was.
struct start_plan {
  std::uint64_t id = 0;
  reset_reason reset = reset_reason::none;
};

/// What decides a start. `claimed` is the device's own position, `cursor` what the server remembers
/// of it.
struct start_question {
  std::uint64_t epoch = 0;
  std::uint64_t committed = 0, floor = 0, lost = 0;
  std::uint32_t newest_only = 0; ///< biz setting repush_newest
  bool shared_cursor =
      false; ///< single-device: the cursor is the user's, the claim cannot rewind it
  std::optional<position> claimed, cursor;
};

/// A device's own claim wins over the server's cursor (it may have been restored from a backup); a
/// claim that this history cannot continue becomes a reset; the backlog is cut to the newest ops
/// where the biz says so.
start_plan plan_start(const start_question& q);

class stream_log {
public:
  stream_log(biz_ptr biz, std::uint64_t epoch, storage::stream_meta stored)
      : biz_{std::move(biz)}, epoch_{epoch},
        committed_{stored.last}, assigned_{stored.last}, floor_{stored.floor}, lost_{stored.lost} {}

  const biz_ptr& biz() const { return biz_; }
  void set_biz(biz_ptr x) { biz_ = std::move(x); }
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t committed() const { return committed_; }
  std::uint64_t floor() const { return floor_; }
  std::uint64_t lost() const { return lost_; }

  /// Gives the op the next id. It stays invisible until `commit`.
  storage::op_ptr assign(storage::op_record op);

  /// The id that this idempotency key got in an append that is not durable yet; 0 if none.
  std::uint64_t pending_id(const std::string& client_key) const;

  /// What to store with the ops assigned so far.
  storage::stream_meta meta() const { return {assigned_, floor_, lost_}; }

  /// Ops up to `upto` are durable. Returns them as one batch.
  op_batch_ptr commit(std::uint64_t upto, std::int64_t accepted_us = 0);

  /// Ids from `first` on, just assigned, were never written.
  void take_back(std::uint64_t first);

  /// Nothing that was assigned and not committed exists.
  void roll_back();

  /// Ops up to `floor` are removed; ids up to `lost` before anybody could be sure to have had them.
  void trimmed(std::uint64_t floor, std::uint64_t lost);

  /// That could not be written: they are as they were before.
  void untrimmed(std::uint64_t floor, std::uint64_t lost) {
    floor_ = std::min(floor_, floor);
    lost_ = std::min(lost_, lost);
  }

  /// Ops after `after` out of memory; null if memory does not reach back that far.
  op_batch_ptr read_tail(std::uint64_t after, std::uint32_t max_ops, std::uint32_t max_bytes) const;

  /// Keeps only the newest ops of the tail.
  void shrink_tail(std::size_t max_ops, std::size_t max_bytes);
  std::size_t tail_ops() const { return tail_.size(); }

  /// The hour for which a sweep row was last written, per kind of sweep; 0 = never since
  /// activation.
  std::uint32_t last_sweep_hour = 0;
  std::uint32_t last_key_sweep_hour = 0;

private:
  biz_ptr biz_;
  std::uint64_t epoch_;
  std::uint64_t committed_, assigned_, floor_, lost_;
  // devector: costs nothing while empty, and most streams are idle.
  boost::container::devector<storage::op_ptr> pending_;
  std::unordered_map<std::string, std::uint64_t> pending_keys_;
  boost::container::devector<storage::op_ptr> tail_; ///< consecutive, ends at committed_
  std::size_t tail_bytes_ = 0;
};

} // namespace shoal
