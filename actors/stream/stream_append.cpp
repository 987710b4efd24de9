// How a stream appends: learn what is missing, assign ids, write, answer. The data is in
// stream_state.hpp.
#include "actors/log.hpp"
#include "actors/stream/stream_state.hpp"
#include "storage/keys.hpp"

namespace shoal {

namespace {

constexpr std::int64_t ms_per_hour = 3'600'000;

std::uint32_t hour_of(std::int64_t ms) { return static_cast<std::uint32_t>(ms / ms_per_hour); }

} // namespace

// -- order ---------------------------------------------------------------------------------------

void stream_state::append(append_call call) {
  if (leaving)
    return answer_all(call, ec::moving);
  if (failing != ec::none)
    return answer_all(call, failing);
  if (pending_items + waiting_items + call.items.size() > sv->limit.pending_ops)
    return answer_all(call, ec::overloaded);
  if (!waiting.empty() || !resolve(call)) {
    waiting_items += call.items.size();
    waiting.push_back(std::move(call));
    return;
  }
  execute(std::move(call));
}

bool stream_state::resolve(const append_call& call) {
  std::vector<std::string> unread;
  biz_ptr unread_of;
  for (auto& item : call.items) {
    if (try_open(item.biz) == nullptr) {
      read_slot(
          item.biz, [this](slot* s) { s == nullptr ? refuse_head(ec::storage_failed) : resume(); });
      return false;
    }
    auto& client_key = item.op.client_key;
    if (client_key.empty() || !item.biz->persistent ||
        known_keys.contains({item.biz->no, client_key}))
      continue;
    auto row = storage::idempotency_key(part, {key.app, key.who, item.biz->no}, client_key);
    std::string value;
    auto found = sv->db->try_get(row, value);
    if (found == storage::lookup::unknown || found == storage::lookup::failed) {
      if (unread_of && unread_of != item.biz)
        continue; // its turn comes when these are read
      unread_of = item.biz;
      unread.push_back(client_key);
      continue;
    }
    std::uint64_t id = 0;
    std::int64_t time_ms = 0;
    if (found == storage::lookup::found && storage::decode_idempotency(value, row, id, time_ms))
      known_keys[{item.biz->no, client_key}] = id;
  }
  if (unread.empty())
    return true;
  read_keys(call, unread_of, unread);
  return false;
}

void stream_state::read_keys(
    const append_call& call, const biz_ptr& biz, const std::vector<std::string>& keys) {
  self->request(sv->where.reader(), sv->limit.read_timeout, atom::load::value,
          key_query{{call.app, key.who, biz->no}, keys})
      .then(
          [this, biz, keys](const stored_keys& x) {
            if (x.code != ec::none || x.ids.size() != keys.size())
              return refuse_head(ec::storage_failed);
            for (std::size_t i = 0; i < keys.size(); ++i)
              known_keys.try_emplace({biz->no, keys[i]}, x.ids[i]); // see publish
            resume();
          },
          [this](caf::error&) { refuse_head(ec::storage_failed); });
}

void stream_state::refuse_head(ec code) {
  known_keys.clear();
  if (!waiting.empty()) {
    waiting_items -= waiting.front().items.size();
    answer_all(waiting.front(), code);
    waiting.pop_front();
  }
  resume();
  arm();
}

void stream_state::resume() {
  while (!waiting.empty() && resolve(waiting.front())) {
    auto call = std::move(waiting.front());
    waiting.pop_front();
    waiting_items -= call.items.size();
    if (failing != ec::none)
      answer_all(call, failing);
    else
      execute(std::move(call));
  }
}

// -- one call ------------------------------------------------------------------------------------

void stream_state::execute(append_call call) {
  pending_call p;
  p.accepted_us = steady_us();
  p.client = call.client;
  p.answer.call = call.call;
  p.answer.results.reserve(call.items.size());
  storage::write_batch rows;
  for (auto& item : call.items)
    p.answer.results.push_back(append_one(item, p, rows));
  known_keys.clear();
  if (!rows.empty()) {
    finish_rows(p, rows);
    if (auto code = submit(p, std::move(rows)); code != ec::none) {
      take_back(p);
      fail(p, code);
      return arm();
    }
  } else if (pending.empty()) {
    answer(p);
    return arm();
  }
  pending_items += p.answer.results.size();
  pending.push_back(std::move(p));
}

/// Behind what is under way. If it is taken, the answer is `committed`, with its token.
ec stream_state::submit(pending_call& p, storage::write_batch rows) {
  p.token = next_token++;
  if (in_flight == 0)
    failures_seen = log->failures();
  auto done = [hdl = caf::actor_cast<commit_client_actor>(self), token = p.token](ec code) {
    caf::anon_send(hdl, atom::committed::value, commit_result{token, code});
  };
  auto code = log->submit(std::move(rows), failures_seen, std::move(done));
  in_flight += code == ec::none ? 1 : 0;
  return code;
}

append_result stream_state::append_one(
    append_item& item, pending_call& p, storage::write_batch& rows) {
  auto refused = [&](ec code) {
    ++sv->count->append_refused;
    return append_result{item.index, code, {}, false, 0};
  };
  auto& s = *find(item.biz->no);
  auto& ids = s.log;
  if (s.quarantined)
    return refused(ec::quarantined);
  if (!item.biz->online)
    return refused(ec::biz_offline);
  if (item.check_online && s.listeners.empty())
    return refused(ec::target_offline);
  if (!item.biz->persistent)
    return append_ephemeral(s, item);
  if (auto id = known_id(s, item.op.client_key); id != 0) {
    ++sv->count->append_repeats;
    return {item.index, ec::none, {ids.epoch(), id}, true, 0};
  }
  auto now = sv->now_ms();
  auto keep_until = now + std::int64_t{item.biz->retention_s} * 1000;
  item.op.time_ms = now;
  if (item.op.valid_until_ms == 0 || item.op.valid_until_ms > keep_until)
    item.op.valid_until_ms = keep_until;
  auto op = ids.assign(std::move(item.op));
  auto id = key_of(s);
  auto op_row = storage::op_key(part, id, op->id);
  auto op_value = storage::encode(*op, op_row);
  rows.put(std::move(op_row), std::move(op_value));
  if (!op->client_key.empty()) {
    auto key_row = storage::idempotency_key(part, id, op->client_key);
    auto key_value = storage::encode_idempotency(op->id, now, key_row);
    rows.put(std::move(key_row), std::move(key_value));
  }
  if (p.upto.empty() || p.upto.back().biz != item.biz->no)
    p.upto.push_back({item.biz->no, op->id, op->id, false});
  else
    p.upto.back().last = op->id;
  p.upto.back().keyed = p.upto.back().keyed || !op->client_key.empty();
  return {item.index, ec::none, {ids.epoch(), op->id}, false,
      static_cast<std::uint32_t>(s.listeners.size())};
}

std::uint64_t stream_state::known_id(slot& s, const std::string& client_key) const {
  if (client_key.empty())
    return 0;
  if (auto id = s.log.pending_id(client_key); id != 0)
    return id;
  auto i = known_keys.find({s.log.biz()->no, client_key});
  return i == known_keys.end() ? 0 : i->second;
}

append_result stream_state::append_ephemeral(slot& s, append_item& item) {
  item.op.id = 0;
  item.op.time_ms = sv->now_ms();
  auto op = std::make_shared<const storage::op_record>(std::move(item.op));
  auto batch = std::make_shared<const op_batch>(
      item.biz, 0, 0, 0, std::vector<storage::op_ptr>{std::move(op)}, steady_us());
  for (auto& x : s.listeners)
    self->send(x.sink, atom::ops::value, feed_ops{x.feed, batch, false, 0, ec::none});
  ++sv->count->ephemeral_ops;
  return {item.index, ec::none, {}, false, static_cast<std::uint32_t>(s.listeners.size())};
}

void stream_state::finish_rows(pending_call& p, storage::write_batch& rows) {
  for (auto& run : p.upto) {
    auto& s = *find(run.biz);
    auto row = storage::stream_meta_key(part, key_of(s));
    rows.put(row, storage::encode(s.log.meta(), row));
    add_sweep_rows(s, run.keyed, rows);
  }
}

void stream_state::add_sweep_rows(slot& s, bool keyed, storage::write_batch& rows) {
  auto now = sv->now_ms();
  auto due = hour_of(now + std::int64_t{s.log.biz()->retention_s} * 1000) + 1;
  if (s.log.last_sweep_hour != due) {
    s.log.last_sweep_hour = due;
    rows.put(storage::sweep_key(part, due, key_of(s)), {});
  }
  // What is acknowledged may go earlier than it expires, what has a key must stay longer if that
  // expires early.
  auto one_reader = s.log.biz()->target == biz_target::device || !s.log.biz()->multi_device;
  auto key_due = hour_of(now + std::chrono::milliseconds{sv->limit.keep_keys}.count()) + 1;
  auto wanted = key_due < due ? one_reader : keyed && key_due > due;
  if (wanted && s.log.last_key_sweep_hour != key_due) {
    s.log.last_key_sweep_hour = key_due;
    rows.put(storage::sweep_key(part, key_due, key_of(s)), {});
  }
}

// -- outcomes ------------------------------------------------------------------------------------

void stream_state::committed(const commit_result& result) {
  if (result.token == log_is_there)
    return log_came();
  for (auto& p : pending)
    if (p.token == result.token)
      p.outcome = result.code;
  while (!pending.empty() && (pending.front().token == 0 || pending.front().outcome)) {
    auto p = std::move(pending.front());
    pending.pop_front();
    pending_items -= p.answer.results.size();
    finish(std::move(p));
  }
  if (pending.empty())
    pending = {}; // gives the memory back
  if (failing != ec::none && in_flight == 0) {
    for (auto& [no, s] : slots) {
      s.log.roll_back();
      s.log.last_sweep_hour = s.log.last_key_sweep_hour = 0;
    }
    failing = ec::none;
  }
  arm();
}

void stream_state::finish(pending_call p) {
  if (p.token != 0) {
    --in_flight;
    if (*p.outcome != ec::none && failing == ec::none) {
      failing = *p.outcome;
      shoal::log::error(
          "commit failed", {{"stream", to_string(key.who)}, {"code", to_string(failing)}});
    }
  }
  // Behind a failed write nothing can have succeeded; a repeat of an op whose write failed has
  // failed too.
  if (failing != ec::none)
    return fail(p, failing);
  for (auto& run : p.upto)
    publish(*find(run.biz), run.last, p.accepted_us);
  answer(p);
}

void stream_state::take_back(const pending_call& p) {
  if (p.trim) { // the next append makes it due again
    auto& s = *find(p.trim->biz);
    s.log.untrimmed(p.trim->floor, p.trim->lost);
    s.log.last_sweep_hour = s.log.last_key_sweep_hour = 0;
  }
  for (auto& run : p.upto) {
    auto& s = *find(run.biz);
    s.log.take_back(run.first);
    s.log.last_sweep_hour = s.log.last_key_sweep_hour = 0;
  }
}

void stream_state::answer(pending_call& p) {
  if (p.trim) {
    sv->count->trimmed_ops += p.trim->upto - p.trim->floor;
    return;
  }
  sv->count->appends += p.answer.results.size();
  self->send(p.client, atom::appended::value, std::move(p.answer));
}

void stream_state::fail(pending_call& p, ec code) {
  if (p.trim)
    return take_back(p);
  for (auto& x : p.answer.results)
    x = {x.index, x.code == ec::none ? code : x.code, {}, false, 0};
  sv->count->append_refused += p.answer.results.size();
  self->send(p.client, atom::appended::value, p.answer);
}

void stream_state::answer_all(const append_call& call, ec code) {
  append_answer out{call.call, {}};
  for (auto& item : call.items)
    out.results.push_back({item.index, code, {}, false, 0});
  sv->count->append_refused += call.items.size();
  self->send(call.client, atom::appended::value, std::move(out));
}

void stream_state::publish(slot& s, std::uint64_t upto, std::int64_t accepted_us) {
  auto batch = s.log.commit(upto, accepted_us);
  if (!waiting.empty()) // the call at the head may have read that there is no such key
    for (auto& op : batch->ops)
      if (!op->client_key.empty())
        known_keys[{s.log.biz()->no, op->client_key}] = op->id;
  send_live(s, batch);
  s.log.shrink_tail(sv->limit.tail_ops, sv->limit.tail_bytes);
}

} // namespace shoal
