#include <algorithm>

#include "cluster/view_rules.hpp"
#include "tests/cluster/simulated_world.hpp"

namespace shoal::cluster {

using namespace std::chrono_literals;

namespace {

constexpr auto troubled_time = instant{5s};
constexpr auto patience = instant{60s}; ///< to become live when nothing is broken any more

instant scaled(seeded_random& random, instant low, instant high) {
  return instant{static_cast<std::int64_t>(random.between(
      static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count())))};
}

} // namespace

simulated_world::simulated_world(const simulation_options& options)
    : options_{options}, random_{options.seed} {
  draw_climate();
  auto replicas = random_.chance(0.7) ? 3u : 5u;
  auto names = std::vector<std::string>{};
  for (auto i = 1u; i <= replicas + 1; ++i) {
    nodes_.push_back(std::make_unique<node>());
    nodes_.back()->name = "n" + std::to_string(i);
    nodes_.back()->clock_offset = scaled(random_, 0s, 1000s);
    nodes_.back()->clock_rate = 0.98 + 0.04 * random_.unit();
    names.push_back(nodes_.back()->name);
  }
  names.pop_back();
  views_.push_back({1, random_.pick(names), names});
}

void simulated_world::draw_climate() {
  auto& r = random_;
  auto sometimes = [&](double p, double most) { return r.chance(p) ? most * r.unit() : 0.0; };
  auto& c = climate_;
  c.loss = sometimes(0.5, 0.2);
  c.duplication = sometimes(0.5, 0.2);
  c.late = sometimes(0.5, 0.05);
  c.delay = scaled(r, 100us, 8ms);
  c.sync = scaled(r, 100us, 15ms);
  c.fault_pause = scaled(r, 30ms, 600ms);
  c.crash = sometimes(0.7, 1);
  c.crash_after_promise = sometimes(0.3, 0.5);
  c.disturb_opening = sometimes(0.3, 0.7);
  c.pause = sometimes(0.5, 1);
  c.cut = sometimes(0.6, 1);
  c.jump = sometimes(0.2, 0.3);
  c.slow = sometimes(0.4, 0.5);
  c.outage = sometimes(0.3, 0.3);
  c.damage = sometimes(0.3, 0.5);
  c.early_view = sometimes(0.7, 0.6);
  c.stale_read = sometimes(0.6, 0.6);
  c.member_change = sometimes(0.4, 0.3);
  c.hand_over = sometimes(0.3, 0.5);
  c.payload = r.below(200);
  c.proposal_pause = scaled(r, 5ms, 80ms);
  c.read_pause = scaled(r, 10ms, 500ms);

  auto kind = r.unit();
  if (kind < 0.25) {
    c = climate{};
    c.delay = scaled(r, 100us, 4ms);
    c.sync = scaled(r, 100us, 4ms);
    c.fault_pause = 200ms;
    c.proposal_pause = 20ms;
    c.read_pause = 10ms;
  }
  if (kind < 0.15) {
    // Leaders that fall silent as soon as they begin, one after the other, and little else.
    c.cut = 0.3 * r.unit();
    c.crash = 0.2 * r.unit();
    c.disturb_opening = 0.5 + 0.5 * r.unit();
  } else if (kind < 0.25) {
    // Two leaders that do not hear each other, and voters that start again after each promise.
    c.rivals = 0.5 + 0.5 * r.unit();
    c.crash_after_promise = 0.5 + 0.5 * r.unit();
    c.read_pause = scaled(r, 10ms, 300ms);
    c.proposal_pause = 5ms;
  }

  auto& o = rules_of_thumb_;
  o.heartbeat = 50ms;
  o.resend_after = 100ms;
  o.suspend_after = 400ms;
  o.hand_over_limit = 500ms;
  o.take_over_limit = 1s;
  o.checkpoint_limit = 1s;
  o.append_bytes = kind < 0.15 || r.chance(0.5) ? 1 : r.between(64, 2000);
  o.in_flight_bytes = r.between(64, 4000);
  o.memory_bytes = r.between(0, 4000);
  o.uncommitted_bytes = r.between(500, 20'000);
  o.apply_bytes = r.between(64, 4000);
  o.keep_records = r.chance(0.5) ? r.between(3, 40) : 100'000;
  o.keep_bytes = r.chance(0.5) ? r.between(200, 4000) : 64u << 20;
  o.trim_step = r.between(1, 10);
  o.checksum = simulated_checksum;
}

simulation_result simulated_world::run() {
  for (auto& n : nodes_)
    start(*n);
  propose();
  at(climate_.fault_pause, [this] { fault(); });
  for (auto& c : controllers_)
    control(c);
  while (now_ < troubled_time && step())
    ;
  calm_down();
  auto end = now_ + patience;
  while (now_ < end && !checker_.broken() && !what_is_missing().empty())
    for (auto i = 0; i < 50 && step(); ++i)
      ;
  if (!checker_.broken() && now_ >= end)
    checker_.breaks("not live", what_is_missing() + " although all is well");
  if (!checker_.broken())
    for (const auto& name : views_.back().replicas)
      checker_.ends_with(name, by_name(name).disk.rows());
  counts_.epochs_served = checker_.epochs_served();
  auto from = trace_.size() > options_.trace ? trace_.size() - options_.trace : 0;
  trace_.erase(trace_.begin(), trace_.begin() + static_cast<std::ptrdiff_t>(from));
  return {checker_.broken(), std::move(trace_), counts_};
}

// -- clients --------------------------------------------------------------------------------------

void simulated_world::propose() {
  at(scaled(random_, climate_.proposal_pause / 2, climate_.proposal_pause * 2),
      [this] { propose(); });
  if (probe_acknowledged_)
    return; // nothing new, so that everybody can get everything
  auto& n = random_.chance(0.8) ? by_name(views_.back().leader) : *random_.pick(nodes_);
  if (!n.machine)
    return;
  on_node(n, 0ns, [this](node& x) {
    auto text = "p" + std::to_string(++proposals_);
    text.resize(text.size() + climate_.payload, '.');
    auto payload = std::make_shared<const std::string>(std::move(text));
    auto result = x.machine->propose(payload, clock_of(x));
    if (result.refused == refusal::none) {
      x.proposed[result.position.lsn] = {result.position.epoch, stable_hash(*payload)};
      if (calm_)
        probes_.insert(stable_hash(*payload));
    } else
      ++counts_.refused;
    perform(x, std::move(result.out));
  });
}

// -- faults ---------------------------------------------------------------------------------------

void simulated_world::fault() {
  if (calm_)
    return;
  at(scaled(random_, climate_.fault_pause / 4, climate_.fault_pause * 2), [this] { fault(); });
  auto& r = random_;
  auto leader_too = r.chance(0.4) ? &by_name(views_.back().leader) : r.pick(nodes_).get();
  auto& n = *leader_too;
  if (r.chance(climate_.crash) && n.machine)
    crash_for(n, scaled(r, 1ms, r.chance(0.5) ? 1s : 20ms));
  if (r.chance(climate_.pause) && n.machine) {
    ++counts_.pauses;
    n.paused_until = now_ + scaled(r, 50ms, 1500ms);
    note([&] { return n.name + " sleeps"; });
  }
  if (r.chance(climate_.cut))
    cut_links();
  if (r.chance(climate_.rivals))
    make_rivals();
  if (r.chance(climate_.jump)) {
    ++counts_.clock_jumps;
    n.clock_offset += r.chance(0.8) ? scaled(r, 10ms, 100s) : -scaled(r, 1ms, 300ms);
  }
  if (r.chance(climate_.slow)) {
    ++counts_.slow_disks;
    n.disk_slowness = n.disk_slowness > 1 ? 1.0 : static_cast<double>(r.between(5, 60));
    n.failing = r.chance(0.1);
  }
  if (r.chance(climate_.outage)) {
    ++counts_.meta_outages;
    meta_down_ = true;
    at(scaled(r, 50ms, 1s), [this] { meta_down_ = false; });
  }
  if (r.chance(climate_.damage))
    damage(n);
  if (r.chance(climate_.hand_over)) {
    auto& leader = by_name(views_.back().leader);
    auto to = r.pick(views_.back().replicas);
    if (leader.machine)
      on_node(
          leader, 0ns, [this, to](node& x) { perform(x, x.machine->hand_over(to, clock_of(x))); });
  }
}

/// A group from the rest or one from another; both ways or one way.
void simulated_world::cut_links() {
  ++counts_.cuts;
  auto leader = views_.back().leader;
  auto side = std::set<std::string>{random_.chance(0.5) ? leader : random_.pick(nodes_)->name};
  auto other = random_.pick(nodes_)->name;
  auto single = random_.chance(0.4);
  auto out = random_.chance(0.75);
  auto in = !out || random_.chance(0.7);
  for (const auto& n : nodes_)
    if (!single && random_.chance(0.25))
      side.insert(n->name);
  auto links = std::vector<link>{};
  for (const auto& a : side)
    for (const auto& n : nodes_)
      if (!side.contains(n->name) && (!single || n->name == other)) {
        if (out)
          links.emplace_back(a, n->name);
        if (in)
          links.emplace_back(n->name, a);
      }
  cut(links, scaled(random_, 50ms, 1500ms));
  suspected_ = random_.chance(0.5);
}

/// The moments when a new leader has just begun are the dangerous ones.
void simulated_world::disturb_opening(node& n) {
  if (random_.chance(0.25))
    return on_node(n, random_delay(), [this](node& x) { crash_for(x, random_delay() * 10); });
  // Before anybody hears of its first record, or after some did.
  auto silence = [this, &n] {
    auto links = std::vector<link>{};
    for (const auto& other : nodes_)
      links.emplace_back(n.name, other->name);
    cut(links, scaled(random_, 50ms, 800ms));
    suspected_ = true;
  };
  if (random_.chance(0.5))
    silence();
  else
    at(random_delay() / 2, silence);
}

/// A new leader and the old one, which does not learn of it.
void simulated_world::make_rivals() {
  auto next = views_.back();
  auto old = next.leader;
  next.leader = choose_leader(next);
  if (meta_down_ || next.leader == old)
    return;
  auto time = scaled(random_, 50ms, 400ms);
  cut({{old, next.leader}, {next.leader, old}}, time);
  auto& n = by_name(old);
  n.blind_until = now_ + time;
  swap(views_.back(), next, "rivals");
}

void simulated_world::cut(const std::vector<link>& links, instant time) {
  if (calm_)
    return;
  for (const auto& x : links) {
    cut_.insert(x);
    note([&] { return x.first + " -> " + x.second + " is cut"; });
  }
  at(time, [this, links] {
    for (const auto& x : links)
      if (auto i = cut_.find(x); i != cut_.end())
        cut_.erase(i);
  });
}

bool simulated_world::anybody_unhealthy() const {
  return std::any_of(nodes_.begin(), nodes_.end(), [](const auto& n) { return n->unhealthy; });
}

/// Damages at most one replica at a time, and none where one is a majority: more than that is not
/// promised to be survived.
void simulated_world::damage(node& n) {
  auto small = [](const std::vector<std::string>& x) { return !x.empty() && x.size() < 3; };
  if (anybody_unhealthy() || small(views_.back().replicas) || small(views_.back().previous))
    return;
  auto lose = random_.chance(0.3);
  if (lose)
    crash(n);
  if (!lose && !n.disk.flip(random_))
    return;
  ++counts_.damages;
  n.unhealthy = true;
  note([&] { return n.name + (lose ? " gets an empty disk" : " has a flipped bit"); });
  if (lose) {
    n.disk.lose();
    crash_for(n, scaled(random_, 10ms, 1s));
  } else if (n.machine && random_.chance(0.5))
    on_node(n, scaled(random_, 0ms, 500ms), [this](node& x) {
      if (x.disk.is_damaged())
        perform(x, x.machine->damaged("a scrub found it", clock_of(x)));
    });
}

// -- controllers ----------------------------------------------------------------------------------

void simulated_world::control(controller& c) {
  at(scaled(random_, 80ms, 250ms), [this, &c] {
    control(c);
    if (meta_down_ || (calm_ && &c != controllers_))
      return;
    auto back = random_.chance(climate_.stale_read) ? random_.below(views_.size()) : 0;
    auto seen = views_[views_.size() - 1 - back];
    at(random_delay(), [this, seen, &c] { decide(seen, c); });
  });
}

bool simulated_world::serves(const view& x) const {
  for (const auto& n : nodes_)
    if (n->name == x.leader)
      return n->machine && now_ >= n->paused_until && n->machine->epoch() == x.epoch &&
             n->machine->role() >= replica_role::serving;
  return false;
}

std::string simulated_world::choose_leader(const view& x) {
  auto fit = std::vector<std::string>{};
  for (const auto& name : x.replicas) {
    const auto& n = by_name(name);
    if (n.machine && !n.unhealthy && now_ >= n.paused_until)
      fit.push_back(name);
  }
  auto blind = fit.empty() || (!calm_ && random_.chance(0.1));
  return random_.pick(blind ? x.replicas : fit);
}

void simulated_world::decide(const view& seen, controller& c) {
  c.unserved = serves(seen) ? 0 : c.unserved + 1;
  auto next = seen;
  if (!seen.previous.empty() && settled_ == seen.epoch && serves(seen)) {
    next.previous.clear();
    return swap(seen, next, "settled: controller");
  }
  if (!calm_ && random_.chance(climate_.member_change))
    return change_members(seen);
  auto early = !calm_ && (suspected_ || random_.chance(climate_.early_view));
  auto asked = wanted_ > seen.epoch;
  auto patience_ends = calm_ ? 12u : 4u;
  if (!early && !asked && c.unserved < patience_ends)
    return;
  c.unserved = 0;
  suspected_ = false;
  next.leader = choose_leader(seen);
  swap(seen, next, "controller");
}

void simulated_world::change_members(const view& seen) {
  auto next = seen;
  if (!seen.previous.empty()) {
    if (random_.chance(0.7))
      return;
    std::swap(next.replicas, next.previous);
  } else {
    auto outside = std::vector<std::string>{};
    for (const auto& n : nodes_)
      if (std::find(seen.replicas.begin(), seen.replicas.end(), n->name) == seen.replicas.end())
        outside.push_back(n->name);
    next.previous = seen.replicas;
    random_.shuffle(next.replicas);
    random_.shuffle(outside);
    if (!outside.empty() && random_.chance(0.7))
      next.replicas.push_back(outside.front());
    for (auto drop = random_.below(3); drop > 0 && next.replicas.size() > 2; --drop)
      next.replicas.erase(next.replicas.begin());
    if (outside.size() > 1 && random_.chance(0.5))
      next.replicas.push_back(outside.back());
    if (same_set(next.replicas, next.previous))
      return;
  }
  next.leader = choose_leader(next);
  swap(seen, next, "members: controller");
}

// -- the end --------------------------------------------------------------------------------------

void simulated_world::calm_down() {
  note([&] { return std::string{"all is well from here"}; });
  calm_ = true;
  meta_down_ = false;
  cut_.clear();
  climate_.loss = climate_.duplication = climate_.late = climate_.stale_read = 0;
  climate_.crash_after_promise = climate_.disturb_opening = 0;
  climate_.delay = std::min(climate_.delay, instant{2ms});
  climate_.sync = std::min(climate_.sync, instant{2ms});
  climate_.proposal_pause = 40ms;
  climate_.read_pause = 30ms;
  for (auto& n : nodes_) {
    n->disk_slowness = 1;
    n->failing = false;
    n->paused_until = std::min(n->paused_until, now_);
    if (!n->machine)
      start(*n);
  }
}

/// Empty when a proposal of this time is acknowledged, no change is open, and every replica has
/// applied everything.
std::string simulated_world::what_is_missing() {
  const auto& current = views_.back();
  if (!serves(current))
    return "nobody serves epoch " + std::to_string(current.epoch);
  if (!probe_acknowledged_)
    return "no proposal is acknowledged";
  if (!current.previous.empty())
    return "the change of replicas stays open";
  for (const auto& name : current.replicas) {
    const auto& n = by_name(name);
    if (!n.machine)
      return name + " is down";
    if (n.machine->role() == replica_role::quarantined)
      return name + " stays quarantined";
    if (n.disk.rows().size() < checker_.history_size())
      return name + " has applied " + std::to_string(n.disk.rows().size()) + " of " +
             std::to_string(checker_.history_size()) + " (durable " +
             std::to_string(n.machine->status().durable) + ", committed " +
             std::to_string(n.machine->committed()) + ", handed out " +
             std::to_string(n.handed_out) + ", applied " +
             std::to_string(n.machine->applied_lsn()) + ")";
  }
  return {};
}

} // namespace shoal::cluster
