// Which view may follow which. Whoever swaps views in the meta store asks here first; replicas
// ignore what breaks these rules.
//
// A change of the replicas names the old set in `previous` until the new set has taken over: a
// leader then needs promises of a majority of *both* sets, and commits on a majority of the new
// one. Any set may follow any set that way, but only one change is open at a time:
//   (R)             -> (R) again, or (R', previous R)
//   (R', previous R) -> the same again; back to (R, previous R'); or (R'), once the leader of
//                       exactly this view has reported `settled`
#pragma once

#include <string_view>

#include "cluster/partition_table.hpp"

namespace shoal::cluster {

/// Empty if `x` is well-formed: the leader is one of the replicas, no name twice, no empty set.
std::string_view wrong_with(const view& x);

/// Empty if `next` may replace `known`. `settled`: the leader of `known` reported that it is.
std::string_view wrong_with(const view& next, const view& known, bool settled);

bool same_set(const std::vector<std::string>& a, const std::vector<std::string>& b);

} // namespace shoal::cluster
