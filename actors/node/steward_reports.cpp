// What stewards tell each other: reports, written and read. The data is in steward.hpp.
#include <algorithm>

#include "actors/node/steward.hpp"

namespace shoal {

using cluster::instant;

namespace {

constexpr auto uneasy_interval = std::chrono::milliseconds{100};
/// A disk that was full has to take writes for so long before its node is to lead again.
constexpr instant disk_recovery = std::chrono::seconds{5};
constexpr double load_window_s = 30;
constexpr double least_load = 50;         ///< records per second
constexpr std::uint64_t sync_lag = 1'000; ///< records; a replica that misses fewer is in sync

cluster::node_report read_report(const std::string& from, const replication::Report& x) {
  cluster::node_report out;
  out.from = from;
  out.incarnation = x.incarnation();
  out.reaches.assign(x.reaches().begin(), x.reaches().end());
  for (auto& held : x.held())
    out.partitions.push_back({partition_no{static_cast<std::uint16_t>(held.partition())},
        held.epoch(), held.leads(), held.settled(), held.wants_view(),
        {held.in_sync().begin(), held.in_sync().end()}, held.load(), held.refilling()});
  out.refused_by.assign(x.refused_by().begin(), x.refused_by().end());
  out.disk_fails = x.disk_fails();
  return out;
}

} // namespace

void steward_state::take_report(const replication_frame& x) {
  replication::Frame frame;
  if (!frame.ParseFromString(x.bytes))
    return;
  for (auto& order : frame.report().orders()) {
    auto no = partition_no{static_cast<std::uint16_t>(order.partition())};
    auto i = meta.views.find(no);
    if (i != meta.views.end() && i->second.epoch == order.epoch())
      self->send(opt.replicator, atom::moved::value, no, order.to());
  }
  brain->reported(read_report(x.from, frame.report()), boot_time());
  // Somebody may be dead: that is decided by a look, and the next one is a while off.
  if (brain->is_uneasy() && !looking_soon) {
    looking_soon = true;
    self->delayed_send(self, uneasy_interval, atom::call::value);
  }
}

void steward_state::tell_others(const std::vector<replica_report>& replicas) {
  replication::Report out;
  opt.looked(replicas);
  auto links = opt.links();
  out.set_incarnation(opt.incarnation);
  for (auto& link : links)
    if (link.up)
      out.add_reaches(link.peer.name);
    else if (link.refused_us)
      out.add_refused_by(link.peer.name);
  for (auto& x : replicas) {
    add_held(x, out);
    if (x.rests)
      disk_failed = boot_time();
  }
  out.set_disk_fails(disk_failed != instant{} && boot_time() - disk_failed < disk_recovery);
  own = out;
  opt.reported(own);
  brain->reported(read_report(opt.config.node.name, out), boot_time());
  for (auto& link : links) {
    if (!link.up)
      continue;
    replication::Frame frame;
    *frame.mutable_report() = out;
    for (auto& order : orders[link.peer.name])
      *frame.mutable_report()->add_orders() = order;
    opt.send(link.peer.name, frame.SerializeAsString());
  }
  orders.clear();
}

/// Records per second over the last half minute, roughly; what is hardly used counts as unused, so
/// that nothing moves for a handful of records.
std::uint64_t steward_state::load_of(partition_no no, std::uint64_t committed) {
  auto& x = loads[no];
  auto now = boot_time();
  auto passed = std::chrono::duration<double>(now - x.at).count();
  if (x.at != instant{} && committed >= x.committed && passed > 0) {
    auto rate = static_cast<double>(committed - x.committed) / passed;
    x.per_second += (rate - x.per_second) * std::min(1.0, passed / load_window_s);
  }
  x.at = now;
  x.committed = committed;
  return x.per_second < least_load ? 0 : static_cast<std::uint64_t>(x.per_second);
}

/// Only replicas that lead, or that cannot go on, have something to say.
void steward_state::add_held(const replica_report& x, replication::Report& out) {
  using role = cluster::replica_role;
  auto& s = x.status;
  auto leads = s.role == role::serving || s.role == role::suspended || s.role == role::handing_over;
  auto wish = wishes.find(x.partition);
  auto wants = wish != wishes.end() && wish->second > published[x.partition];
  auto refilling = s.role == role::quarantined || !opt.lost.empty();
  if (!leads && !wants && !refilling)
    return;
  auto& held = *out.add_held();
  held.set_partition(raw(x.partition));
  held.set_epoch(published[x.partition]);
  held.set_wants_view(wants);
  held.set_refilling(refilling);
  if (!leads)
    return;
  held.set_epoch(s.epoch);
  held.set_leads(true);
  held.set_settled(settled[x.partition] == s.epoch || meta.views[x.partition].previous.empty());
  held.set_load(load_of(x.partition, s.committed));
  held.add_in_sync(opt.config.node.name);
  for (auto& peer : s.peers)
    if (!peer.gets_checkpoint && peer.durable + sync_lag >= s.committed)
      held.add_in_sync(peer.name);
}

} // namespace shoal
