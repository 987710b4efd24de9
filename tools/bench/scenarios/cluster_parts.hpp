// The parts of the scenario `cluster` that no other scenario has.
#pragma once

#include "tools/bench/contenders/shoal_cluster.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {

/// Kills nodes under load, one after the other, and reads everything back.
figures failover_figures(shoal_cluster& who, const options& wishes);

/// Where the CPU time and the bytes of an op go: to its leader, its followers, and to hops between
/// nodes.
figures cost_figures(shoal_cluster& who, const options& wishes);

/// Numbers of `n` users of the bench's app whose streams are in partition `no`.
std::vector<std::size_t> users_in(std::uint16_t no, std::size_t n);

} // namespace shoal::bench
