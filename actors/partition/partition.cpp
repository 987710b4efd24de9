#include "actors/partition/partition.hpp"

#include <nlohmann/json.hpp>

#include "actors/log.hpp"
#include "actors/registry/watched.hpp"
#include "actors/stream/stream_state.hpp"

namespace shoal {

namespace {

constexpr auto sweep_interval = std::chrono::seconds{60};
constexpr std::int64_t ms_per_hour = 3'600'000;
constexpr std::int64_t audit_interval_ms = ms_per_hour;
constexpr std::uint32_t audit_pages = 100; // per tick: readers have others to serve

} // namespace

partition_state::child& partition_state::stream_of(app_no app, const principal& who) {
  principal_key key{app, who};
  auto& x = streams[key];
  if (!x.hdl) {
    auto of = sv->catalog.load()->app(app);
    x.hdl = spawn_child(self, actors, (of ? of->id : to_string(app)) + "/" + to_string(who), stream,
        stream_options{sv, key, no, caf::actor_cast<partition_actor>(self), log,
            after_death || dead_streams.erase(key) > 0});
    keys.emplace(x.hdl.address(), key);
    ++sv->count->streams;
  }
  ++x.forwarded;
  return x;
}

void partition_state::append(append_call call) {
  auto same = [&](const append_item& x) { return x.who == call.items.front().who; };
  if (std::all_of(call.items.begin(), call.items.end(), same)) {
    if (!call.items.empty())
      self->send(
          stream_of(call.app, call.items.front().who).hdl, atom::append::value, std::move(call));
    return;
  }
  std::map<principal, append_call> parts; // one message per stream, order kept inside each
  for (auto& item : call.items) {
    auto& part = parts[item.who];
    part.items.push_back(std::move(item));
  }
  for (auto& [who, part] : parts) {
    part.call = call.call;
    part.app = call.app;
    part.client = call.client;
    self->send(stream_of(call.app, who).hdl, atom::append::value, std::move(part));
  }
}

void partition_state::commit(const commit_client_actor& client, const commit_request& request) {
  auto done = [client, token = request.token](ec code) {
    caf::anon_send(client, atom::committed::value, commit_result{token, code});
  };
  // Rows that come as a message depend on no earlier ones, so any number of past failures is fine.
  auto code = log->submit(request.rows, log->failures(), done);
  if (code != ec::none)
    done(code);
}

void partition_state::sleep(const principal_key& key, std::uint64_t received) {
  auto i = streams.find(key);
  if (i == streams.end() || i->second.forwarded != received)
    return; // something is on its way to it: it stays
  auto hdl = i->second.hdl;
  self->demonitor(hdl.address());
  keys.erase(hdl.address());
  streams.erase(i);
  --sv->count->streams;
  ++sv->count->streams_passivated;
  self->send_exit(hdl, caf::exit_reason::user_shutdown);
}

void partition_state::stream_down(const caf::down_msg& dm) {
  auto i = keys.find(caf::actor_cast<caf::actor_addr>(dm.source));
  if (i == keys.end())
    return;
  shoal::log::error("stream died", {{"stream", to_string(i->second.who)},
                                       {"died_id", dm.source.id()}, {"why", to_string(dm.reason)}});
  dead_streams.insert(i->second);
  streams.erase(i->second);
  keys.erase(i);
  --sv->count->streams;
  ++sv->count->restarts;
  if (!budget.allow(sv->steady_ms()))
    self->quit(caf::make_error(caf::sec::runtime_error, "too many streams died"));
}

std::string partition_state::describe() const {
  return nlohmann::json{{"partition", raw(no)}, {"streams", streams.size()},
      {"next_lsn", log->next_lsn()}, {"write_failures", log->failures()},
      {"budget", {{"used", budget.used(sv->steady_ms())}, {"max", budget.max()}}}}
      .dump();
}

void partition_state::tick() {
  sweep(static_cast<std::uint32_t>(sv->now_ms() / ms_per_hour));
  if (no == partition_no{0})
    begin_audit_sweep();
  self->delayed_send(self, sweep_interval, atom::tick::value);
}

void partition_state::sweep(std::uint32_t hour) {
  self->request(sv->where.reader(), sv->limit.read_timeout, atom::trim::value, no, hour)
      .then(
          [this, hour](const due_streams& due) {
            if (due.code != ec::none || due.streams.empty())
              return;
            for (auto& id : due.streams)
              self->send(stream_of(id.app, id.who).hdl, atom::trim::value, id);
            log->submit_lazy(due.rows);
            if (due.more)
              sweep(hour);
          },
          [this](caf::error&) {
            shoal::log::warn("sweep did not finish", {{"partition", raw(no)}});
          });
}

/// Or goes on with the one that is under way.
void partition_state::begin_audit_sweep() {
  auto now = sv->now();
  if (audit.idle() && now.steady_ms >= next_audit_ms) {
    audit.begin(now.wall_ms);
    next_audit_ms = now.steady_ms + audit_interval_ms;
  }
  if (!reading_audit)
    sweep_audit(audit_pages);
}

void partition_state::sweep_audit(std::uint32_t pages) {
  if (audit.idle() || pages == 0)
    return;
  reading_audit = true;
  auto next = audit.next();
  self->request(sv->where.reader(), sv->limit.read_timeout, atom::page::value, next.from, next.to,
          next.limit)
      .then(
          [this, pages](const storage::write_batch& rows) {
            reading_audit = false;
            if (auto dead = audit.take(rows); !dead.empty())
              log->submit_lazy(std::move(dead));
            if (audit.idle() && audit.erased() > 0)
              shoal::log::info("audit records removed", {{"records", audit.erased()}});
            sweep_audit(pages - 1);
          },
          [this](caf::error&) {
            reading_audit = false;
            shoal::log::warn("sweep of the audit trail did not go on");
          });
}

partition_actor::behavior_type partition(
    partition_actor::stateful_pointer<partition_state> self, partition_options options) {
  auto& st = self->state;
  st.sv = std::move(options.services);
  st.no = options.no;
  st.actors = options.actors;
  st.log = std::move(options.log);
  st.after_death = options.after_death;
  st.audit = storage::audit_sweep{options.audit};
  self->set_down_handler([self](const caf::down_msg& dm) { self->state.stream_down(dm); });
  if (options.sweep)
    self->delayed_send(self, sweep_interval, atom::tick::value);
  return {
      [self](atom::attach, const feed_sink_actor& sink, const attach_request& request) {
        auto& to = self->state.stream_of(request.stream.app, request.stream.who);
        self->send(to.hdl, atom::attach::value, sink, request);
      },
      // A feed talks to its stream directly; these reach us only from a sink that lost the race
      // with a restart.
      [](atom::detach, const feed_sink_actor&, const detach_note&) {},
      [](atom::pull, const feed_sink_actor&, const pull_request&) {},
      [](atom::ack, const ack_note&) {},
      [self](atom::append, append_call& call) { self->state.append(std::move(call)); },
      [self](atom::commit, const commit_client_actor& client, const commit_request& request) {
        self->state.commit(client, request);
      },
      [self](atom::commit, const commit_request& x) { self->state.log->submit_lazy(x.rows); },
      [self](atom::report, const stream_key& id) {
        auto& to = self->state.stream_of(id.app, id.who);
        return self->delegate(to.hdl, atom::report::value, id);
      },
      [self](atom::stop, const principal_key& key, std::uint64_t received) {
        self->state.sleep(key, received);
      },
      [self](atom::tick) { self->state.tick(); },
      [self](atom::status) { return self->state.describe(); },
  };
}

} // namespace shoal
