// How a node stands in its cluster, as far as it can tell by itself: whether the meta store answers
// it, which partitions nobody serves, and which have fewer copies than they should. Plain data and
// pure rules; the node fills it in, /inspect shows it.
//
// What one node cannot reach may serve others: whoever asks several nodes puts their answers
// together. Copies are known of what this node leads, so every partition is judged by one node.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "actors/inspect/replica_lag.hpp"
#include "protocol/ids.hpp"

namespace shoal::inspect {

/// A partition as the meta store's view has it.
struct partition_standing {
  partition_no no{};
  std::uint64_t epoch = 0;
  std::string leader; ///< as the view names it; empty: no view is known
  std::vector<std::string> replicas;
  std::vector<std::string> in_sync; ///< with the leader; empty where another node leads, or if
                                    ///< this one has just begun to
};

struct cluster_standing {
  std::string self;
  std::string state;             ///< of this node: up, draining or removed; empty: not known yet
  std::int64_t meta_away_ms = 0; ///< since the meta store answered last; 0: it answers
  std::size_t copies_wanted = 0; ///< replicas that a partition should have
  std::set<std::string> reached; ///< nodes whose links are up
  std::set<partition_no> served; ///< by this node
  std::vector<partition_standing> partitions; ///< all, by number
  std::vector<follower_lag> followers;        ///< of what this node leads
};

/// A partition that this node knows nobody to serve, and why.
struct unserved {
  const partition_standing* partition = nullptr;
  std::string why;
};

std::vector<unserved> unserved_partitions(const cluster_standing& x);

/// How many of the partitions that this node leads have fewer copies than wanted that are in sync
/// and within reach.
std::size_t short_of_copies(const cluster_standing& x);

} // namespace shoal::inspect
