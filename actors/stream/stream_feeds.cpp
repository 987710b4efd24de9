// How a stream serves its feeds: start, live ops, pages, acknowledgements, turns. The data is in
// stream_state.hpp.
#include <algorithm>

#include "actors/log.hpp"
#include "actors/stream/stream_state.hpp"
#include "storage/keys.hpp"

namespace shoal {

// -- coming and going ----------------------------------------------------------------------------

void stream_state::attach(const feed_sink_actor& sink, const attach_request& request) {
  with_slot(request.biz, [this, sink, request](slot* s) {
    if (s == nullptr || s->quarantined) {
      auto code = s == nullptr ? ec::storage_failed : ec::quarantined;
      self->send(sink, atom::attached::value, attached_note{request.feed, code, {}, {}, 0, 0, 0});
      return arm();
    }
    if (request.device.empty() || !request.biz->persistent)
      return attach_loaded(sink, request, *s, std::nullopt);
    if (auto i = dirty_cursors.find({request.biz->no, request.subject}); i != dirty_cursors.end())
      return attach_loaded(sink, request, *s, i->second.at);
    if (s->turn) // the shared cursor is in memory while somebody listens
      return attach_loaded(sink, request, *s, position{s->log.epoch(), s->turn->cursor()});
    auto row = storage::cursor_key(part, request.stream, request.subject);
    std::string value;
    storage::cursor_record cursor;
    auto found = sv->db->try_get(row, value);
    if (found == storage::lookup::found && storage::decode(value, row, cursor))
      return attach_loaded(sink, request, *s, cursor.at);
    if (found == storage::lookup::missing)
      return attach_loaded(sink, request, *s, std::nullopt);
    // On disk, or damaged. A lost cursor costs a redelivery, so an error here is no reason to
    // refuse.
    ++attaching;
    auto read = [this, sink, request](const std::optional<position>& at) {
      --attaching;
      if (auto* now = find(request.biz->no))
        attach_loaded(sink, request, *now, at);
      arm();
    };
    self->request(sv->where.reader(), sv->limit.read_timeout, atom::load::value,
            cursor_query{request.stream, request.subject, 1, {}})
        .then(
            [read](const stored_cursor& x) {
              read(x.found ? std::optional{x.cursor.at} : std::nullopt);
            },
            [read](caf::error&) { read(std::nullopt); });
  });
}

void stream_state::attach_loaded(const feed_sink_actor& sink, const attach_request& request,
    slot& s, const std::optional<position>& cursor) {
  auto& history = s.log;
  if (history.biz()->persistent && !request.proven && request.at &&
      request.at->epoch == history.epoch() && request.at->id > history.committed())
    return prove_leading(sink, request);
  auto relay = request.device.empty();
  auto shared = history.biz()->target == biz_target::user && !history.biz()->multi_device;
  start_plan plan{history.committed(), reset_reason::none};
  if (!relay && history.biz()->persistent)
    plan = plan_start({history.epoch(), history.committed(), history.floor(), history.lost(),
        history.biz()->repush_newest, shared, request.at, cursor});
  if (plan.reset == reset_reason::ahead)
    shoal::log::warn("a device knows more than its stream",
        {{"stream", to_string(key_of(s))}, {"device", request.device}, {"claims", request.at->id},
            {"committed", history.committed()}});
  listener x{sink, next_listener++, request.feed, request.device, request.subject, plan.id, plan.id,
      sv->now_ms()};
  self->send(sink, atom::attached::value,
      attached_note{request.feed, ec::none,
          {history.biz()->persistent ? history.epoch() : 0,
              history.biz()->persistent ? plan.id : 0},
          plan.reset, history.committed(), history.floor(), history.lost()});
  self->monitor(sink);
  auto number = x.number;
  s.listeners.push_back(std::move(x));
  if (shared && history.biz()->persistent) {
    if (!s.turn)
      s.turn.emplace(plan.id);
    if (s.turn->holder() == 0)
      s.turn->give(number);
  }
}

void stream_state::remove_listener(slot& s, std::size_t index) {
  auto number = s.listeners[index].number;
  auto sink = s.listeners[index].sink;
  s.listeners.erase(s.listeners.begin() + static_cast<std::ptrdiff_t>(index));
  auto listens = [&](auto& entry) {
    auto& xs = entry.second.listeners;
    return std::any_of(xs.begin(), xs.end(), [&](auto& x) { return x.sink == sink; });
  };
  if (std::none_of(slots.begin(), slots.end(), listens))
    self->demonitor(sink.address()); // ends all monitoring of it, so only with its last feed
  if (!s.turn)
    return;
  if (s.listeners.empty())
    s.turn.reset();
  else if (s.turn->holder() == number)
    give_turn(s);
}

void stream_state::detach(const feed_sink_actor& sink, const detach_note& note) {
  for (auto& [no, s] : slots) { // by its number: a sink may know no more than that
    for (std::size_t i = 0; i < s.listeners.size(); ++i)
      if (s.listeners[i].sink == sink && s.listeners[i].feed == note.feed) {
        remove_listener(s, i);
        break;
      }
  }
  arm();
}

void stream_state::sink_down(const caf::actor_addr& source) {
  for (auto& [no, s] : slots)
    for (auto i = s.listeners.size(); i-- > 0;)
      if (s.listeners[i].sink.address() == source)
        remove_listener(s, i);
  arm();
}

// -- live ops and pages --------------------------------------------------------------------------

void stream_state::send_live(slot& s, const op_batch_ptr& batch) {
  auto latest = s.log.committed();
  for (auto& x : s.listeners) {
    if (s.turn && s.turn->holder() != x.number)
      continue;
    if (x.sent == batch->after)
      x.sent = batch->upto;
    if (s.turn)
      s.turn->offer(batch->upto, sv->steady_ms(), std::int64_t{s.log.biz()->ack_timeout_s} * 1000);
    self->send(x.sink, atom::ops::value, feed_ops{x.feed, batch, false, latest, ec::none});
  }
}

void stream_state::send_page(
    slot& s, const feed_sink_actor& sink, std::uint32_t feed, op_batch_ptr batch, ec code) {
  if (batch) {
    for (auto& x : s.listeners)
      if (x.sink == sink && x.feed == feed) {
        x.sent = std::max(x.sent, batch->upto);
        if (s.turn && s.turn->holder() == x.number)
          s.turn->offer(
              batch->upto, sv->steady_ms(), std::int64_t{s.log.biz()->ack_timeout_s} * 1000);
      }
  }
  self->send(
      sink, atom::ops::value, feed_ops{feed, std::move(batch), true, s.log.committed(), code});
  arm();
}

void stream_state::pull(const feed_sink_actor& sink, const pull_request& request) {
  auto* s = find(request.stream.biz);
  if (s == nullptr)
    return; // attached to an earlier life of this stream: its monitor tells the sink
  if (s->turn) {
    for (auto& x : s->listeners)
      if (x.sink == sink && x.feed == request.feed && x.number != s->turn->holder())
        return; // not its turn; it will be told when it is
  }
  ++sv->count->pulls;
  if (auto batch = s->log.read_tail(request.after, request.max_ops, request.max_bytes)) {
    ++sv->count->pull_from_memory;
    return send_page(*s, sink, request.feed, std::move(batch), ec::none);
  }
  ++sv->count->disk_pages;
  self->request(sv->where.reader(), sv->limit.read_timeout, atom::page::value,
          page_query{request.stream, request.after, request.max_ops, request.max_bytes})
      .then([this, sink, request](const stored_page& page) { page_loaded(sink, request, page); },
          [this, sink, request](caf::error&) {
            if (auto* now = find(request.stream.biz))
              send_page(*now, sink, request.feed, nullptr, ec::storage_failed);
          });
}

void stream_state::page_loaded(
    const feed_sink_actor& sink, const pull_request& request, const stored_page& page) {
  auto* s = find(request.stream.biz);
  if (s == nullptr)
    return;
  if (page.damaged != 0)
    s->quarantined = true;
  if (page.code != ec::none || (page.damaged != 0 && page.ops.empty()))
    return send_page(
        *s, sink, request.feed, nullptr, page.damaged != 0 ? ec::quarantined : page.code);
  auto ops = page.ops;
  // Rows beyond `committed` may be on disk already, but their writer has not told us yet.
  while (!ops.empty() && ops.back()->id > s->log.committed())
    ops.pop_back();
  auto complete = !page.more && page.damaged == 0 && ops.size() == page.ops.size();
  auto upto = ops.empty() ? request.after : ops.back()->id;
  if (complete) // the page saw the end of the log: ids behind the last row are expired or removed
    upto = std::max(upto, std::min(page.seen_last, s->log.committed()));
  send_page(*s, sink, request.feed,
      std::make_shared<const op_batch>(
          s->log.biz(), s->log.epoch(), request.after, upto, std::move(ops)),
      ec::none);
}

// -- acknowledgements and turns ------------------------------------------------------------------

void stream_state::acknowledge(const ack_note& note) {
  auto* s = find(note.stream.biz);
  if (s == nullptr || note.at.epoch != s->log.epoch() || note.at.id > s->log.committed())
    return;
  ++sv->count->acks;
  if (s->turn) {
    auto timeout = std::int64_t{s->log.biz()->ack_timeout_s} * 1000;
    if (s->turn->acknowledge(note.at.id, sv->steady_ms(), timeout))
      remember_cursor(*s, note.subject, note.at.id);
  } else {
    for (auto& x : s->listeners)
      if (x.subject == note.subject && note.at.id > x.acked) {
        x.acked = note.at.id;
        remember_cursor(*s, note.subject, note.at.id);
      }
  }
  arm();
}

void stream_state::give_turn(slot& s) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < s.listeners.size(); ++i)
    if (s.listeners[i].number == s.turn->holder())
      next = (i + 1) % s.listeners.size();
  auto& x = s.listeners[next];
  s.turn->give(x.number);
  auto reason = x.sent < s.turn->cursor() ? reset_reason::consumed_elsewhere : reset_reason::none;
  x.sent = x.acked = s.turn->cursor();
  self->send(x.sink, atom::moved::value,
      feed_moved{x.feed, {s.log.epoch(), s.turn->cursor()}, reason, s.log.committed()});
  arm();
}

void stream_state::remember_cursor(slot& s, const std::string& subject, std::uint64_t id) {
  dirty_cursors[{s.log.biz()->no, subject}] = {{s.log.epoch(), id}, sv->now_ms()};
}

void stream_state::flush_cursors() {
  if (dirty_cursors.empty())
    return;
  commit_request lazy;
  for (auto& [where, cursor] : dirty_cursors) {
    auto row = storage::cursor_key(part, {key.app, key.who, where.first}, where.second);
    lazy.rows.put(row, storage::encode(cursor, row));
  }
  sv->count->cursor_rows += dirty_cursors.size();
  dirty_cursors.clear();
  self->send(owner, atom::commit::value, std::move(lazy));
}

} // namespace shoal
