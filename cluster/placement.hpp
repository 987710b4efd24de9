// Which nodes hold and lead which partition: from what is, the next few changes of views towards
// what should be. Pure and deterministic: the same picture gives the same changes.
//
// Called by the controller again and again; each call looks at everything anew, so that nothing is
// lost with a controller. Every change obeys view_rules.hpp, and by one change a partition's
// replicas become one more or one fewer.
//
// Guarantees: a replica is taken away only if those that stay have a majority that is live and in
// sync; nothing is taken from a partition without a live leader. Leadership moves only to a live
// replica, and only if a majority (of the previous replicas, too) is live to follow; it leaves a
// node whose disk takes no writes. No set gets smaller around a replica that is being refilled. At
// most `moves` partitions at a time are in the middle of something that was not forced on them.
//
// Does not: judge who is live, or place by racks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cluster/partition_table.hpp"

namespace shoal::cluster {

struct placed_node {
  std::string name;
  bool live = true;
  /// Is to hold nothing: draining, removed, or away for so long that it is replaced.
  bool leaving = false;
  bool writes = true; ///< its disk takes what it is given
  bool operator==(const placed_node&) const = default;
};

struct placed_partition {
  partition_no p{};
  view current; ///< epoch 0: there was none yet
  /// The leader of exactly this view serves, and needs the previous replicas no more.
  bool settled = false;
  /// Replicas that have about everything, the leader among them; as the leader said last.
  std::vector<std::string> in_sync{};
  bool stuck = false;     ///< its leader cannot go on in this epoch
  std::uint64_t load = 0; ///< of leading it, in any unit, the same for all
  /// Damaged replicas that are not whole again: they do not vote. Never in `in_sync`.
  std::vector<std::string> refilling{};
};

struct placement_options {
  std::size_t replicas = 3;
  std::size_t moves = 4;
};

struct view_change {
  enum class way : std::uint8_t {
    swap,      ///< in the meta store, now
    hand_over, ///< the leader is alive: it lets `next.leader` catch up, then swaps itself
  };
  partition_no p{};
  std::uint64_t expected_epoch = 0;
  view next;
  way how = way::swap;
  std::string why; ///< for people
};

/// Nodes and partitions in any order; one change per partition at most.
std::vector<view_change> place(std::vector<placed_node> nodes,
    std::vector<placed_partition> partitions, const placement_options& options);

} // namespace shoal::cluster
