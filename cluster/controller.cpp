#include "cluster/controller.hpp"

#include <algorithm>

namespace shoal::cluster {

controller::controller(controller_options options)
    : options_{std::move(options)}, alive_{options_.takeover} {}

// -- what comes in --------------------------------------------------------------------------------

void controller::reported(const node_report& report, instant now) {
  alive_.reported(report.from, report.reaches, now, report.refused_by);
  alive_.look(now);
  auto& kept = reports_.insert_or_assign(report.from, report).first->second.partitions;
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.p < b.p; });
}

void controller::read(const meta_contents& contents, instant now) {
  auto same = contents.controller == contents_.controller;
  if (!same || record_since_ == instant{})
    record_since_ = now;
  contents_ = contents;
  alive_.know(contents_.nodes);
  for (const auto& [p, x] : contents_.views)
    if (x.epoch > highest_[p].epoch)
      highest_[p] = x;
  std::erase_if(reports_, [this](const auto& x) {
    return std::none_of(contents_.nodes.begin(), contents_.nodes.end(),
        [&](const auto& node) { return node.name == x.first; });
  });
  fresh_ = true;
}

bool controller::holds() const {
  const auto& x = contents_.controller;
  return x.term != 0 && x.node == options_.self && x.incarnation == options_.incarnation;
}

/// Its leader may count a silent replica as it was when it was heard last, and one that lost its
/// records as what it said before: two that count each other would both give up their copies.
bool controller::is_well(const std::string& node, partition_no p) const {
  if (!reports_.contains(node) || alive_.is_dead(node))
    return false;
  const auto* own = report_of(node, p);
  return own == nullptr || !own->refilling;
}

bool controller::can_spare(const std::string& node) const {
  auto holds = [&](const auto& names) {
    return std::find(names.begin(), names.end(), node) != names.end();
  };
  for (const auto& [p, x] : contents_.views) {
    if (!holds(x.replicas) && !holds(x.previous))
      continue;
    const auto* said = x.leader == node ? nullptr : report_of(x.leader, p);
    if (said == nullptr || !said->leads || said->epoch != x.epoch || !x.previous.empty())
      return false;
    const auto& in_sync = said->in_sync;
    auto spares = [&, part = p](const auto& name) { // clang 14 captures no structured bindings
      return name != node && is_well(name, part) &&
             std::find(in_sync.begin(), in_sync.end(), name) != in_sync.end();
    };
    auto others = std::count_if(x.replicas.begin(), x.replicas.end(), spares);
    if (static_cast<std::size_t>(others) * 2 <= x.replicas.size())
      return false;
  }
  return contents_.views.size() >= options_.partitions;
}

// -- what comes out -------------------------------------------------------------------------------

std::vector<meta_change> controller::decide(instant now) {
  auto out = std::vector<meta_change>{};
  alive_.look(now);
  if (!fresh_ || !alive_.has_quorum(now))
    return out;
  if (!holds()) {
    if (may_take(now)) {
      out.push_back(take());
      fresh_ = false;
    }
    return out;
  }
  auto nodes = std::vector<meta_change>{};
  mark_nodes(nodes, now);
  restore(out);
  for (auto& x : place(placed_nodes(now), placed_partitions(), options_.placement))
    out.emplace_back(std::move(x));
  out.insert(out.end(), nodes.begin(), nodes.end());
  if (now - record_since_ >= options_.beat) {
    auto next = contents_.controller;
    ++next.beat;
    out.emplace_back(controller_change{contents_.controller, next});
  }
  fresh_ = out.empty();
  return out;
}

bool controller::may_take(instant now) const {
  const auto& x = contents_.controller;
  if (x.term == 0)
    return true;
  // This node in an earlier life, or somebody who has none: nobody will renew it.
  if (x.node == options_.self || alive_.is_dead(x.node))
    return true;
  return now - record_since_ >= std::chrono::milliseconds{x.ttl_ms};
}

controller_change controller::take() const {
  auto ttl = std::chrono::duration_cast<std::chrono::milliseconds>(options_.takeover);
  return {contents_.controller, {contents_.controller.term + 1, 1, options_.self,
                                    options_.incarnation, static_cast<std::uint32_t>(ttl.count())}};
}

