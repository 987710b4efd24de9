#include "actors/relay/relay.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/log.hpp"
#include "actors/stream/stream_log.hpp"
#include "storage/keys.hpp"

namespace shoal {

namespace {

constexpr auto tick_interval = std::chrono::seconds{2};
constexpr std::int64_t attach_patience_ms = 10'000; // a fail-over takes less

/// One batch out of consecutive ones.
op_batch_ptr merge(std::vector<op_batch_ptr> parts) {
  if (parts.size() == 1)
    return std::move(parts.front());
  std::vector<storage::op_ptr> ops;
  for (auto& part : parts)
    ops.insert(ops.end(), part->ops.begin(), part->ops.end());
  return std::make_shared<const op_batch>(parts.front()->biz, parts.front()->epoch,
      parts.front()->after, parts.back()->upto, std::move(ops), parts.front()->accepted_us);
}

} // namespace

relay_state::channel* relay_state::find(biz_no biz) {
  auto i = channels.find(biz);
  return i == channels.end() ? nullptr : &i->second;
}

relay_state::channel* relay_state::find_number(std::uint32_t number) {
  for (auto& [no, c] : channels)
    if (c.number == number)
      return &c;
  return nullptr;
}

// -- devices come and go -------------------------------------------------------------------------

void relay_state::attach(const feed_sink_actor& sink, const attach_request& request) {
  auto i = channels.find(request.biz->no);
  if (i == channels.end())
    i = channels
            .try_emplace(request.biz->no, request.biz, request.stream, next_number++,
                sv->limit.page_cache_bytes)
            .first;
  auto& c = i->second;
  c.biz = request.biz;
  // It may come from a node that heard more, or sooner. That it knows more than the stream is not
  // ours to say.
  auto knows_more =
      c.biz->persistent && request.at && request.at->epoch == c.epoch && request.at->id > c.latest;
  if (c.source && !knows_more)
    return start(c, sink, request);
  c.arriving.insert_or_assign(sink.address(), waiting_attach{sink, request});
  if (c.source)
    ask_for_latest(c);
  else if (!c.attaching)
    attach_channel(c);
}

void relay_state::ask_for_latest(channel& c) {
  detach_note leave;
  leave.stream = c.stream;
  leave.feed = c.number;
  self->demonitor(c.source.address());
  self->send(
      c.source, atom::detach::value, caf::actor_cast<feed_sink_actor>(self), std::move(leave));
  c.asking = true;
  attach_channel(c);
}

void relay_state::attach_channel(channel& c) {
  c.attaching = true;
  c.source = feed_source_actor{};
  forget_pulls(c);
  attach_request request{c.stream, c.biz, {}, {}, std::nullopt, c.number};
  for (auto& [who, x] : c.arriving) // the stream has to be sure of itself, if one knows more
    if (x.request.at && x.request.at->epoch == sv->epoch &&
        (!request.at || x.request.at->id > request.at->id))
      request.at = x.request.at;
  c.asked_at = request.at ? request.at->id : 0;
  self->send(sv->where.owner_of(app, c.stream.who), atom::attach::value,
      caf::actor_cast<feed_sink_actor>(self), std::move(request));
  c.asked_ms = sv->steady_ms();
  arm();
}

void relay_state::forget_pulls(channel& c) {
  c.owes_pages = c.owes_pages || !c.pulls.empty();
  c.pulls.clear();
}

/// What came too late, and was asked for again under another number.
void relay_state::leave(const attached_note& note) {
  auto source = caf::actor_cast<feed_source_actor>(self->current_sender());
  detach_note out;
  out.feed = note.feed;
  if (note.code == ec::none)
    self->send(source, atom::detach::value, caf::actor_cast<feed_sink_actor>(self), std::move(out));
}

void relay_state::attached(const attached_note& note) {
  auto* c = find_number(note.feed);
  if (c == nullptr)
    return leave(note);
  c->attaching = false;
  forget_pulls(*c); // nobody was there to answer those that came meanwhile
  auto nothing_new = std::exchange(c->asking, false) && c->latest == note.latest && !c->owes_pages;
  auto arriving = std::move(c->arriving);
  c->arriving.clear();
  if (note.code != ec::none) {
    for (auto& [who, x] : arriving)
      self->send(
          x.sink, atom::attached::value, attached_note{x.request.feed, note.code, {}, {}, 0, 0, 0});
    // Those that listen already need not care: without the claim (the stream could not be sure of
    // itself: a full disk) at once, else with the next tick.
    if (c->asked_at != 0 && !c->listeners.empty())
      return attach_channel(*c);
    c->attaching = !c->listeners.empty();
    c->asked_ms = sv->steady_ms() - attach_patience_ms;
    return arm();
  }
  c->source = caf::actor_cast<feed_source_actor>(self->current_sender());
  self->monitor(c->source);
  c->epoch = note.start.epoch;
  c->latest = note.latest;
  c->floor = note.floor;
  c->lost = note.lost;
  for (auto& [who, x] : arriving)
    if (claims_more(*c, x.request))
      c->arriving.emplace(who, std::move(x)); // came when others were asked for
    else
      start(*c, x.sink, x.request);
  if (!c->arriving.empty())
    return ask_for_latest(*c);
  if (nothing_new)
    return;
  c->owes_pages = false;
  // Devices that were here before the stream was lost find out by the newest id that something is
  // waiting. To those whose pull was forgotten it is the answer: they ask again.
  for (auto& [where, x] : c->listeners)
    self->send(x.sink, atom::ops::value,
        feed_ops{x.feed,
            std::make_shared<const op_batch>(
                c->biz, c->epoch, c->latest, c->latest, std::vector<storage::op_ptr>{}),
            true, c->latest, ec::none});
}

/// Beyond what the stream was sure of when it answered.
bool relay_state::claims_more(const channel& c, const attach_request& x) {
  return c.biz->persistent && x.at && x.at->epoch == c.epoch &&
         x.at->id > std::max(c.latest, c.asked_at);
}

void relay_state::start(channel& c, const feed_sink_actor& sink, const attach_request& request) {
  if (!c.biz->persistent)
    return started(c.biz->no, sink, request, std::nullopt);
  auto home = sv->where.number_of(app, principal::device(request.device));
  auto row = storage::cursor_key(home, c.stream, request.subject);
  std::string value;
  storage::cursor_record cursor;
  // What this node has of a partition that another one leads may be old.
  auto led_here = sv->where.led_epoch(home) != 0;
  auto found = led_here ? sv->db->try_get(row, value) : storage::lookup::unknown;
  if (found == storage::lookup::found && storage::decode(value, row, cursor))
    return started(c.biz->no, sink, request, cursor.at);
  if (found == storage::lookup::missing)
    return started(c.biz->no, sink, request, std::nullopt);
  self->request(sv->where.reader_for(home), sv->limit.read_timeout, atom::load::value,
          cursor_query{c.stream, request.subject, 1, request.device})
      .then(
          [this, no = c.biz->no, sink, request](const stored_cursor& x) {
            started(no, sink, request, x.found ? std::optional{x.cursor.at} : std::nullopt);
          },
          [this, no = c.biz->no, sink, request](
              caf::error&) { started(no, sink, request, std::nullopt); });
}

void relay_state::started(biz_no biz, const feed_sink_actor& sink, const attach_request& request,
    const std::optional<position>& cursor) {
  auto* c = find(biz);
  if (c == nullptr)
    return;
  start_plan plan;
  if (c->biz->persistent)
    plan = plan_start(
        {c->epoch, c->latest, c->floor, c->lost, c->biz->repush_newest, false, request.at, cursor});
  auto epoch = c->biz->persistent ? c->epoch : 0;
  self->send(sink, atom::attached::value,
      attached_note{
          request.feed, ec::none, {epoch, plan.id}, plan.reset, c->latest, c->floor, c->lost});
  self->monitor(sink);
  c->listeners[{sink.address(), request.feed}] = {
      sink, request.feed, request.device, request.subject, plan.id, false};
}

void relay_state::detach(const feed_sink_actor& sink, const detach_note& note) {
  for (auto& [no, c] : channels) {
    auto i = c.listeners.find({sink.address(), note.feed});
    if (i == c.listeners.end())
      continue;
    if (i->second.dirty)
      flush_cursors();
    c.listeners.erase(i);
  }
  auto listens = [&](auto& entry) {
    auto j = entry.second.listeners.lower_bound({sink.address(), 0});
    return j != entry.second.listeners.end() && j->first.first == sink.address();
  };
  if (std::none_of(channels.begin(), channels.end(), listens))
    self->demonitor(sink.address()); // ends all monitoring of it, so only with its last feed
}

void relay_state::down(const caf::actor_addr& source) {
  for (auto& [no, c] : channels) {
    if (c.source && c.source.address() == source) {
      attach_channel(c);
      continue;
    }
    auto i = c.listeners.lower_bound({source, 0});
    while (i != c.listeners.end() && i->first.first == source) {
      if (i->second.dirty)
        flush_cursors();
      i = c.listeners.erase(i);
    }
  }
}

void relay_state::source_lost(const feed_lost& x) {
  if (auto* c = find_number(x.feed))
    attach_channel(*c);
}

// -- ops -----------------------------------------------------------------------------------------

void relay_state::take(const feed_ops& x) {
  auto* c = find_number(x.feed);
  if (c == nullptr)
    return;
  c->latest = std::max(c->latest, x.latest);
  if (x.page)
    return answer_pulls(*c, x.batch ? x.batch->after : 0, x);
  // Live ops can be missing on the way from another node; what is merged has no gaps.
  if (c->biz->persistent && !c->fresh.empty() && c->fresh.back()->upto != x.batch->after)
    hand_out(*c);
  c->fresh.push_back(x.batch);
  if (!handing_out) {
    handing_out = true;
    self->send(self, atom::call::value); // behind everything that is in the mailbox already
  }
}

void relay_state::hand_out() {
  handing_out = false;
  for (auto& [no, c] : channels)
    hand_out(c);
}

void relay_state::hand_out(channel& c) {
  if (c.fresh.empty())
    return;
  auto batch = merge(std::move(c.fresh));
  c.fresh.clear();
  if (c.biz->persistent && batch->after != batch->upto)
    c.pages.put(batch);
  for (auto& [where, x] : c.listeners)
    self->send(x.sink, atom::ops::value, feed_ops{x.feed, batch, false, c.latest, ec::none});
}

void relay_state::pull(const feed_sink_actor& sink, const pull_request& request) {
  auto* c = find(request.stream.biz);
  if (c == nullptr)
    return;
  ++sv->count->pulls;
  if (auto page = c->pages.find(request.after)) {
    ++sv->count->pull_from_memory;
    self->send(
        sink, atom::ops::value, feed_ops{request.feed, std::move(page), true, c->latest, ec::none});
    return;
  }
  auto start = c->pages.start_for(request.after, sv->limit.page_ops);
  auto& waiting = c->pulls[start];
  waiting.push_back({sink, request.feed, request.after});
  if (waiting.size() == 1 && c->source)
    self->send(c->source, atom::pull::value, caf::actor_cast<feed_sink_actor>(self),
        pull_request{c->stream, {}, c->number, start, sv->limit.page_ops, sv->limit.page_bytes});
}

void relay_state::answer_pulls(channel& c, std::uint64_t start, const feed_ops& x) {
  // A page that failed names no place: everyone who waits hears of it and asks again later.
  if (!x.batch) {
    for (auto& [after, waiting] : c.pulls)
      for (auto& w : waiting)
        self->send(w.sink, atom::ops::value, feed_ops{w.feed, nullptr, true, c.latest, x.code});
    c.pulls.clear();
    return;
  }
  c.pages.put(x.batch);
  auto i = c.pulls.find(start);
  if (i == c.pulls.end())
    return;
  auto waiting = std::move(i->second);
  c.pulls.erase(i);
  for (auto& w : waiting)
    self->send(w.sink, atom::ops::value, feed_ops{w.feed, x.batch, true, c.latest, ec::none});
}

// -- cursors -------------------------------------------------------------------------------------

void relay_state::acknowledge(const ack_note& note) {
  auto* c = find(note.stream.biz);
  auto sender = caf::actor_cast<caf::actor_addr>(self->current_sender());
  if (c == nullptr || note.at.epoch != c->epoch || note.at.id > c->latest)
    return;
  ++sv->count->acks;
  auto i = c->listeners.lower_bound({sender, 0});
  for (; i != c->listeners.end() && i->first.first == sender; ++i)
    if (i->second.subject == note.subject && note.at.id > i->second.acked) {
      i->second.acked = note.at.id;
      i->second.dirty = true;
    }
  arm();
}

void relay_state::flush_cursors() {
  std::map<partition_no, commit_request> parts;
  auto now = sv->now_ms();
  for (auto& [no, c] : channels)
    for (auto& [where, x] : c.listeners) {
      if (!x.dirty)
        continue;
      x.dirty = false;
      auto home = sv->where.number_of(app, principal::device(x.device));
      auto row = storage::cursor_key(home, c.stream, x.subject);
      parts[home].rows.put(row, storage::encode({{c.epoch, x.acked}, now}, row));
      ++sv->count->cursor_rows;
    }
  for (auto& [home, lazy] : parts)
    self->send(sv->where.partition(home), atom::commit::value, std::move(lazy));
}

void relay_state::tick() {
  ticking = false;
  flush_cursors();
  auto waits = false;
  for (auto& [no, c] : channels) {
    waits = waits || c.attaching;
    if (!c.attaching || sv->steady_ms() - c.asked_ms < attach_patience_ms)
      continue;
    c.number = next_number++; // who was asked may have died with the question
    attach_channel(c);
  }
  if (waits)
    arm();
}

void relay_state::arm() {
  if (ticking)
    return;
  ticking = true;
  self->delayed_send(self, tick_interval, atom::tick::value);
}

std::string relay_state::status() const {
  auto out = nlohmann::json{{"app", raw(app)}, {"channels", nlohmann::json::array()}};
  for (auto& [no, c] : channels) {
    auto row = nlohmann::json{{"biz", c.biz->name}, {"latest", c.latest},
        {"listeners", c.listeners.size()}, {"pages", c.pages.pages()},
        {"page_bytes", c.pages.bytes()}};
    if (c.biz->persistent && !c.listeners.empty()) {
      auto least = UINT64_MAX;
      auto caught_up = std::size_t{0};
      for (auto& [where, x] : c.listeners) {
        least = std::min(least, x.acked);
        caught_up += x.acked >= c.latest;
      }
      row["least_acked"] = least;
      row["caught_up"] = caught_up;
    }
    out["channels"].push_back(std::move(row));
  }
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

relay_actor::behavior_type relay(
    relay_actor::stateful_pointer<relay_state> self, services_ptr services, app_no app) {
  self->state.sv = std::move(services);
  self->state.app = app;
  self->set_down_handler([self](const caf::down_msg& dm) { self->state.down(dm.source); });
  return {
      [self](atom::attach, const feed_sink_actor& sink, const attach_request& request) {
        self->state.attach(sink, request);
      },
      [self](atom::detach, const feed_sink_actor& sink, const detach_note& note) {
        self->state.detach(sink, note);
      },
      [self](atom::pull, const feed_sink_actor& sink, const pull_request& request) {
        self->state.pull(sink, request);
      },
      [self](atom::ack, const ack_note& note) { self->state.acknowledge(note); },
      [self](atom::attached, const attached_note& note) { self->state.attached(note); },
      [self](atom::ops, const feed_ops& x) { self->state.take(x); },
      [](atom::moved, const feed_moved&) {}, // streams move only feeds of devices
      [self](atom::lost, const feed_lost& x) { self->state.source_lost(x); },
      [self](atom::call) { self->state.hand_out(); },
      [self](atom::tick) { self->state.tick(); },
      [self](atom::status) { return self->state.status(); },
  };
}

} // namespace shoal
