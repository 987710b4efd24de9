#include "actors/replication/replicator.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include "actors/log.hpp"
#include "storage/keys.hpp"

namespace shoal {

namespace {

constexpr std::size_t frame_bytes = 1u << 20; // of one frame; a single message may be bigger
constexpr cluster::instant disk_rest = std::chrono::seconds{1};
constexpr unsigned complaint_trials = 60;
constexpr std::size_t trial_bytes = 64u << 10; // a few bytes fit on many a full disk

std::size_t size_of(const cluster::replica_message& x) {
  std::size_t out = 64;
  auto add = [&](const std::vector<cluster::log_record>& records) {
    for (auto& record : records)
      out += record.bytes();
  };
  if (auto* append = std::get_if<cluster::append_message>(&x))
    add(append->records);
  else if (auto* fetched = std::get_if<cluster::fetch_answer>(&x))
    add(fetched->records);
  else if (auto* chunk = std::get_if<cluster::checkpoint_chunk>(&x))
    out += chunk->data ? chunk->data->size() : 0;
  return out;
}

} // namespace

cluster::instant boot_time() {
  timespec x{};
  ::clock_gettime(CLOCK_BOOTTIME, &x);
  return std::chrono::seconds{x.tv_sec} + std::chrono::nanoseconds{x.tv_nsec};
}

partition_replica* replicator_state::find(partition_no no) {
  return raw(no) < replicas.size() ? replicas[raw(no)].get() : nullptr;
}

void replicator_state::start(replicator_options x) {
  opt = std::move(x);
  hooks = opt.hooks;
  auto hdl = caf::actor_cast<replicator_actor>(self);
  hooks.post = [hdl](
                   const disk_event& event) { caf::anon_send(hdl, atom::committed::value, event); };
  hooks.poke = [hdl](partition_no no) { caf::anon_send(hdl, atom::call::value, no); };
  opt.rules.checksum = checksum_of;
  replicas.resize(opt.partitions);
  for (std::uint16_t i = 0; i < opt.partitions; ++i) {
    auto no = partition_no{i};
    // The sender is the replica that speaks: its number is not in the message itself.
    auto own = std::make_shared<replica_hooks>(hooks);
    own->send = [this, no](const std::string& to, cluster::replica_message message) {
      outbox[to].push_back({no, std::move(message)});
    };
    replicas[i] = std::make_unique<partition_replica>(
        opt.self, no, *opt.services->db, *opt.services->log, opt.rules, own);
  }
  held_back = opt.hold_back;
  if (held_back)
    return;
  for (auto& replica : replicas)
    replica->start(opt.now(), false);
  flush();
}

caf::result<bool> replicator_state::judge(const disk_verdict& x) {
  for (auto& replica : replicas)
    if (held_back)
      replica->start(opt.now(), x.lost);
    else if (x.lost)
      replica->lose(opt.now());
  held_back = false;
  flush();
  // What the disk made of it is in the mailbox by now.
  auto reply = self->make_response_promise<bool>();
  self->request(caf::actor_cast<replicator_actor>(self), caf::infinite, atom::status::value)
      .then(
          [reply, lost = x.lost](const std::vector<replica_report>& all) mutable {
            auto rests = [](auto& one) { return one.rests; };
            reply.deliver(!lost || std::none_of(all.begin(), all.end(), rests));
          },
          [reply](caf::error&) mutable { reply.deliver(false); });
  return reply;
}

/// All replicas share the disk: one trial for all of them.
void replicator_state::wake_resting() {
  auto now = opt.now();
  auto rests = [](auto& x) { return x->rests(); };
  if (std::none_of(replicas.begin(), replicas.end(), rests)) {
    trial_at = {};
    return;
  }
  if (trial_at == cluster::instant{})
    trial_at = now + disk_rest;
  if (now < trial_at)
    return;
  trial_at = now + disk_rest;
  if (!disk_takes_writes()) {
    // Those that were asked to write nothing do not know yet, and may not be able to read.
    for (auto& replica : replicas)
      if (!replica->rests())
        replica->rest("the disk takes no writes", now);
    return complain();
  }
  failed_trials = 0;
  for (auto& replica : replicas)
    if (replica->rests())
      replica->wake(now);
}

void replicator_state::complain() {
  if (failed_trials++ % complaint_trials == 0)
    log::error("the disk takes no writes, and this node leads nothing: make space; if the store is "
               "damaged, stop the node, empty its data folder and start it, the others fill it");
}

bool replicator_state::disk_takes_writes() const {
  auto key = storage::identity_key("trial");
  storage::write_batch rows;
  rows.put(key, std::string(trial_bytes, '.'));
  rows.erase(key);
  return opt.services->db->write(rows, true) == ec::none;
}

void replicator_state::take(const replication_frame& x) {
  std::vector<cluster::addressed_message> messages;
  auto whole = cluster::decode_replica_frame(x.bytes, messages);
  if (!whole)
    log::warn("a replication frame cannot be read", {{"from", x.from}, {"bytes", x.bytes.size()}});
  for (auto& message : messages)
    if (auto* replica = find(message.partition))
      replica->receive(x.from, message.message, opt.now());
  flush_soon();
}

/// What was handed in meanwhile shares the frames: it is in the mailbox, before this.
void replicator_state::flush_soon() {
  if (!std::exchange(flush_is_due, true))
    self->send(self, atom::flush::value);
}

void replicator_state::flush() {
  flush_is_due = false;
  for (auto& [to, messages] : outbox) {
    std::vector<cluster::addressed_message> part;
    std::size_t bytes = 0;
    for (auto& message : messages) {
      auto size = size_of(message.message);
      if (!part.empty() && bytes + size > frame_bytes) {
        opt.send(to, cluster::encode_replica_frame(part)); // if it is dropped, it is sent again
        part.clear();
        bytes = 0;
      }
      bytes += size;
      part.push_back(std::move(message));
    }
    if (!part.empty())
      opt.send(to, cluster::encode_replica_frame(part));
    messages.clear();
  }
}

void replicator_state::tick() {
  auto now = opt.now();
  wake_resting();
  for (auto& replica : replicas)
    replica->tick(now);
  flush();
  self->delayed_send(self,
      std::chrono::duration_cast<std::chrono::milliseconds>(opt.rules.heartbeat / 3),
      atom::tick::value);
}

std::vector<replica_report> replicator_state::report() const {
  std::vector<replica_report> out;
  for (std::size_t i = 0; i < replicas.size(); ++i)
    out.push_back(
        {partition_no{static_cast<std::uint16_t>(i)}, replicas[i]->status(), replicas[i]->rests()});
  return out;
}

replicator_actor::behavior_type replicator(
    replicator_actor::stateful_pointer<replicator_state> self, replicator_options options) {
  self->state.start(std::move(options));
  self->send(self, atom::tick::value);
  return {
      [self](atom::frame, const replication_frame& x) { self->state.take(x); },
      [self](atom::change, const std::vector<replica_view>& news) {
        auto& st = self->state;
        for (auto& x : news)
          if (auto* replica = st.find(x.partition))
            replica->learn(x.view, st.opt.now());
        st.flush_soon();
      },
      [self](atom::report, const std::vector<replica_view>& fresh) {
        auto& st = self->state;
        for (auto& x : fresh)
          if (auto* replica = st.find(x.partition); replica && replica->quarantined())
            replica->promised_at_most(x.view.epoch, st.opt.now());
        st.flush_soon();
      },
      [self](atom::moved, partition_no no, const std::string& to) {
        auto& st = self->state;
        if (auto* replica = st.find(no))
          replica->hand_over(to, st.opt.now());
        st.flush_soon();
      },
      [self](atom::status) { return self->state.report(); },
      [self](atom::online, const disk_verdict& x) { return self->state.judge(x); },
      [self](atom::call, partition_no no) {
        auto& st = self->state;
        if (auto* replica = st.find(no))
          replica->work(st.opt.now());
        st.flush_soon();
      },
      [self](atom::committed, const disk_event& x) {
        auto& st = self->state;
        if (auto* replica = st.find(x.partition))
          replica->happened(x, st.opt.now());
        st.flush_soon();
      },
      [self](atom::flush) { self->state.flush(); },
      [self](atom::tick) { self->state.tick(); },
  };
}

} // namespace shoal