void controller::mark_nodes(std::vector<meta_change>& out, instant now) {
  for (const auto& node : contents_.nodes) {
    if (node.state == node_state::removed)
      continue;
    auto dead = node.name != options_.self && alive_.is_dead(node.name);
    if (!dead)
      dead_since_.erase(node.name);
    else
      dead_since_.emplace(node.name, now);
    if (dead == node.down)
      continue;
    auto next = node;
    next.down = dead;
    ++next.version;
    out.emplace_back(node_change{node.version, std::move(next)});
  }
}

/// A store that was restored from a backup has views that were replaced long ago. Nobody takes them
/// any more; what was known last is put back, with a greater epoch.
void controller::restore(std::vector<meta_change>& out) const {
  for (const auto& [p, known] : highest_) {
    auto i = contents_.views.find(p);
    auto stored = i == contents_.views.end() ? std::uint64_t{0} : i->second.epoch;
    if (stored >= known.epoch)
      continue;
    auto next = known;
    ++next.epoch;
    out.emplace_back(view_change{
        p, stored, std::move(next), view_change::way::swap, "the meta store lost a view"});
  }
}

// -- the picture for placement --------------------------------------------------------------------

std::vector<placed_node> controller::placed_nodes(instant now) const {
  auto out = std::vector<placed_node>{};
  for (const auto& node : contents_.nodes) {
    auto removed = node.state == node_state::removed;
    auto dead = dead_since_.find(node.name);
    auto lost = dead != dead_since_.end() && now - dead->second >= options_.replace_after;
    auto said = reports_.find(node.name);
    auto fails = said != reports_.end() && said->second.incarnation == node.incarnation &&
                 said->second.disk_fails;
    out.push_back({node.name, !removed && dead == dead_since_.end(),
        removed || lost || node.state == node_state::draining, !fails});
  }
  return out;
}

std::vector<placed_partition> controller::placed_partitions() const {
  auto out = std::vector<placed_partition>{};
  for (std::uint16_t i = 0; i < options_.partitions; ++i) {
    auto p = static_cast<partition_no>(i);
    auto stored = contents_.views.find(p);
    auto known = highest_.find(p);
    auto current = stored == contents_.views.end() ? view{} : stored->second;
    if (known != highest_.end() && known->second.epoch > current.epoch)
      continue; // being restored
    auto is_held = [&](const auto& x) { return report_of(x.first, p) != nullptr; };
    if (current.epoch == 0 && std::any_of(reports_.begin(), reports_.end(), is_held))
      continue; // only its view is missing: a new one would forget what it holds
    out.push_back(placed(p, current));
  }
  return out;
}

placed_partition controller::placed(partition_no p, const view& current) const {
  auto out = placed_partition{p, current, false, {}, false, 0};
  for (const auto& name : current.replicas) {
    const auto* x = report_of(name, p);
    if (x == nullptr)
      continue;
    out.stuck = out.stuck || (x->wants_view && x->epoch == current.epoch);
    if (x->refilling)
      out.refilling.push_back(name);
    if (name != current.leader || !x->leads)
      continue;
    // Of an older epoch it still tells best who should be next.
    out.in_sync = x->in_sync;
    out.load = x->load;
    out.settled = x->settled && x->epoch == current.epoch;
  }
  // Of few records, a replica that has none misses few: its leader may take it for complete.
  std::erase_if(out.in_sync, [&](const auto& name) {
    return std::find(out.refilling.begin(), out.refilling.end(), name) != out.refilling.end();
  });
  return out;
}

const partition_report* controller::report_of(const std::string& node, partition_no p) const {
  auto said = reports_.find(node);
  auto record = std::find_if(contents_.nodes.begin(), contents_.nodes.end(),
      [&](const auto& x) { return x.name == node; });
  // What an earlier life of the node said is void.
  if (said == reports_.end() || record == contents_.nodes.end() ||
      said->second.incarnation != record->incarnation)
    return nullptr;
  const auto& all = said->second.partitions;
  auto i = std::lower_bound(
      all.begin(), all.end(), p, [](const auto& x, partition_no which) { return x.p < which; });
  return i == all.end() || i->p != p ? nullptr : &*i;
}

meta_result carry_out(meta_store& store, const meta_change& change) {
  if (const auto* x = std::get_if<view_change>(&change))
    return x->how == view_change::way::hand_over
               ? meta_result::done
               : store.swap_view(x->p, x->expected_epoch, x->next);
  if (const auto* x = std::get_if<node_change>(&change))
    return store.swap_node(x->expected_version, x->next);
  const auto& x = std::get<controller_change>(change);
  return store.swap_controller(x.expected, x.next);
}

} // namespace shoal::cluster
