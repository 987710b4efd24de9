#include "cluster/view_rules.hpp"

#include <algorithm>

namespace shoal::cluster {

namespace {

std::vector<std::string> sorted(std::vector<std::string> x) {
  std::sort(x.begin(), x.end());
  return x;
}

bool names_twice(const std::vector<std::string>& x) {
  auto names = sorted(x);
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

} // namespace

bool same_set(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return a.size() == b.size() && sorted(a) == sorted(b);
}

std::string_view wrong_with(const view& x) {
  if (x.epoch == 0)
    return "an epoch is at least 1";
  if (std::find(x.replicas.begin(), x.replicas.end(), x.leader) == x.replicas.end())
    return "the leader must be one of the replicas";
  if (names_twice(x.replicas) || names_twice(x.previous))
    return "a replica is named twice";
  return {};
}

std::string_view wrong_with(const view& next, const view& known, bool settled) {
  if (auto wrong = wrong_with(next); !wrong.empty())
    return wrong;
  if (next.epoch <= known.epoch)
    return "the epoch must be greater";
  if (known.epoch == 0)
    return next.previous.empty() ? std::string_view{} : "the first view has no previous replicas";
  if (known.previous.empty()) {
    const auto& old = next.previous.empty() ? next.replicas : next.previous;
    return same_set(old, known.replicas) ? std::string_view{}
                                         : "a change must name the known replicas as previous";
  }
  if (next.previous.empty())
    return settled && same_set(next.replicas, known.replicas)
               ? std::string_view{}
               : "the open change of replicas is not settled";
  auto same = same_set(next.replicas, known.replicas) && same_set(next.previous, known.previous);
  auto back = same_set(next.replicas, known.previous) && same_set(next.previous, known.replicas);
  return same || back ? std::string_view{} : "one change of replicas at a time";
}

} // namespace shoal::cluster
