// What a peer does for the feeds of sinks on the other node. The data is in peer.hpp.
#include <algorithm>

#include "actors/remote/peer.hpp"
#include "actors/remote/wire_codec.hpp"

namespace shoal {

namespace {

constexpr std::size_t max_feeds = 2'000'000;
constexpr std::uint32_t max_pull_ops = 1'024;
constexpr std::uint32_t max_pull_bytes = 4u << 20;

} // namespace

// -- what the device's node says -----------------------------------------------------------------

void peer_state::take_attach(const pb::Attach& x) {
  if (inward_by_id.contains(x.feed()))
    return;
  inward_feed f;
  f.id = x.feed();
  f.partition = static_cast<partition_no>(x.partition());
  auto& stream = f.request.stream;
  if (!take(x, f.request) || x.partition() >= sv->where.partition_count() ||
      sv->where.number_of(stream.app, stream.who) != f.partition)
    return say_ended(x.feed(), pb::INVALID, 0);
  auto epoch = sv->where.led_epoch(f.partition);
  if (epoch == 0 || epoch < x.epoch())
    return say_ended(x.feed(), pb::NOT_OWNER, epoch);
  if (inward.size() >= max_feeds)
    return say_ended(x.feed(), pb::NOT_READY, epoch);
  do
    ++next_number;
  while (inward.contains(next_number));
  f.request.feed = next_number;
  inward_by_id.emplace(f.id, next_number);
  auto& kept = inward.emplace(next_number, std::move(f)).first->second;
  if (!start(kept)) {
    waiting_for_catalog.push_back(kept.request.feed);
    arm();
  }
}

/// False: the catalog does not know the biz yet.
bool peer_state::start(inward_feed& x) {
  auto now = self->clock().now();
  x.request.biz = sv->catalog.load()->biz(x.request.stream.app, x.request.stream.biz);
  if (!x.request.biz) {
    if (!x.until)
      x.until = now + sv->limit.catalog_patience;
    if (now < *x.until)
      return false;
    end(x.request.feed, pb::UNKNOWN_BIZ);
    return true;
  }
  if (sv->where.led_epoch(x.partition) == 0) {
    end(x.request.feed, pb::NOT_OWNER);
    return true;
  }
  self->send(sv->where.partition(x.partition), atom::attach::value,
      caf::actor_cast<feed_sink_actor>(self), x.request);
  return true;
}

void peer_state::take_pull(const pb::Pull& x) {
  auto i = inward_by_id.find(x.feed());
  if (i == inward_by_id.end())
    return say_ended(x.feed(), pb::NOT_READY, 0);
  auto& f = inward.at(i->second);
  if (f.source)
    self->send(f.source, atom::pull::value, caf::actor_cast<feed_sink_actor>(self),
        pull_request{f.request.stream, f.request.device, f.request.feed, x.after(),
            std::min(x.max_ops(), max_pull_ops), std::min(x.max_bytes(), max_pull_bytes)});
}

void peer_state::take_ack(const pb::Ack& x) {
  auto i = inward_by_id.find(x.feed());
  if (i == inward_by_id.end())
    return say_ended(x.feed(), pb::NOT_READY, 0);
  auto& f = inward.at(i->second);
  if (f.source)
    self->send(
        f.source, atom::ack::value, ack_note{f.request.stream, f.request.subject, take(x.at())});
}

void peer_state::take_detach(std::uint64_t id) {
  auto i = inward_by_id.find(id);
  if (i == inward_by_id.end())
    return;
  auto number = i->second;
  auto& f = inward.at(number);
  if (f.source) // else when it answers
    self->send(f.source, atom::detach::value, caf::actor_cast<feed_sink_actor>(self),
        detach_note{f.request.stream, f.request.device, number});
  forget_inward(number);
}

// -- what streams say ----------------------------------------------------------------------------

void peer_state::attached(const attached_note& x) {
  auto i = inward.find(x.feed);
  auto source = caf::actor_cast<feed_source_actor>(self->current_sender());
  if (i == inward.end()) {
    detach_note leave;
    leave.feed = x.feed;
    if (x.code == ec::none)
      self->send(
          source, atom::detach::value, caf::actor_cast<feed_sink_actor>(self), std::move(leave));
    return;
  }
  auto& f = i->second;
  auto& out = *add_event(32).mutable_attached();
  put(out, x);
  out.set_feed(f.id);
  touch(f);
  if (x.code != ec::none)
    return forget_inward(x.feed);
  f.epoch = x.start.epoch;
  f.latest = x.latest;
  auto& of = of_source[source.address()];
  if (of.empty())
    self->monitor(source);
  of.push_back(x.feed);
  f.source = std::move(source);
}

void peer_state::ops(const feed_ops& x) {
  auto i = inward.find(x.feed);
  if (i == inward.end())
    return;
  auto& f = i->second;
  f.latest = std::max(f.latest, x.latest);
  if (!x.page) {
    if (feeds_blocked)
      return miss(f);
    // The same batch for another feed: one event, unless this feed has heard something since.
    auto known = event_of.find(x.batch.get());
    if (known != event_of.end() && (f.round != round || f.last_event < known->second)) {
      auto& out = *events.mutable_events(known->second)->mutable_ops();
      out.add_feeds(f.id);
      out.set_latest(std::max<std::uint64_t>(out.latest(), x.latest));
      f.round = round;
      f.last_event = known->second;
      return;
    }
  }
  auto& out = *add_event(x.batch ? x.batch->payload_bytes() : 0).mutable_ops();
  out.add_feeds(f.id);
  put(out, x);
  if (feeds_blocked && x.page && x.batch) { // whoever asked for the page asks again
    out.clear_ops();
    out.set_code(static_cast<std::uint32_t>(ec::overloaded));
  }
  touch(f);
  if (!x.page) {
    event_of[x.batch.get()] = f.last_event;
    gathered.push_back(x.batch);
  }
}

void peer_state::moved(const feed_moved& x) {
  auto i = inward.find(x.feed);
  if (i == inward.end())
    return;
  i->second.epoch = x.to.epoch;
  auto& out = *add_event(16).mutable_moved();
  put(out, x);
  out.set_feed(i->second.id);
  touch(i->second);
}

void peer_state::lost(const feed_lost& x) {
  if (inward.contains(x.feed))
    end(x.feed, pb::NOT_OWNER);
}

void peer_state::touch(inward_feed& x) {
  x.round = round;
  x.last_event = events.events_size() - 1;
}

// -- the end of a feed ---------------------------------------------------------------------------

void peer_state::end(std::uint32_t number, pb::Refusal why) {
  auto& f = inward.at(number);
  say_ended(f.id, why, sv->where.led_epoch(f.partition));
  forget_inward(number);
}

void peer_state::say_ended(std::uint64_t id, pb::Refusal why, std::uint64_t epoch) {
  auto& out = *add_event(8).mutable_ended();
  out.set_feed(id);
  out.set_refusal(why);
  out.set_epoch(epoch);
}

void peer_state::forget_inward(std::uint32_t number) {
  auto i = inward.find(number);
  inward_by_id.erase(i->second.id);
  auto source = i->second.source;
  inward.erase(i);
  if (!source)
    return;
  auto of = of_source.find(source.address());
  if (of == of_source.end())
    return;
  std::erase(of->second, number);
  if (of->second.empty()) {
    of_source.erase(of);
    self->demonitor(source.address());
  }
}

// -- live ops that did not fit -------------------------------------------------------------------

void peer_state::miss(inward_feed& x) {
  if (x.missed || x.latest == 0)
    return;
  x.missed = true;
  missed.push_back(x.request.feed);
}

/// An empty batch at the newest id: who is behind it pulls.
void peer_state::tell_missed() {
  auto numbers = std::move(missed);
  missed.clear();
  for (auto number : numbers) {
    auto i = inward.find(number);
    if (i == inward.end() || !std::exchange(i->second.missed, false))
      continue;
    auto& out = *add_event(16).mutable_ops();
    out.add_feeds(i->second.id);
    out.set_epoch(i->second.epoch);
    out.set_after(i->second.latest);
    out.set_upto(i->second.latest);
    out.set_latest(i->second.latest);
    touch(i->second);
  }
}

} // namespace shoal
