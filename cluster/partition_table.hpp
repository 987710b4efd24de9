// Who may write which partition, as this node knows it: a copy of the meta store's views.
//
// Owned by the node, filled at the start and again whenever the meta store has something newer. A
// copy may be old; that is safe, because a replica refuses writes of an epoch lower than one it has
// seen. Not thread-safe: share it as const.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/ids.hpp"

namespace shoal::cluster {

/// Who may write a partition. Changes only by compare-and-swap in the meta store, each time with a
/// greater epoch.
struct view {
  std::uint64_t epoch = 0;           ///< 0 = there was none yet
  std::string leader;                ///< a node's name
  std::vector<std::string> replicas; ///< with the leader
  /// The replicas before, while a change of them is not settled (view_rules.hpp); else empty.
  std::vector<std::string> previous{};
  bool operator==(const view&) const = default;
};

class partition_table {
public:
  /// `count` is fixed when a cluster is created, at least 1.
  explicit partition_table(std::uint16_t count);

  std::uint16_t size() const { return static_cast<std::uint16_t>(views_.size()); }

  partition_no partition_for(app_no app, const principal& who) const;

  /// The empty view for a partition that does not exist.
  const view& at(partition_no p) const;
  const view& view_for(app_no app, const principal& who) const;

  /// Takes a view with a greater epoch than the known one; false (and nothing changes) otherwise.
  bool learn(partition_no p, view x);

  /// The partitions that a node leads.
  std::vector<partition_no> led_by(std::string_view node) const;

private:
  std::vector<view> views_;
};

} // namespace shoal::cluster
