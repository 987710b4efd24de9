#include "actors/inspect/standing.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace shoal::inspect {

namespace {

/// How many of these nodes this node can count on.
std::size_t at_hand(const cluster_standing& x, const std::vector<std::string>& nodes) {
  return static_cast<std::size_t>(std::ranges::count_if(
      nodes, [&](auto& name) { return name == x.self || x.reached.contains(name); }));
}

/// Empty if it is served, as far as this node knows.
std::string why_unserved(const cluster_standing& x, const partition_standing& p) {
  auto own = p.leader == x.self;
  auto why = std::string_view{};
  if (p.leader.empty())
    why = "no view of it is known here";
  else if (own && !x.served.contains(p.no))
    why = "led by this node, which does not serve it yet: it is taking over";
  else if (own && at_hand(x, p.replicas) * 2 <= p.replicas.size())
    why = "led by this node, but most of its copies are not reached: no writes";
  else if (!own && !x.reached.contains(p.leader))
    return std::string{"its leader "}.append(p.leader).append(" is not reached from here");
  return std::string{why};
}

} // namespace

std::vector<unserved> unserved_partitions(const cluster_standing& x) {
  std::vector<unserved> out;
  for (auto& p : x.partitions)
    if (auto why = why_unserved(x, p); !why.empty())
      out.push_back({&p, std::move(why)});
  return out;
}

std::size_t short_of_copies(const cluster_standing& x) {
  return static_cast<std::size_t>(std::ranges::count_if(x.partitions, [&](auto& p) {
    return p.leader == x.self && !p.in_sync.empty() && at_hand(x, p.in_sync) < x.copies_wanted;
  }));
}

} // namespace shoal::inspect
