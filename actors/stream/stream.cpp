#include "actors/log.hpp"
#include "actors/stream/stream_state.hpp"
#include "storage/keys.hpp"

namespace shoal {

namespace {

constexpr auto retry_interval = std::chrono::milliseconds{50};

} // namespace

stream_state::slot* stream_state::find(biz_no biz) {
  auto i = slots.find(biz);
  return i == slots.end() ? nullptr : &i->second;
}

stream_state::slot* stream_state::open(
    const biz_ptr& biz, storage::lookup found, const std::string& value) {
  storage::stream_meta meta;
  auto damaged = false;
  if (found == storage::lookup::found) {
    auto row = storage::stream_meta_key(part, {key.app, key.who, biz->no});
    damaged = !storage::decode(value, row, meta);
  }
  auto& s = slots.emplace(biz->no, slot{{biz, sv->epoch, meta}, {}, {}}).first->second;
  if (damaged) {
    s.quarantined = true;
    ++sv->count->damaged_records;
    shoal::log::error(
        "stream quarantined", {{"stream", to_string(key_of(s))}, {"why", "meta checksum"}});
  }
  return &s;
}

stream_state::slot* stream_state::try_open(const biz_ptr& biz) {
  if (auto s = find(biz->no)) {
    if (s->log.biz() != biz && s->log.biz()->updated_ms <= biz->updated_ms)
      s->log.set_biz(biz);
    return s;
  }
  if (after_death)
    return nullptr;
  std::string value;
  auto row = storage::stream_meta_key(part, {key.app, key.who, biz->no});
  auto found = sv->db->try_get(row, value);
  if (found != storage::lookup::found && found != storage::lookup::missing)
    return nullptr;
  return open(biz, found, value);
}

void stream_state::with_slot(const biz_ptr& biz, std::function<void(slot*)> then) {
  if (auto s = try_open(biz))
    return then(s);
  read_slot(biz, std::move(then));
}

void stream_state::read_slot(const biz_ptr& biz, std::function<void(slot*)> then) {
  auto& x = opening[biz->no];
  x.biz = biz;
  x.then.push_back(std::move(then));
  if (x.then.size() == 1 && !after_death)
    ask_for_slot(biz);
}

void stream_state::ask_for_slot(const biz_ptr& biz) {
  auto id = stream_key{key.app, key.who, biz->no};
  auto done = [this, biz](slot* s) {
    auto ready = std::move(opening[biz->no].then);
    opening.erase(biz->no);
    for (auto& f : ready)
      f(s);
  };
  self->request(sv->where.reader(), sv->limit.read_timeout, atom::load::value, id)
      .then(
          [this, biz, done](const stored_stream& x) {
            if (x.code != ec::none && x.code != ec::quarantined)
              return done(nullptr);
            // An append may have opened it meanwhile; what is in memory is newer than what was
            // read.
            auto [i, fresh] = slots.emplace(biz->no, slot{{biz, sv->epoch, x.meta}, {}, {}});
            if (fresh)
              i->second.quarantined = x.code == ec::quarantined;
            done(&i->second);
          },
          [done](caf::error&) { done(nullptr); });
}

/// What a stream that died left on its way to the log shows when the log has come to an entry
/// behind it. Until then nothing is read: an id could be given again.
void stream_state::wait_for_log() {
  auto done = [hdl = caf::actor_cast<commit_client_actor>(self)](ec) {
    caf::anon_send(hdl, atom::committed::value, commit_result{log_is_there, ec::none});
  };
  if (log->submit({}, log->failures(), std::move(done)) != ec::none)
    self->delayed_send(self, retry_interval, atom::tick::value);
  else
    asked_log = true;
}

void stream_state::log_came() {
  after_death = false;
  for (auto& [no, x] : opening)
    ask_for_slot(x.biz);
}

caf::result<stream_report> stream_state::report(const stream_key& id) {
  auto biz = sv->catalog.load()->biz(id.app, id.biz);
  auto promise = self->make_response_promise<stream_report>();
  if (!biz) {
    promise.deliver(stream_report{ec::unknown_biz, {}, 0, {}});
    return promise;
  }
  with_slot(biz, [this, promise](slot* s) mutable {
    stream_report out;
    if (s == nullptr) {
      out.code = ec::storage_failed;
    } else {
      out.code = s->quarantined ? ec::quarantined : ec::none;
      out.latest = {s->log.epoch(), s->log.committed()};
      out.floor = s->log.floor();
      for (auto& x : s->listeners)
        out.listeners.push_back({x.device, x.sent, x.acked, x.attached_ms});
    }
    promise.deliver(std::move(out));
    arm();
  });
  return promise;
}

void stream_state::trim(const stream_key& id) {
  auto biz = sv->catalog.load()->biz(id.app, id.biz);
  if (!biz)
    return arm(); // a biz that nobody knows is never a reason to delete
  with_slot(biz, [this, id](slot* s) {
    if (s == nullptr || s->quarantined || s->trimming)
      return arm();
    s->trimming = true;
    trim_query q{id, s->log.floor(), s->log.committed(), 0, sv->now_ms(),
        std::chrono::milliseconds{sv->limit.keep_keys}.count()};
    auto ask = [this, id](trim_query query) {
      self->request(sv->where.reader(), sv->limit.read_timeout, atom::trim::value, std::move(query))
          .then(
              [this, id](const trim_plan& plan) {
                auto* now = find(id.biz);
                if (now == nullptr)
                  return;
                now->trimming = false;
                if (plan.code == ec::quarantined)
                  now->quarantined = true;
                auto more = plan.code == ec::none && plan.floor > now->log.floor() &&
                            put_trim(*now, plan) && plan.more;
                return more ? trim(id) : arm();
              },
              [this, id](caf::error&) { trim_failed(id); });
    };
    auto shared = s->log.biz()->target == biz_target::device || !s->log.biz()->multi_device;
    if (!shared)
      return ask(std::move(q));
    // One reader: what it has acknowledged nobody will ask for again.
    auto subject = key.who.id;
    self->request(sv->where.reader(), sv->limit.read_timeout, atom::load::value,
            cursor_query{id, subject, 1, {}})
        .then(
            [ask, q](const stored_cursor& c) mutable {
              if (c.found)
                q.acked = c.cursor.at.id;
              ask(std::move(q));
            },
            [this, id](caf::error&) { trim_failed(id); });
  });
}

void stream_state::trim_failed(const stream_key& id) {
  if (auto* now = find(id.biz))
    now->trimming = false;
  arm(); // nothing else may happen here any more
}

/// In the order of appends, and with the ids that they were given: lazily it could come to lie
/// behind an op under way, and say that there is no such op.
bool stream_state::put_trim(slot& s, const trim_plan& plan) {
  if (leaving)
    return false;
  pending_call p;
  p.trim = pending_call::removal{s.log.biz()->no, plan.floor, s.log.floor(), s.log.lost()};
  s.log.trimmed(plan.floor, plan.lost);
  auto rows = plan.rows;
  auto row = storage::stream_meta_key(part, key_of(s));
  rows.put(row, storage::encode(s.log.meta(), row));
  if (submit(p, std::move(rows)) != ec::none) {
    take_back(p);
    return false;
  }
  pending.push_back(std::move(p));
  return true;
}

bool stream_state::owes_answers() const {
  return !pending.empty() || !waiting.empty() || !opening.empty() || attaching > 0;
}

bool stream_state::busy() const {
  if (owes_answers() || !dirty_cursors.empty())
    return true;
  for (auto& [no, s] : slots)
    if (!s.listeners.empty() || s.trimming)
      return true;
  return false;
}

void stream_state::arm() {
  auto now = sv->steady_ms();
  auto wait = std::chrono::milliseconds{sv->limit.stream_idle};
  auto soon = !dirty_cursors.empty();
  auto listening = false;
  for (auto& [no, s] : slots) {
    listening = listening || !s.listeners.empty();
    soon = soon || (s.turn && s.turn->waiting()) || (s.log.tail_ops() > 0 && !s.listeners.empty());
  }
  if (soon)
    wait = sv->limit.stream_tick;
  else if (listening)
    return; // an idle stream of an online device costs no timer
  if (next_tick_ms != 0 && next_tick_ms <= now + wait.count())
    return;
  next_tick_ms = now + wait.count();
  self->delayed_send(self, wait, atom::tick::value);
}

/// Without its partition a stream gives no more ids: another one may do that already. But what it
/// was sent before is answered; what is under way by the log, and reads have a time-out.
void stream_state::leave() {
  for (auto& call : std::exchange(waiting, {}))
    answer_all(call, ec::moving);
  waiting_items = 0;
  if (!owes_answers() || after_death)
    return self->quit(leaving);
  self->delayed_send(self, retry_interval, atom::tick::value);
}

void stream_state::tick() {
  if (leaving)
    return leave();
  if (after_death && !asked_log)
    return wait_for_log();
  next_tick_ms = 0;
  flush_cursors();
  auto now = sv->steady_ms();
  for (auto& [no, s] : slots) {
    auto behind = false; // keep in memory only what a listener has still to get
    for (auto& x : s.listeners)
      behind = behind || x.sent < s.log.committed();
    if (behind)
      s.log.shrink_tail(sv->limit.tail_ops, sv->limit.tail_bytes);
    else
      s.log.shrink_tail(0, 0);
    if (s.turn && s.turn->overdue(now)) {
      ++sv->count->ack_timeouts;
      give_turn(s);
    }
  }
  if (busy()) {
    idle_since_ms = 0;
  } else if (idle_since_ms == 0) {
    idle_since_ms = now;
  } else if (now - idle_since_ms >= std::chrono::milliseconds{sv->limit.stream_idle}.count()) {
    self->send(owner, atom::stop::value, key, received);
  }
  arm();
}

stream_actor::behavior_type stream(lean_stream* self, stream_options options) {
  auto& st = self->state;
  st.sv = std::move(options.services);
  st.key = std::move(options.key);
  st.part = options.partition;
  st.owner = std::move(options.owner);
  st.log = std::move(options.log);
  self->set_down_handler([self](const caf::down_msg& dm) {
    auto& mine = self->state;
    if (dm.source != mine.owner.address())
      return mine.sink_down(dm.source);
    if (dm.reason != caf::exit_reason::user_shutdown)
      return self->quit(dm.reason); // a bug: the next partition writes to the same log
    mine.leaving = dm.reason;
    mine.leave();
  });
  self->monitor(st.owner);
  st.after_death = options.after_death;
  if (st.after_death)
    st.wait_for_log();
  ++st.sv->count->streams_activated;
  static constexpr auto me = []() -> stream_state& { return lean_stream::running().state; };
  static const stream_actor::behavior_type shared{
      [](atom::attach, const feed_sink_actor& sink, const attach_request& request) {
        ++me().received;
        me().attach(sink, request);
      },
      [](atom::detach, const feed_sink_actor& sink, const detach_note& note) {
        me().detach(sink, note);
      },
      [](atom::pull, const feed_sink_actor& sink, const pull_request& request) {
        me().pull(sink, request);
      },
      [](atom::ack, const ack_note& note) { me().acknowledge(note); },
      [](atom::append, append_call& call) {
        ++me().received;
        me().append(std::move(call));
      },
      [](atom::committed, const commit_result& result) { me().committed(result); },
      [](atom::report, const stream_key& id) {
        ++me().received;
        return me().report(id);
      },
      [](atom::trim, const stream_key& id) {
        ++me().received;
        me().trim(id);
      },
      [](atom::tick) { me().tick(); },
  };
  return shared;
}

} // namespace shoal
