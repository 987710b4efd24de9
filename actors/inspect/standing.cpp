#include "actors/inspect/standing.hpp"

#include <algorithm>

namespace shoal::inspect {

namespace {

/// How many of these nodes this node can count on.
std::size_t at_hand(const cluster_standing& x, const std::vector<std::string>& nodes) {
  return static_cast<std::size_t>(std::ranges::count_if(
      nodes, [&](auto& name) { return name == x.self || x.reached.contains(name); }));
}

} // namespace

std::vector<unserved> unserved_partitions(const cluster_standing& x) {
  std::vector<unserved> out;
  for (auto& p : x.partitions) {
    if (p.leader.empty())
      out.push_back({&p, "no view of it is known here"});
    else if (p.leader == x.self && !x.served.contains(p.no))
      out.push_back({&p, "led by this node, which does not serve it yet: it is taking over"});
    else if (p.leader == x.self && at_hand(x, p.replicas) * 2 <= p.replicas.size())
      out.push_back({&p, "led by this node, but most of its copies are not reached: no writes"});
    else if (p.leader != x.self && !x.reached.contains(p.leader))
      out.push_back({&p, "its leader " + p.leader + " is not reached from here"});
  }
  return out;
}

std::size_t short_of_copies(const cluster_standing& x) {
  return static_cast<std::size_t>(std::ranges::count_if(x.partitions, [&](auto& p) {
    return p.leader == x.self && !p.in_sync.empty() && at_hand(x, p.in_sync) < x.copies_wanted;
  }));
}

} // namespace shoal::inspect
