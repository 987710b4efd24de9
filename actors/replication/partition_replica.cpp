#include "actors/replication/partition_replica.hpp"

#include "actors/log.hpp"

namespace shoal {

using cluster::decisions;
using cluster::instant;

namespace {

constexpr instant lazy_delay = std::chrono::milliseconds{200};

bool leads(cluster::replica_role x) {
  return x == cluster::replica_role::serving || x == cluster::replica_role::suspended ||
         x == cluster::replica_role::handing_over;
}

} // namespace

partition_replica::partition_replica(std::string self, partition_no partition,
    storage::database& db, storage::commit_log& log, const cluster::replica_options& options,
    std::shared_ptr<const replica_hooks> hooks)
    : self_{std::move(self)},
      partition_{partition}, db_{db}, log_{log}, options_{options}, hooks_{std::move(hooks)} {}

partition_replica::~partition_replica() { stop_serving("the node stops"); }

void partition_replica::start(instant now, bool lost) {
  lost_ = lost;
  load(now);
}

void partition_replica::lose(instant now) {
  lost_ = true;
  if (rules_)
    carry_out(rules_->damaged("its disk is not the one that made its promises", now), now);
  else
    load(now);
}

void partition_replica::wake(instant now) { load(now); }

void partition_replica::load(instant now) {
  ++life_;
  wipe_ticket_ = 0;
  resting_ = false;
  auto event = [this, life = life_](disk_event::kind what) {
    return disk_event{partition_, life, what, 0, 0, ec::none};
  };
  // The hooks outlive the commit log's last answer; this object may not.
  disk_ = std::make_unique<replica_disk>(db_, log_, partition_,
      disk_events{[post = hooks_->post, x = event(disk_event::kind::persisted)](
                      std::uint64_t ticket, ec code) mutable {
                    x.number = ticket;
                    x.code = code;
                    post(x);
                  },
          [post = hooks_->post, x = event(disk_event::kind::applied)](
              std::uint64_t lsn, ec code) mutable {
            x.number = lsn;
            x.code = code;
            post(x);
          },
          [post = hooks_->post, x = event(disk_event::kind::staged)](
              std::uint64_t checkpoint, std::uint64_t chunk, ec code) mutable {
            x.number = chunk;
            x.checkpoint = checkpoint;
            x.code = code;
            post(x);
          }});
  cluster::durable_state found;
  if (auto code = disk_->load(found); code != ec::none)
    return fail("its log cannot be read: " + std::string{to_string(code)});
  found.damaged = found.damaged || lost_;
  rules_ = std::make_unique<cluster::replica>(self_, options_, *disk_);
  carry_out(rules_->start(found, now), now);
  if (rules_ && view_)
    carry_out(rules_->learn(*view_, now), now);
}

void partition_replica::learn(const cluster::view& x, instant now) {
  if (!view_ || x.epoch > view_->epoch)
    view_ = x;
  if (rules_)
    carry_out(rules_->learn(x, now), now);
}

void partition_replica::receive(
    const std::string& from, const cluster::replica_message& x, instant now) {
  if (rules_)
    carry_out(rules_->receive(from, x, now), now);
}

void partition_replica::happened(const disk_event& x, instant now) {
  if (!rules_ || x.life != life_)
    return;
  if (x.code == ec::quarantined)
    return carry_out(rules_->damaged("a record cannot be applied", now), now);
  if (x.code != ec::none)
    return rest("a write failed: " + std::string{to_string(x.code)}, now);
  switch (x.what) {
  case disk_event::kind::persisted:
    if (wipe_ticket_ != 0 && x.number >= wipe_ticket_)
      lost_ = false; // from here on the disk itself says that it is damaged
    carry_out(rules_->persisted(x.number, now), now);
    break;
  case disk_event::kind::applied:
    if (serving_)
      serving_->applied(x.number);
    carry_out(rules_->applied(x.number, now), now);
    break;
  case disk_event::kind::staged:
    carry_out(rules_->chunk_written(x.checkpoint, x.number, now), now);
    break;
  }
  work(now);
}

void partition_replica::tick(instant now) {
  if (!rules_)
    return;
  disk_->retry();
  carry_out(rules_->tick(now), now);
  auto lazy = now - lazy_since_ >= lazy_delay;
  if (lazy)
    lazy_since_ = now;
  propose(lazy, now);
}

void partition_replica::hand_over(const std::string& to, instant now) {
  if (rules_)
    carry_out(rules_->hand_over(to, now), now);
}

void partition_replica::promised_at_most(std::uint64_t epoch, instant now) {
  quarantined_ = false;
  if (rules_)
    carry_out(rules_->promised_at_most(epoch, now), now);
}

cluster::replica_status partition_replica::status() const {
  return rules_ ? rules_->status() : cluster::replica_status{};
}

// -- proposals -----------------------------------------------------------------------------------

void partition_replica::work(instant now) { propose(false, now); }

void partition_replica::propose(bool with_lazy, instant now) {
  while (rules_ && serving_ && rules_->role() == cluster::replica_role::serving) {
    if (!held_) {
      held_.emplace();
      if (!serving_->take(*held_, with_lazy)) {
        held_.reset();
        return;
      }
    }
    auto result = rules_->propose(held_->payload, now);
    auto accepted = result.refused == cluster::refusal::none;
    if (accepted) {
      serving_->proposed(result.position.lsn, std::move(held_->waiting));
      held_.reset();
    }
    carry_out(std::move(result.out), now);
    if (!accepted)
      return; // full, or about to stop: what is held is tried again, or answered when serving ends
  }
}

// -- decisions -----------------------------------------------------------------------------------

void partition_replica::carry_out(decisions x, instant now) {
  for (auto& write : x.writes) {
    if (write.wipe)
      wipe_ticket_ = write.ticket;
    disk_->write(write);
  }
  if (!x.apply.empty())
    disk_->apply(x.apply);
  for (auto& out : x.sends)
    hooks_->send(out.to, std::move(out.message));
  if (x.trim)
    disk_->trim(*x.trim);
  for (auto& role : x.roles)
    change_role(role);
  if (x.settled)
    hooks_->settled(partition_, *x.settled);
  if (x.hand_over)
    hooks_->handed_over(partition_, *x.hand_over);
  if (x.quarantined) {
    quarantined_ = true;
    log::error("replica is damaged and will be refilled",
        {{"partition", raw(partition_)}, {"why", *x.quarantined}});
  }
  if (x.read_view || x.quarantined)
    hooks_->read_view(partition_);
  if (x.wants_view)
    hooks_->wants_view(partition_, *x.wants_view);
  for (auto& step : x.checkpoint)
    carry_out(step, now);
}

void partition_replica::carry_out(const cluster::checkpoint_step& x, instant now) {
  using kind = cluster::checkpoint_step::kind;
  switch (x.what) {
  case kind::open:
    return carry_out(rules_->checkpoint_opened(x.id, disk_->open_checkpoint(x.id), now), now);
  case kind::read: {
    std::shared_ptr<const std::string> data;
    auto is_last = false;
    if (!disk_->read_chunk(x.id, x.chunk, data, is_last))
      return; // it asks again, or starts over
    return carry_out(rules_->chunk_read(x.id, x.chunk, std::move(data), is_last, now), now);
  }
  case kind::close:
    return disk_->close_checkpoint(x.id);
  case kind::begin:
    return disk_->begin_receiving(x.id);
  case kind::write:
    return disk_->stage(x.id, x.chunk, *x.data);
  }
}

void partition_replica::change_role(const cluster::role_change& x) {
  log::debug("replica", {{"partition", raw(partition_)}, {"role", to_string(x.role)},
                            {"epoch", x.epoch}, {"why", x.why}});
  if (!leads(x.role))
    return stop_serving(x.why);
  if (x.role != cluster::replica_role::serving || serving_)
    return;
  serving_ = std::make_shared<replicated_log>(
      [poke = hooks_->poke, no = partition_] { poke(no); }, replicated_log::options{});
  hooks_->serving(partition_, x.epoch, serving_);
}

void partition_replica::stop_serving(const std::string& why) {
  if (!serving_)
    return;
  if (held_)
    for (auto& done : held_->waiting)
      done(ec::moving);
  held_.reset();
  serving_->stop();
  serving_.reset();
  hooks_->stopped(partition_, why);
}

void partition_replica::rest(const std::string& why, instant now) {
  if (!rules_)
    return;
  carry_out(rules_->disk_failed(why, now), now);
  fail(why);
}

void partition_replica::fail(const std::string& why) {
  log::error("replica stops", {{"partition", raw(partition_)}, {"why", why}});
  stop_serving(why);
  rules_.reset();
  resting_ = true;
}

} // namespace shoal
