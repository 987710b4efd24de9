// What a peer does for the feeds of sinks on this node. The data is in peer.hpp.
#include <algorithm>

#include "actors/log.hpp"
#include "actors/remote/peer.hpp"
#include "actors/remote/wire_codec.hpp"

namespace shoal {

namespace {

/// A stream that dies of a bug is not asked again at once: its death may be our doing.
constexpr auto death_pause = std::chrono::seconds{1};

} // namespace

// -- what sinks say ------------------------------------------------------------------------------

void peer_state::attach(const feed_sink_actor& sink, const remote_attach& x) {
  if (!linked) {
    self->send(sink, atom::lost::value, feed_lost{x.request.feed});
    return;
  }
  if (auto before = feed_of(sink, x.request.feed); before != 0) { // it starts over
    forget_outward(before);
    say_detach(before);
  }
  auto id = ++next_feed;
  auto& of = of_sink[sink.address()];
  if (of.empty())
    self->monitor(sink);
  of.push_back(id);
  outward.emplace(
      id, outward_feed{sink, x.request.feed, x.request.stream, x.request.biz, x.stand_in});
  auto& out = *add_event(64 + x.request.subject.size()).mutable_attach();
  put(out, x.request);
  out.set_feed(id);
  out.set_partition(raw(x.partition));
  out.set_epoch(x.epoch);
}

void peer_state::pull(const feed_sink_actor& sink, const pull_request& x) {
  auto id = feed_of(sink, x.feed);
  if (id == 0)
    return;
  auto& out = *add_event(16).mutable_pull();
  out.set_feed(id);
  out.set_after(x.after);
  out.set_max_ops(x.max_ops);
  out.set_max_bytes(x.max_bytes);
}

void peer_state::acknowledge(const ack_note& x) {
  auto i = of_sink.find(caf::actor_cast<caf::actor_addr>(self->current_sender()));
  if (i == of_sink.end())
    return;
  for (auto id : i->second) {
    if (outward.at(id).stream != x.stream)
      continue;
    if (auto known = ack_of.find(id); known != ack_of.end()) {
      put(*events.mutable_events(known->second)->mutable_ack()->mutable_at(), x.at);
      continue;
    }
    auto& out = *add_event(16).mutable_ack();
    out.set_feed(id);
    put(*out.mutable_at(), x.at);
    ack_of[id] = events.events_size() - 1;
  }
}

void peer_state::detach(const feed_sink_actor& sink, const detach_note& x) {
  if (auto id = feed_of(sink, x.feed); id != 0) {
    forget_outward(id);
    say_detach(id);
  }
}

void peer_state::say_detach(std::uint64_t id) {
  if (linked)
    add_event(0).set_detach(id);
}

std::uint64_t peer_state::feed_of(const feed_sink_actor& sink, std::uint32_t number) const {
  auto i = of_sink.find(sink.address());
  if (i != of_sink.end())
    for (auto id : i->second)
      if (outward.at(id).number == number)
        return id;
  return 0;
}

void peer_state::forget_outward(std::uint64_t id) {
  auto i = outward.find(id);
  auto addr = i->second.sink.address();
  outward.erase(i);
  auto& of = of_sink[addr];
  std::erase(of, id);
  if (of.empty()) {
    of_sink.erase(addr);
    self->demonitor(addr);
  }
}

// -- what the owner says -------------------------------------------------------------------------

void peer_state::take_attached(const pb::Attached& x) {
  auto i = outward.find(x.feed());
  if (i == outward.end())
    return say_detach(x.feed());
  attached_note note;
  if (!take(x, note))
    return start_over("an attached feed cannot be read");
  note.feed = i->second.number;
  self->send(i->second.sink, atom::attached::value, note);
  if (note.code != ec::none)
    forget_outward(x.feed());
}

void peer_state::take_ops(const pb::Ops& x) {
  biz_ptr biz;
  op_batch_ptr batch;
  for (auto id : x.feeds()) {
    auto i = outward.find(id);
    if (i == outward.end()) {
      say_detach(id);
      continue;
    }
    auto& f = i->second;
    if (!biz) {
      biz = f.biz;
      if (!take(x, biz, batch))
        return start_over("ops cannot be read");
    }
    if (f.biz->app == biz->app && f.biz->no == biz->no)
      self->send(f.sink, atom::ops::value,
          feed_ops{f.number, batch, x.page(), x.latest(), take_code(x.code())});
  }
}

void peer_state::take_moved(const pb::Moved& x) {
  auto i = outward.find(x.feed());
  if (i == outward.end())
    return say_detach(x.feed());
  feed_moved out;
  if (!take(x, out))
    return start_over("a moved feed cannot be read");
  out.feed = i->second.number;
  self->send(i->second.sink, atom::moved::value, out);
}

void peer_state::take_ended(const pb::Ended& x) {
  auto i = outward.find(x.feed());
  if (i == outward.end())
    return;
  auto f = i->second;
  forget_outward(x.feed());
  switch (x.refusal()) {
  case pb::BUSY:
    self->delayed_send(f.sink, death_pause, atom::lost::value, feed_lost{f.number});
    return;
  case pb::UNKNOWN_BIZ:
  case pb::INVALID:
    self->send(f.sink, atom::attached::value,
        attached_note{f.number, x.refusal() == pb::INVALID ? ec::invalid_argument : ec::unknown_biz,
            {}, {}, 0, 0, 0});
    return;
  default: // the stand-in first, so that it keeps the attach that follows
    self->send(f.stand_in, atom::refused::value, node, x.epoch());
    self->send(f.sink, atom::lost::value, feed_lost{f.number});
  }
}

} // namespace shoal
