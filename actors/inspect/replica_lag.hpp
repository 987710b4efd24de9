// How far the replicas of what this node leads are behind what is committed: in records, and for
// how long. Pure: it is told what the leaders here know, some times a second, and what time it is.
//
// A follower is behind by the time since which it lacks something that was committed then. That is
// a lower bound, as fine as the looks are; it begins anew with the leader. Records of a follower
// that this leader has never heard are not counted: nobody knows what it has.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cluster/replica.hpp"
#include "protocol/ids.hpp"

namespace shoal::inspect {

/// One other node, over all partitions that it follows this one in.
struct follower_lag {
  std::string node;
  std::size_t replicas = 0;
  std::size_t behind = 0;    ///< of them, without something that is committed
  std::size_t unheard = 0;   ///< of them, since this node leads
  std::size_t refilling = 0; ///< of them: get a checkpoint
  std::uint64_t records = 0; ///< that they lack together
  std::uint64_t most = 0;    ///< that one of them lacks
  cluster::instant since{};  ///< the longest of them
};

class replica_lag {
public:
  /// What the replica of a partition here says of itself; once per look.
  void look(partition_no no, const cluster::replica_status& x, cluster::instant now);

  /// By name of the follower.
  std::vector<follower_lag> followers() const;

private:
  struct follower {
    std::uint64_t lacks = 0;
    bool heard = false, refilling = false;
    std::uint64_t mark = 0; ///< what was committed at `marked`; 0: it lacks nothing
    cluster::instant marked{}, since{};
  };
  std::map<partition_no, std::map<std::string, follower>> led_;
};

} // namespace shoal::inspect
