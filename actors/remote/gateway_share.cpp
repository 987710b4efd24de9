#include "actors/remote/gateway_share.hpp"

#include "actors/gateway/change.hpp"
#include "actors/log.hpp"
#include "actors/registry/watched.hpp"
#include "actors/remote/wire_codec.hpp"
#include "storage/keys.hpp"
#include "storage/replica_table.hpp"

namespace shoal {

namespace {

constexpr auto announce_interval = std::chrono::seconds{1};
constexpr auto settle_interval = std::chrono::milliseconds{100};
constexpr std::uint32_t page_changes = 8;   ///< each at most gateway::max_change_bytes
constexpr std::uint32_t page_entries = 200; ///< most are some 100 bytes
constexpr std::size_t max_waiting = 64;
constexpr std::size_t page_beats = 200; ///< of a frame; most are some 50 bytes

gateway_outcome_ptr failed(ec code, const char* text) {
  return std::make_shared<const gateway::change_outcome>(
      gateway::change_outcome{code, text, 0, {}});
}

} // namespace

std::uint64_t gateway_share_state::revision() const { return sv->gateway->load()->revision(); }

// -- changes -------------------------------------------------------------------------------------

caf::result<gateway_outcome_ptr> gateway_share_state::change(const gateway_change_ptr& x) {
  if (!x->beats.empty())
    return hear(*x);
  auto reply = self->make_response_promise<gateway_outcome_ptr>();
  auto epoch = sv->where.led_epoch(partition_no{0});
  if (epoch == 0) {
    forward(x, reply);
  } else if (epoch == led_since) {
    make(x, reply);
  } else if (waiting.size() < max_waiting) {
    waiting.emplace_back(x, reply);
    tick();
  } else {
    reply.deliver(failed(ec::overloaded, "too many changes of the gateway wait"));
  }
  return reply;
}

void gateway_share_state::forward(const gateway_change_ptr& x, promise reply) {
  auto stand_in = caf::actor_cast<gateway_writer_actor>(sv->where.partition(partition_no{0}));
  self->request(stand_in, sv->limit.call_timeout, atom::change::value, x)
      .then([reply](const gateway_outcome_ptr& done) mutable { reply.deliver(done); },
          [reply](caf::error&) mutable {
            reply.deliver(failed(
                ec::outcome_unknown, "the leader did not answer in time; look before you repeat"));
          });
}

void gateway_share_state::make(const gateway_change_ptr& x, promise reply) {
  self->request(sv->remote->local_gateway_writer(), sv->limit.call_timeout, atom::change::value, x)
      .then([this, reply](const gateway_outcome_ptr& done) { made(done, reply); },
          [reply](caf::error&) mutable {
            reply.deliver(failed(
                ec::outcome_unknown, "the log did not answer in time; look before you repeat"));
          });
}

void gateway_share_state::made(const gateway_outcome_ptr& x, promise reply) {
  if (x->code != ec::none || x->rows.empty()) {
    reply.deliver(x);
    return;
  }
  spreading s{reply, x, {}, self->clock().now() + sv->limit.catalog_patience};
  for (auto& [node, peer] : sv->remote->peers())
    if (sv->remote->ready(node))
      s.missing.insert(node);
  spread.push_back(std::move(s));
  announce();
  settle(self->clock().now());
  if (spread.size() == 1)
    remind();
}

void gateway_share_state::settle(time_point now) {
  std::erase_if(spread, [&](spreading& s) {
    std::erase_if(s.missing, [&](auto& node) { return !sv->remote->ready(node); });
    if (!s.missing.empty() && now < s.deadline)
      return false;
    s.reply.deliver(s.outcome);
    return true;
  });
}

void gateway_share_state::remind() {
  self->delayed_send(self, settle_interval, atom::frame::value, std::string{}, std::string{});
}

// -- what other nodes say ------------------------------------------------------------------------

void gateway_share_state::frame(const std::string& from, const std::string& body) {
  if (from.empty()) { // our own reminder
    settle(self->clock().now());
    if (!spread.empty())
      remind();
    return;
  }
  pb::Control in;
  if (!in.ParseFromString(body))
    return shoal::log::warn("a control frame cannot be read", {{"node", from}});
  if (in.has_gateway())
    heard(from, in.gateway());
  else if (in.has_gateway_have())
    has(from, in.gateway_have());
  else if (in.has_services())
    take_beats(in.services());
}

void gateway_share_state::heard(const std::string& from, const pb::GatewayVersion& x) {
  if (x.epoch() < heard_epoch || sv->where.led_epoch(partition_no{0}) != 0)
    return;
  heard_epoch = x.epoch();
  heard_revision = x.revision();
  announcer = from;
  if (x.revision() == revision())
    return say_have(from);
  if (!now_reading)
    read_head();
}

void gateway_share_state::has(const std::string& from, const pb::GatewayVersion& x) {
  for (auto& s : spread)
    if (s.outcome->revision <= x.revision())
      s.missing.erase(from);
  settle(self->clock().now());
}

void gateway_share_state::announce() {
  pb::Control out;
  out.mutable_gateway()->set_epoch(led_since);
  out.mutable_gateway()->set_revision(revision());
  auto body = out.SerializeAsString();
  for (auto& [node, peer] : sv->remote->peers())
    sv->remote->send(node, cluster::traffic::control, body);
}

void gateway_share_state::say_have(const std::string& to) {
  sv->remote->set_knows_gateway();
  pb::Control out;
  out.mutable_gateway_have()->set_epoch(heard_epoch);
  out.mutable_gateway_have()->set_revision(revision());
  sv->remote->send(to, cluster::traffic::control, out.SerializeAsString());
}

// -- instances of services ------------------------------------------------------------------------

gateway_outcome_ptr gateway_share_state::hear(const gateway::change& x) {
  auto beats = x.beats;
  auto out = gateway::take_beats(sv->gateway->services, beats, sv->now_ms());
  if (out.code == ec::none)
    for (auto& [node, peer] : sv->remote->peers())
      spread_beats(node, beats);
  return std::make_shared<const gateway::change_outcome>(std::move(out));
}

void gateway_share_state::spread_beats(
    const std::string& to, const std::vector<gateway::service_beat>& what) const {
  for (auto i = std::size_t{0}; i < what.size(); i += page_beats) {
    pb::Control out;
    for (auto j = i; j < std::min(what.size(), i + page_beats); ++j)
      put(*out.mutable_services()->add_beats(), what[j]);
    sv->remote->send(to, cluster::traffic::control, out.SerializeAsString());
  }
}

void gateway_share_state::take_beats(const pb::ServiceBeats& x) const {
  auto now = sv->now_ms();
  for (auto& beat : x.beats())
    if (auto heard = beat_of(beat); gateway::problem_of(heard).empty())
      sv->gateway->services.take(heard, now);
}

void gateway_share_state::tell_newcomers() {
  std::erase_if(told, [&](auto& node) { return !sv->remote->ready(node); });
  for (auto& [node, peer] : sv->remote->peers())
    if (sv->remote->ready(node) && told.insert(node).second)
      spread_beats(node, sv->gateway->services.all(sv->now_ms()));
}

// -- reading what is missing ---------------------------------------------------------------------

void gateway_share_state::ask_rows(std::string from, std::string to, std::uint32_t limit,
    void (gateway_share_state::*then)(const storage::write_batch&)) {
  self->request(sv->where.reader_for(partition_no{0}), sv->limit.call_timeout, atom::page::value,
          std::move(from), std::move(to), limit)
      .then(
          [this, then](const storage::write_batch& rows) {
            if (sv->where.led_epoch(partition_no{0}) == now_reading->epoch)
              return (this->*then)(rows);
            now_reading.reset(); // led elsewhere meanwhile, or here: this is not the newest
          },
          [this](caf::error&) { now_reading.reset(); }); // the next announcement starts again
}

void gateway_share_state::read_head() {
  now_reading.emplace();
  now_reading->epoch = sv->where.led_epoch(partition_no{0});
  if (now_reading->epoch == 0 && heard_revision > revision()) {
    now_reading->head.revision = heard_revision; // the leader said so; it saves a question
    return read_changes();
  }
  auto key = storage::gateway_head_key();
  ask_rows(key, storage::prefix_end(key), 1, &gateway_share_state::take_head);
}

void gateway_share_state::take_head(const storage::write_batch& rows) {
  auto& head = now_reading->head;
  head = {};
  if (!rows.empty() && !storage::decode(rows.rows()[0].value, rows.rows()[0].key, head)) {
    shoal::log::error("the head of the gateway's definitions is damaged", {});
    now_reading.reset();
    return;
  }
  if (now_reading->building || head.revision < revision()) {
    now_reading->building = gateway::registry{};
    return read_all(storage::gateway_entry_prefix());
  }
  head.revision == revision() ? done_reading() : read_changes();
}

void gateway_share_state::read_changes() {
  ask_rows(storage::gateway_change_key(revision() + 1),
      storage::prefix_end(storage::gateway_change_prefix()), page_changes,
      &gateway_share_state::take_changes);
}

void gateway_share_state::take_changes(const storage::write_batch& rows) {
  auto next = *sv->gateway->load();
  auto good = !rows.empty();
  for (auto& row : rows.rows()) {
    storage::gateway_change_record record;
    storage::write_batch change;
    auto at = next.revision() + 1;
    good = good && row.key == storage::gateway_change_key(at) &&
           storage::decode(row.value, row.key, record) &&
           storage::decode_rows(record.rows, change) && gateway::apply_rows(next, change);
    if (good)
      next = next.at(at, record.next_id);
  }
  if (!good) { // too far behind, or damaged: the definitions themselves say it all
    now_reading->building.emplace();
    auto key = storage::gateway_head_key();
    return ask_rows(key, storage::prefix_end(key), 1, &gateway_share_state::take_head);
  }
  sv->gateway->store(std::make_shared<const gateway::registry>(std::move(next)));
  revision() < now_reading->head.revision ? read_changes() : done_reading();
}

void gateway_share_state::read_all(std::string from_key) {
  ask_rows(std::move(from_key), storage::prefix_end(storage::gateway_entry_prefix()), page_entries,
      &gateway_share_state::take_all);
}

void gateway_share_state::take_all(const storage::write_batch& rows) {
  if (!gateway::apply_rows(*now_reading->building, rows)) {
    shoal::log::error("gateway's definitions not taken over", {{"why", "a row is damaged"}});
    now_reading.reset();
    return;
  }
  if (!rows.empty())
    return read_all(rows.rows().back().key + '\0');
  // Definitions that changed while they were read are in the changes since the head; read twice
  // they are the same.
  auto& head = now_reading->head;
  sv->gateway->store(std::make_shared<const gateway::registry>(
      now_reading->building->at(head.revision, head.next_id)));
  done_reading();
}

void gateway_share_state::done_reading() {
  auto epoch = now_reading->epoch;
  now_reading.reset();
  if (epoch == 0) {
    say_have(announcer);
    if (heard_revision > revision()) // more was announced meanwhile
      read_head();
    return;
  }
  led_since = epoch;
  sv->remote->set_knows_gateway();
  announce();
  auto all = std::move(waiting);
  waiting.clear();
  for (auto& [x, reply] : all)
    make(x, reply);
}

// -- time ----------------------------------------------------------------------------------------

void gateway_share_state::tick() {
  sv->gateway->services.sweep(sv->now_ms());
  tell_newcomers();
  auto epoch = sv->where.led_epoch(partition_no{0});
  if (epoch == 0) {
    led_since = 0;
    auto all = std::move(waiting);
    waiting.clear();
    for (auto& [x, reply] : all)
      forward(x, reply);
  } else if (epoch == led_since) {
    announce();
  } else if (!now_reading) {
    read_head();
  }
}

gateway_share_actor::behavior_type gateway_share(
    gateway_share_actor::stateful_pointer<gateway_share_state> self, services_ptr services) {
  self->state.sv = std::move(services);
  self->delayed_send(self, announce_interval, atom::tick::value);
  return {
      [self](atom::change, const gateway_change_ptr& x) { return self->state.change(x); },
      [self](atom::frame, const std::string& from, const std::string& body) {
        self->state.frame(from, body);
      },
      [self](atom::tick) {
        self->state.tick();
        self->delayed_send(self, announce_interval, atom::tick::value);
      },
  };
}

gateway_share_actor spawn_gateway_share(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors) {
  if (!services->remote->local_gateway_writer())
    services->remote->set_local_gateway_writer(services->where.gateway_writer());
  auto hdl =
      spawn_watched(sys, actors, below_root(actors, "", "gateway-share"), gateway_share, services);
  services->remote->set_gateway_share(hdl);
  services->where.set_gateway_writer(caf::actor_cast<gateway_writer_actor>(hdl));
  return hdl;
}

} // namespace shoal
