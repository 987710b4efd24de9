#include "actors/remote/gateway_share.hpp"

#include "actors/gateway/change.hpp"
#include "actors/registry/watched.hpp"
#include "actors/remote/wire_codec.hpp"
#include "storage/keys.hpp"
#include "storage/replica_table.hpp"

namespace shoal {

namespace {

constexpr std::uint32_t page_changes = 8;   ///< each at most gateway::max_change_bytes
constexpr std::uint32_t page_entries = 200; ///< most are some 100 bytes
constexpr std::size_t page_beats = 200;     ///< of a frame; most are some 50 bytes

} // namespace

std::uint64_t gateway_share_state::revision() const { return sv->gateway->load()->revision(); }

// -- changes -------------------------------------------------------------------------------------

gateway_outcome_ptr gateway_share_state::failed(ec code, const char* text) {
  return std::make_shared<const gateway::change_outcome>(
      gateway::change_outcome{code, text, 0, {}});
}

bool gateway_share_state::is_done(const gateway_outcome_ptr& x) {
  return x->code == ec::none && !x->rows.empty();
}

std::uint64_t gateway_share_state::version_of(const gateway_outcome_ptr& x) { return x->revision; }

caf::result<gateway_outcome_ptr> gateway_share_state::change(const gateway_change_ptr& x) {
  if (!x->beats.empty())
    return hear_beats(*x);
  return share_state::change(x);
}

// -- what nodes say ------------------------------------------------------------------------------

pb::Control gateway_share_state::announcement() const {
  pb::Control out;
  out.mutable_gateway()->set_epoch(led_since);
  out.mutable_gateway()->set_revision(revision());
  return out;
}

void gateway_share_state::hear(const std::string& from, const pb::Control& x) {
  if (x.has_gateway())
    heard(from, x.gateway());
  else if (x.has_gateway_have())
    has(from,
        [theirs = x.gateway_have().revision()](std::uint64_t ours) { return ours <= theirs; });
  else if (x.has_services())
    take_beats(x.services());
}

void gateway_share_state::heard(const std::string& from, const pb::GatewayVersion& x) {
  if (!follows(from, x.epoch()))
    return;
  heard_revision = x.revision();
  if (x.revision() == revision())
    return say_have(from);
  read();
}

void gateway_share_state::say_have(const std::string& to) {
  set_known();
  pb::Control out;
  out.mutable_gateway_have()->set_epoch(heard_epoch);
  out.mutable_gateway_have()->set_revision(revision());
  tell(to, out);
}

// -- instances of services ------------------------------------------------------------------------

gateway_outcome_ptr gateway_share_state::hear_beats(const gateway::change& x) {
  auto beats = x.beats;
  auto out = gateway::take_beats(sv->gateway->services, beats, sv->steady_ms());
  if (out.code == ec::none)
    for (auto& [node, peer] : sv->remote->peers())
      spread_beats(node, beats);
  return std::make_shared<const gateway::change_outcome>(std::move(out));
}

void gateway_share_state::spread_beats(
    const std::string& to, const std::vector<gateway::service_beat>& what) {
  for (auto i = std::size_t{0}; i < what.size(); i += page_beats) {
    pb::Control out;
    for (auto j = i; j < std::min(what.size(), i + page_beats); ++j)
      put(*out.mutable_services()->add_beats(), what[j]);
    tell(to, out);
  }
}

void gateway_share_state::take_beats(const pb::ServiceBeats& x) const {
  auto now = sv->steady_ms();
  for (auto& beat : x.beats())
    if (auto heard = beat_of(beat); gateway::problem_of(heard).empty())
      sv->gateway->services.take(heard, now);
}

void gateway_share_state::tell_newcomers() {
  std::erase_if(told, [&](auto& node) { return !sv->remote->ready(node); });
  for (auto& [node, peer] : sv->remote->peers())
    if (sv->remote->ready(node) && told.insert(node).second)
      spread_beats(node, sv->gateway->services.all(sv->steady_ms()));
}

// -- reading what is missing ---------------------------------------------------------------------

void gateway_share_state::ask_rows(std::string from, std::string to, std::uint32_t limit,
    void (gateway_share_state::*then)(const storage::write_batch&)) {
  self->request(sv->where.reader_for(partition_no{0}), sv->limit.call_timeout, atom::page::value,
          std::move(from), std::move(to), limit)
      .then(
          [this, then](const storage::write_batch& rows) {
            if (led_epoch() == now_reading->epoch)
              return (this->*then)(rows);
            now_reading.reset(); // led elsewhere meanwhile, or here: this is not the newest
          },
          [this](caf::error&) { now_reading.reset(); }); // the next announcement starts again
}

void gateway_share_state::read() {
  if (!now_reading)
    read_head();
}

void gateway_share_state::read_head() {
  now_reading = reading{};
  now_reading->epoch = led_epoch();
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
  lead(epoch);
}

void gateway_share_state::tick() {
  sv->gateway->services.sweep(sv->steady_ms());
  tell_newcomers();
  share_state::tick();
}

gateway_share_actor spawn_gateway_share(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors) {
  if (!services->remote->local_gateway_writer())
    services->remote->set_local_gateway_writer(services->where.gateway_writer());
  auto hdl = spawn_watched(
      sys, actors, below_root(actors, "", "gateway-share"), share<gateway_share_state>, services);
  services->remote->set_gateway_share(hdl);
  services->where.set_gateway_writer(caf::actor_cast<gateway_writer_actor>(hdl));
  return hdl;
}

} // namespace shoal
