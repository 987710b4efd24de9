#include "actors/remote/peer.hpp"

#include <random>

#include <nlohmann/json.hpp>

#include "actors/log.hpp"
#include "actors/registry/watched.hpp"

namespace shoal {

namespace {

constexpr auto tick_interval = std::chrono::milliseconds{50};

std::uint64_t random_number() {
  std::random_device source;
  return (std::uint64_t{source()} << 32) | source() | 1;
}

} // namespace

// -- the link ------------------------------------------------------------------------------------

void peer_state::up() {
  forget_session();
  linked = true;
  greet = true;
  sv->remote->set_ready(node, true);
  schedule();
}

void peer_state::down() {
  linked = false;
  sv->remote->set_ready(node, false);
  forget_session();
}

void peer_state::forget_session() {
  other_session = 0;
  events.Clear();
  event_bytes = 0;
  event_of.clear();
  gathered.clear();
  ack_of.clear();
  ++round;
  calls.Clear();
  call_bytes = 0;
  feeds_blocked = calls_blocked = false;
  waiting_for_catalog.clear();
  missed.clear();

  auto sinks = std::move(outward);
  outward.clear();
  for (auto& [addr, ids] : of_sink)
    self->demonitor(addr);
  of_sink.clear();
  for (auto& [id, x] : sinks)
    self->send(x.sink, atom::lost::value, feed_lost{x.number});

  for (auto& [addr, numbers] : of_source)
    self->demonitor(addr);
  of_source.clear();
  auto me = caf::actor_cast<feed_sink_actor>(self);
  for (auto& [number, x] : inward)
    if (x.source) // else its stream hears of it when it answers
      self->send(x.source, atom::detach::value, me,
          detach_note{x.request.stream, x.request.device, number});
  inward.clear();
  inward_by_id.clear();

  auto asked = std::move(questions);
  questions.clear();
  for (auto& [id, x] : asked)
    tell(x, x.sent ? remote_answer::outcome::lost : remote_answer::outcome::not_sent);
}

void peer_state::start_over(const char* why) {
  shoal::log::warn("conversation with a node starts over", {{"node", node}, {"why", why}});
  forget_session();
  session = random_number();
  greet = true;
  schedule();
}

/// A control frame is for one of two shares; its first byte, the field's tag, says for which.
void peer_state::take_control(const std::string& body) {
  constexpr auto gateway_tag = '\x1a', gateway_have_tag = '\x22', services_tag = '\x32';
  if (!body.empty() &&
      (body[0] == gateway_tag || body[0] == gateway_have_tag || body[0] == services_tag)) {
    if (auto share = sv->remote->gateway_share())
      self->send(share, atom::frame::value, node, body);
  } else if (auto share = sv->remote->catalog_share()) {
    self->send(share, atom::frame::value, node, body);
  }
}

void peer_state::frame(const peer_frame& x) {
  if (!linked)
    return;
  if (x.kind == cluster::traffic::calls)
    return take_calls(x.body);
  if (x.kind == cluster::traffic::control)
    return take_control(x.body);
  if (x.kind != cluster::traffic::feeds)
    return;
  pb::Feeds in;
  if (!in.ParseFromString(x.body))
    return start_over("a frame of feeds cannot be read");
  if (other_session != 0 && in.session() != other_session)
    forget_session(); // its peer actor died and came back
  other_session = in.session();
  for (auto& e : in.events())
    switch (e.what_case()) {
    case pb::FeedEvent::kAttach:
      take_attach(e.attach());
      break;
    case pb::FeedEvent::kPull:
      take_pull(e.pull());
      break;
    case pb::FeedEvent::kAck:
      take_ack(e.ack());
      break;
    case pb::FeedEvent::kDetach:
      take_detach(e.detach());
      break;
    case pb::FeedEvent::kAttached:
      take_attached(e.attached());
      break;
    case pb::FeedEvent::kOps:
      take_ops(e.ops());
      break;
    case pb::FeedEvent::kMoved:
      take_moved(e.moved());
      break;
    case pb::FeedEvent::kEnded:
      take_ended(e.ended());
      break;
    case pb::FeedEvent::WHAT_NOT_SET: // of a newer version
      break;
    }
}

void peer_state::schedule() {
  if (flushing || !linked)
    return;
  flushing = true;
  self->send(self, atom::call::value); // behind everything that is in the mailbox already
}

void peer_state::flush() {
  flushing = false;
  if (!linked)
    return;
  if (!feeds_blocked)
    feeds_blocked = !send_feeds();
  if (!calls_blocked)
    calls_blocked = !send_calls();
  arm();
}

pb::FeedEvent& peer_state::add_event(std::size_t bytes) {
  if (event_bytes >= sv->limit.peer_frame && !feeds_blocked)
    feeds_blocked = !send_feeds();
  event_bytes += bytes + 16;
  schedule();
  return *events.add_events();
}

bool peer_state::send_feeds() {
  if (events.events().empty() && !greet)
    return true;
  events.set_session(session);
  if (!sv->remote->send(node, cluster::traffic::feeds, events.SerializeAsString())) {
    keep_what_must_arrive();
    return false;
  }
  greet = false;
  events.Clear();
  event_bytes = 0;
  event_of.clear();
  gathered.clear();
  ack_of.clear();
  ++round;
  return true;
}

void peer_state::keep_what_must_arrive() {
  pb::Feeds kept;
  ack_of.clear();
  event_bytes = 0;
  for (auto& e : *events.mutable_events()) {
    if (e.has_ops() && !e.ops().page()) {
      for (auto id : e.ops().feeds())
        if (auto i = inward_by_id.find(id); i != inward_by_id.end())
          miss(inward.at(i->second));
      continue;
    }
    if (e.has_ops()) { // whoever asked for the page asks again
      e.mutable_ops()->clear_ops();
      e.mutable_ops()->set_code(static_cast<std::uint32_t>(ec::overloaded));
    }
    if (e.has_ack())
      ack_of[e.ack().feed()] = kept.events_size();
    event_bytes += 32;
    kept.add_events()->Swap(&e);
  }
  events.Swap(&kept);
  event_of.clear();
  gathered.clear();
  ++round;
}

void peer_state::arm() {
  if (ticking ||
      (!feeds_blocked && !calls_blocked && waiting_for_catalog.empty() && questions.empty()))
    return;
  ticking = true;
  self->delayed_send(self, tick_interval, atom::tick::value);
}

void peer_state::tick() {
  ticking = false;
  auto now = self->clock().now();
  while (!questions.empty() && questions.begin()->second.deadline <= now) {
    tell(questions.begin()->second, remote_answer::outcome::lost);
    questions.erase(questions.begin());
  }
  std::erase_if(waiting_for_catalog, [&](std::uint32_t number) {
    auto i = inward.find(number);
    return i == inward.end() || start(i->second);
  });
  if (feeds_blocked && linked && send_feeds()) {
    feeds_blocked = false;
    tell_missed();
  }
  if (calls_blocked && linked)
    calls_blocked = !send_calls();
  arm();
}

// -- the actor -----------------------------------------------------------------------------------

std::string peer_state::status() const {
  return nlohmann::json{{"node", node}, {"linked", linked}, {"feeds_there", outward.size()},
      {"feeds_here", inward.size()}, {"questions", questions.size()},
      {"feeds_blocked", feeds_blocked}, {"calls_blocked", calls_blocked}}
      .dump();
}

void peer_state::source_or_sink_down(const caf::down_msg& dm) {
  if (auto i = of_sink.find(dm.source); i != of_sink.end()) {
    auto ids = std::move(i->second);
    of_sink.erase(i);
    for (auto id : ids) {
      outward.erase(id);
      say_detach(id);
    }
  }
  if (auto i = of_source.find(dm.source); i != of_source.end()) {
    auto numbers = std::move(i->second);
    of_source.erase(i);
    auto planned = dm.reason == caf::exit_reason::user_shutdown;
    for (auto number : numbers) {
      inward.at(number).source = feed_source_actor{};
      end(number, planned ? pb::NOT_READY : pb::BUSY);
    }
  }
}

peer_actor::behavior_type peer(
    peer_actor::stateful_pointer<peer_state> self, services_ptr services, std::string node) {
  auto& st = self->state;
  st.sv = std::move(services);
  st.node = std::move(node);
  st.session = random_number();
  st.next_feed = random_number() >> 16 << 16; // nothing of a predecessor is taken for ours
  st.next_question = st.next_feed;
  self->set_down_handler([self](const caf::down_msg& dm) { self->state.source_or_sink_down(dm); });
  // Nobody hands anything to a dead peer for long: the next one says when it is ready.
  self->attach_functor([remote = st.sv->remote, other = st.node](
                           const caf::error&) { remote->set_ready(other, false); });
  if (st.sv->remote->linked(st.node))
    self->send(caf::actor_cast<peer_actor>(self), atom::up::value);
  return {
      [self](atom::call, const remote_question& x) { self->state.ask(x); },
      [self](atom::attached, const attached_note& x) { self->state.attached(x); },
      [self](atom::ops, const feed_ops& x) { self->state.ops(x); },
      [self](atom::moved, const feed_moved& x) { self->state.moved(x); },
      [self](atom::lost, const feed_lost& x) { self->state.lost(x); },
      // Attaches come from stand-ins, which know the leader.
      [](atom::attach, const feed_sink_actor&, const attach_request&) {},
      [self](atom::detach, const feed_sink_actor& sink, const detach_note& x) {
        self->state.detach(sink, x);
      },
      [self](atom::pull, const feed_sink_actor& sink, const pull_request& x) {
        self->state.pull(sink, x);
      },
      [self](atom::ack, const ack_note& x) { self->state.acknowledge(x); },
      [self](atom::answer, const remote_answer& x) { self->state.answer(x); },
      [self](atom::frame, const peer_frame& x) { self->state.frame(x); },
      [self](atom::up) { self->state.up(); },
      [self](atom::down) { self->state.down(); },
      [self](atom::attach, const feed_sink_actor& sink, const remote_attach& x) {
        self->state.attach(sink, x);
      },
      [self](atom::call) { self->state.flush(); },
      [self](atom::tick) { self->state.tick(); },
      [self](atom::status) { return self->state.status(); },
  };
}

peer_actor spawn_peer(caf::actor_system& sys, const services_ptr& services, const std::string& node,
    actor_registry* actors) {
  services->remote->set_ready(node, false);
  auto hdl = spawn_watched(sys, actors, below_root(actors, node, "peer"), peer, services, node);
  services->remote->set_peer(node, hdl);
  return hdl;
}

} // namespace shoal
