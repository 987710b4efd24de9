#include "actors/inspect/replica_lag.hpp"

#include <algorithm>
#include <utility>

namespace shoal::inspect {

void replica_lag::look(partition_no no, const cluster::replica_status& x, cluster::instant now) {
  using role = cluster::replica_role;
  if (x.role != role::serving && x.role != role::suspended && x.role != role::handing_over) {
    led_.erase(no);
    return;
  }
  auto before = std::exchange(led_[no], {});
  for (auto& peer : x.peers) {
    auto& f = led_[no][peer.name] = before[peer.name];
    f.heard = peer.heard != cluster::instant{};
    f.refilling = peer.gets_checkpoint;
    auto has = f.heard ? std::min(peer.durable, x.committed) : 0;
    f.lacks = f.heard ? x.committed - has : 0;
    if (f.heard && f.lacks == 0) {
      f.mark = 0;
    } else if (f.mark == 0 || has >= f.mark) {
      f.mark = std::max<std::uint64_t>(x.committed, 1);
      f.marked = now;
    }
    f.since = f.mark == 0 ? cluster::instant{} : now - f.marked;
  }
}

std::vector<follower_lag> replica_lag::followers() const {
  std::map<std::string, follower_lag> by_name;
  for (auto& [no, peers] : led_)
    for (auto& [name, f] : peers) {
      auto& out = by_name[name];
      out.node = name;
      ++out.replicas;
      out.behind += f.mark != 0;
      out.unheard += !f.heard;
      out.refilling += f.refilling;
      out.records += f.lacks;
      out.most = std::max(out.most, f.lacks);
      out.since = std::max(out.since, f.since);
    }
  std::vector<follower_lag> out;
  for (auto& [name, x] : by_name)
    out.push_back(std::move(x));
  return out;
}

} // namespace shoal::inspect
