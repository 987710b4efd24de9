#include "tests/cluster/simulated_world.hpp"

#include <algorithm>
#include <functional>

#include "cluster/view_rules.hpp"

namespace shoal::cluster {

using namespace std::chrono_literals;

namespace {

constexpr auto tick_pause = instant{25ms};
constexpr auto most_disk_delay = instant{2s};
constexpr auto rows_per_chunk = std::size_t{8};

std::string text_of(const view& x) {
  auto out = "view " + std::to_string(x.epoch) + " leader " + x.leader + " replicas";
  for (const auto& name : x.replicas)
    out += " " + name;
  if (!x.previous.empty())
    out += " previous";
  for (const auto& name : x.previous)
    out += " " + name;
  return out;
}

} // namespace

// -- time -----------------------------------------------------------------------------------------

void simulated_world::at(instant delay, std::function<void()> what) {
  queue_.push_back({now_ + delay, order_++, std::move(what)});
  std::push_heap(queue_.begin(), queue_.end(), std::greater<>{});
}

/// Happens at this start of the node; later if it sleeps then.
void simulated_world::on_node(node& n, instant delay, std::function<void(node&)> what) {
  at(delay, [this, &n, incarnation = n.incarnation, f = std::move(what)]() mutable {
    if (n.incarnation != incarnation || !n.machine)
      return;
    if (now_ < n.paused_until)
      on_node(n, n.paused_until - now_, std::move(f));
    else
      f(n);
  });
}

bool simulated_world::step() {
  if (queue_.empty() || checker_.broken())
    return false;
  std::pop_heap(queue_.begin(), queue_.end(), std::greater<>{});
  auto next = std::move(queue_.back());
  queue_.pop_back();
  now_ = next.when;
  ++counts_.events;
  next.what();
  return true;
}

instant simulated_world::clock_of(const node& n) const {
  return n.clock_offset +
         instant{static_cast<std::int64_t>(static_cast<double>(now_.count()) * n.clock_rate)};
}

// -- nodes ----------------------------------------------------------------------------------------

simulated_world::node& simulated_world::by_name(const std::string& name) {
  auto same = [&](const auto& n) { return n->name == name; };
  return **std::find_if(nodes_.begin(), nodes_.end(), same);
}

void simulated_world::start(node& n) {
  note([&] { return n.name + " starts"; });
  ++n.incarnation;
  n.paused_until = {};
  n.failing = false;
  n.committed = 0;
  n.machine = std::make_unique<replica>(n.name, rules_of_thumb_, n.disk, options_.rules);
  if (n.disk.is_lost() && !options_.rules.empty_disk_is_damage) {
    n.disk.forget_loss();
    n.unhealthy = false;
  }
  auto disk = n.disk.scan();
  n.handed_out = disk.applied;
  perform(n, n.machine->start(disk, clock_of(n)));
  read_views(n);
  tick(n);
}

void simulated_world::crash(node& n) {
  if (!n.machine)
    return;
  note([&] { return n.name + " crashes"; });
  ++counts_.crashes;
  ++n.incarnation;
  n.machine.reset();
  n.disk.crash(random_);
  n.disk_free = {};
  n.proposed.clear();
  n.checkpoints.clear();
}

void simulated_world::crash_for(node& n, instant time) {
  crash(n);
  at(time, [this, &n] {
    if (!n.machine)
      start(n);
  });
}

void simulated_world::tick(node& n) {
  on_node(n, tick_pause, [this](node& x) {
    perform(x, x.machine->tick(clock_of(x)));
    if (x.machine)
      tick(x);
  });
}

void simulated_world::perform(node& n, decisions d) {
  for (auto lsn : d.unknown)
    counts_.unknown += n.proposed.erase(lsn);
  if (d.committed) {
    checker_.commits(n.name, n.committed, *d.committed);
    n.committed = *d.committed;
    auto end = n.proposed.upper_bound(*d.committed);
    for (auto i = n.proposed.begin(); i != end; i = n.proposed.erase(i)) {
      note([&] { return n.name + " acknowledges lsn " + std::to_string(i->first); });
      checker_.acknowledged(n.name, {i->second.epoch, i->first}, i->second.content);
      ++counts_.acknowledged;
      probe_acknowledged_ = probe_acknowledged_ || probes_.contains(i->second.content);
    }
  }
  if (d.quarantined)
    n.committed = 0;
  perform_writes(n, d);
  for (const auto& x : d.roles)
    if (x.role == replica_role::opening && random_.chance(climate_.disturb_opening))
      disturb_opening(n);
  for (const auto& x : d.sends)
    transmit(n.name, x);
  perform_roles(n, d);
  for (const auto& x : d.checkpoint)
    perform_checkpoint(n, x);
  if (d.settled)
    settled_ = std::max(settled_, *d.settled);
  if (d.wants_view) {
    note([&] { return n.name + " wants a view: " + d.wants_view->why; });
    wanted_ = std::max(wanted_, d.wants_view->epoch);
  }
  if (d.read_view)
    read_view(n);
  if (d.hand_over && d.hand_over->ready) {
    ++counts_.hand_overs;
    auto known = views_.back();
    if (known.epoch == n.machine->epoch()) {
      auto next = known;
      next.leader = d.hand_over->to;
      swap(known, next, "hand-over");
    }
  }
}

void simulated_world::perform_roles(node& n, const decisions& d) {
  for (const auto& x : d.roles) {
    note([&] {
      return n.name + " is " + to_string(x.role) + " in epoch " + std::to_string(x.epoch) + ": " +
             x.why;
    });
    counts_.suspensions += x.role == replica_role::suspended;
    counts_.fetches += x.role == replica_role::adopting;
    if (x.role == replica_role::serving)
      checker_.serves(n.name, n.incarnation, x.epoch, n.machine->applied_lsn());
    if (x.role == replica_role::follower && n.unhealthy && n.machine->role() == x.role &&
        !n.disk.is_damaged())
      n.unhealthy = false;
  }
  if (!d.quarantined)
    return;
  ++counts_.quarantines;
  if (!n.unhealthy)
    checker_.breaks("quarantine without damage", n.name + ": " + *d.quarantined);
  n.proposed.clear();
  n.handed_out = 0;
  on_node(n, random_delay(), [this](node& x) { tell_promises(x); });
}

/// A read of the meta store that is never stale.
void simulated_world::tell_promises(node& n) {
  if (meta_down_)
    return on_node(n, 100ms, [this](node& x) { tell_promises(x); });
  perform(n, n.machine->promised_at_most(views_.back().epoch, clock_of(n)));
}

// -- disks ----------------------------------------------------------------------------------------

void simulated_world::perform_writes(node& n, decisions& d) {
  for (auto& w : d.writes) {
    counts_.truncations += w.truncate_after.has_value();
    for (const auto& x : w.records)
      checker_.writes(n.name, x);
    auto operation = disk_operation{};
    if (w.install) {
      ++counts_.checkpoints;
      operation.rows = std::move(n.checkpoints[w.install_id]);
      n.checkpoints.erase(w.install_id);
      n.handed_out = w.install->lsn;
      checker_.installs(n.name, *w.install, operation.rows);
    }
    operation.write = std::move(w);
    submit(n, std::move(operation));
  }
  if (!d.apply.empty()) {
    for (const auto& x : d.apply) {
      checker_.applies(n.name, x, n.handed_out);
      n.handed_out = x.lsn;
    }
    auto operation = disk_operation{};
    operation.apply = std::move(d.apply);
    submit(n, std::move(operation));
  }
  if (d.trim) {
    auto operation = disk_operation{};
    operation.trim = d.trim;
    submit(n, std::move(operation));
  }
}

void simulated_world::submit(node& n, disk_operation x) {
  n.disk.submit(std::move(x));
  auto takes =
      static_cast<double>(climate_.sync.count()) * (0.5 + random_.unit()) * n.disk_slowness;
  n.disk_free = std::max(n.disk_free, now_) + instant{static_cast<std::int64_t>(takes)};
  n.disk_free = std::min(n.disk_free, now_ + most_disk_delay);
  on_node(n, n.disk_free - now_, [this](node& y) { disk_done(y); });
}

void simulated_world::disk_done(node& n) {
  if (n.failing) {
    perform(n, n.machine->disk_failed("no space", clock_of(n)));
    return crash_for(n, 200ms);
  }
  auto done = n.disk.complete();
  if (done.write.ticket != 0)
    perform(n, n.machine->persisted(done.write.ticket, clock_of(n)));
  if (!done.apply.empty())
    perform(n, n.machine->applied(done.apply.back().lsn, clock_of(n)));
}

// -- links ----------------------------------------------------------------------------------------

instant simulated_world::random_delay() {
  auto factor = random_.chance(climate_.late) ? 200.0 : 2.0;
  auto mean = static_cast<double>(climate_.delay.count());
  return instant{static_cast<std::int64_t>(mean * 0.2 + mean * factor * random_.unit())};
}

void simulated_world::transmit(const std::string& from, const outgoing& x) {
  ++counts_.messages;
  auto lost = cut_.contains({from, x.to}) || random_.chance(climate_.loss);
  note([&] { return from + " -> " + x.to + (lost ? " (lost) " : " ") + to_string(x.message); });
  if (lost) {
    ++counts_.lost_messages;
    return;
  }
  if (std::holds_alternative<fence_answer>(x.message) &&
      random_.chance(climate_.crash_after_promise))
    on_node(by_name(from), random_delay(), [this](node& n) { crash_for(n, random_delay()); });
  auto message = std::make_shared<const replica_message>(x.message);
  auto& to = by_name(x.to);
  for (auto copies = random_.chance(climate_.duplication) ? 2 : 1; copies > 0; --copies)
    at(random_delay(), [this, from, &to, message] {
      if (!to.machine)
        return;
      on_node(to, 0ns, [this, from, message](node& n) {
        note([&] { return n.name + " <- " + from + " " + to_string(*message); });
        perform(n, n.machine->receive(from, *message, clock_of(n)));
      });
    });
}

void simulated_world::perform_checkpoint(node& n, const checkpoint_step& x) {
  using kind = checkpoint_step::kind;
  switch (x.what) {
  case kind::open:
    n.checkpoints[x.id] = n.disk.rows();
    return on_node(n, random_delay(), [this, id = x.id, position = n.disk.applied()](node& y) {
      perform(y, y.machine->checkpoint_opened(id, position, clock_of(y)));
    });
  case kind::read:
    return on_node(n, random_delay(), [this, x](node& y) {
      auto found = y.checkpoints.find(x.id);
      if (found == y.checkpoints.end())
        return;
      const auto& rows = found->second;
      auto begin = std::min(rows.size(), x.chunk * rows_per_chunk);
      auto end = std::min(rows.size(), begin + rows_per_chunk);
      auto bytes = std::string(reinterpret_cast<const char*>(rows.data() + begin),
          (end - begin) * sizeof(simulated_row));
      perform(y, y.machine->chunk_read(x.id, x.chunk,
                     std::make_shared<const std::string>(std::move(bytes)), end == rows.size(),
                     clock_of(y)));
    });
  case kind::begin:
    n.checkpoints[x.id].clear();
    return;
  case kind::write: {
    auto& rows = n.checkpoints[x.id];
    auto old = rows.size();
    rows.resize(old + x.data->size() / sizeof(simulated_row));
    std::copy(x.data->begin(), x.data->end(), reinterpret_cast<char*>(rows.data() + old));
    return on_node(n, random_delay(), [this, id = x.id, chunk = x.chunk](node& y) {
      perform(y, y.machine->chunk_written(id, chunk, clock_of(y)));
    });
  }
  case kind::close:
    n.checkpoints.erase(x.id);
    return;
  }
}

// -- the meta store -------------------------------------------------------------------------------

/// Now, and again and again.
void simulated_world::read_views(node& n) {
  auto pause = static_cast<double>(climate_.read_pause.count()) * (0.5 + random_.unit());
  on_node(n, instant{static_cast<std::int64_t>(pause)}, [this](node& x) { read_views(x); });
  read_view(n);
}

/// Late, and often stale.
void simulated_world::read_view(node& n) {
  if (meta_down_ || now_ < n.blind_until)
    return;
  auto back = random_.chance(climate_.stale_read) ? random_.below(views_.size()) : 0;
  auto seen = views_[views_.size() - 1 - back];
  on_node(n, random_delay(),
      [this, seen](node& x) { perform(x, x.machine->learn(seen, clock_of(x))); });
}

void simulated_world::swap(const view& expected, view next, const char* who) {
  next.epoch = expected.epoch + 1;
  at(random_delay(), [this, expected, next, who] {
    auto settled = settled_ == expected.epoch;
    if (meta_down_ || views_.back().epoch != expected.epoch ||
        !wrong_with(next, expected, settled).empty())
      return;
    auto moves = !same_set(next.replicas, expected.replicas);
    if (moves && anybody_unhealthy())
      return;
    counts_.member_changes += moves;
    ++counts_.views;
    note([&] { return std::string{who} + " swaps to " + text_of(next); });
    views_.push_back(next);
  });
}

} // namespace shoal::cluster
