#include "cluster/links/introduction.hpp"

#include <algorithm>

namespace shoal::cluster::links {
namespace {

std::string range(std::uint32_t min, std::uint32_t max) {
  return std::to_string(min) + " to " + std::to_string(max);
}

} // namespace

agreement agree(const link_options& self, const hello& peer) {
  auto out = agreement{};
  if (peer.cluster != self.cluster) {
    out.refusal = "this is cluster " + self.cluster + ", not " + peer.cluster;
  } else if (peer.node == self.self) {
    out.refusal = "this node is " + self.self + " itself";
  } else if (peer.version_max < self.version_min || self.version_max < peer.version_min) {
    out.refusal = self.self + " speaks versions " + range(self.version_min, self.version_max) +
                  ", " + peer.node + " speaks " + range(peer.version_min, peer.version_max);
  }
  out.version = std::min(self.version_max, peer.version_max);
  out.window = std::min<std::uint64_t>(self.window_bytes, peer.window);
  return out;
}

choice choose(const std::optional<chosen>& now, const hello& peer) {
  if (!now)
    return choice::take;
  auto lost_it = now->confirmed && peer.last_link == now->link && !peer.linked;
  return lost_it ? choice::take : choice::duplicate;
}

incarnations::verdict incarnations::meet(std::uint64_t incarnation) {
  if (newest_ == incarnation)
    return verdict::known;
  if (std::find(retired_.begin(), retired_.end(), incarnation) != retired_.end())
    return verdict::retired;
  if (newest_)
    retired_.push_back(*newest_);
  if (retired_.size() > remembered)
    retired_.pop_front();
  newest_ = incarnation;
  return verdict::newer;
}

} // namespace shoal::cluster::links
