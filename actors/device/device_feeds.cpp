// What a device does with its subscriptions. The data is in device.hpp, the rules in feed.hpp.
#include <algorithm>
#include <utility>

#include "actors/catalog/user_check.hpp"
#include "actors/device/device.hpp"
#include "actors/stream/filter.hpp"
#include "protocol/device.pb.h"

namespace shoal {

namespace {

constexpr auto tick_interval = std::chrono::seconds{2};
constexpr std::uint64_t acks_gathered =
    64; // passed on to the source at once when there are that many
constexpr std::int64_t pull_retry_ms = 2'000;
constexpr std::uint32_t max_source_deaths = 5;
constexpr std::int64_t attach_patience_ms = 10'000; // a fail-over takes less

shared_bytes encode(frame_type type, const google::protobuf::MessageLite& x) {
  return std::make_shared<const std::string>(encode_frame(type, x.SerializeAsString()));
}

bool global(const biz_config& biz) { return biz.scope == biz_scope::global; }

stream_key stream_of(const biz_config& biz, const device_info& info) {
  if (global(biz))
    return {info.app, principal::global(), biz.no};
  if (biz.target == biz_target::user)
    return {info.app, principal::user(info.user), biz.no};
  return {info.app, principal::device(info.device), biz.no};
}

/// Whose cursor a feed moves (storage/keys.hpp).
std::string subject_of(const biz_config& biz, const device_info& info) {
  if (biz.target == biz_target::device)
    return info.device;
  if (global(biz))
    return info.device + '\0' + info.user;
  return biz.multi_device ? info.device : info.user;
}

} // namespace

device_state::subscription* device_state::find(std::uint32_t number) {
  for (auto& x : feeds)
    if (x.number == number)
      return &x;
  return nullptr;
}

device_state::subscription* device_state::find(const std::string& biz) {
  for (auto& x : feeds)
    if (x.rules.biz()->name == biz)
      return &x;
  return nullptr;
}

// -- subscribing ---------------------------------------------------------------------------------

void device_state::subscribe(const std::string& body) {
  wire::Subscribe x;
  if (!x.ParseFromString(body))
    return close(ec::bad_message, "Subscribe cannot be read");
  for (auto& entry : x.entries()) {
    std::optional<position> claimed;
    if (entry.has_position())
      claimed = position{entry.position().epoch(), entry.position().id()};
    subscribe_one(entry.biz(), claimed);
  }
}

ec device_state::may_subscribe(const biz_ptr& biz) const {
  if (!biz)
    return ec::unknown_biz;
  if (!biz->online)
    return ec::biz_offline;
  if (biz->target == biz_target::user && info->user.empty())
    return ec::not_bound;
  if (!user_suffices(*biz))
    return ec::user_not_verified;
  if (feeds.size() >= sv->limit.subscriptions)
    return ec::too_many_subscriptions;
  return ec::none;
}

/// By the settings as they are now: an app may have taken back what it gave to unverified users.
bool device_state::user_suffices(const biz_config& biz) const {
  if (info->user_verified || biz.target != biz_target::user)
    return true;
  auto app = sv->catalog.load()->app(info->app);
  return app && app->users.bind_unverified && !demands_verified_user(biz);
}

/// Whoever is not verified is asked again for each batch, so that a biz that demands it from now on
/// is not read by who subscribed before. Ends the feed and tells the device.
bool device_state::lost_permission(subscription& s) {
  if (info->user_verified || s.rules.biz()->target != biz_target::user)
    return false;
  auto biz = sv->catalog.load()->biz(info->app, s.rules.biz()->name);
  if (biz && user_suffices(*biz))
    return false;
  send_subscribed(s.rules.biz()->name, ec::user_not_verified, {}, 0);
  s.owed -= std::min(s.owed, 1u);
  drop(static_cast<std::size_t>(&s - feeds.data()));
  return true;
}

void device_state::subscribe_one(const std::string& biz_name, std::optional<position> claimed) {
  auto owed = std::uint32_t{1};
  for (std::size_t i = 0; i < feeds.size(); ++i)
    if (feeds[i].rules.biz()->name == biz_name) {
      owed += std::exchange(feeds[i].owed, 0); // answered together with this one
      drop(i);                                 // subscribing again starts over
      break;
    }
  auto biz = sv->catalog.load()->biz(info->app, biz_name);
  if (auto code = may_subscribe(biz); code != ec::none)
    return answer_subscribe(biz_name.substr(0, 64), owed, code, {}, 0);
  feeds.push_back({feed{biz, stream_of(*biz, *info), subject_of(*biz, *info)}, next_feed++, {},
      claimed, 0, 0, owed});
  attach(feeds.back());
}

void device_state::attach(subscription& x) {
  auto& id = x.rules.stream();
  attach_request request{id, x.rules.biz(), x.rules.subject(), info->device, x.claimed, x.number};
  auto sink = caf::actor_cast<feed_sink_actor>(self);
  if (id.who.kind == principal_kind::global)
    self->send(sv->where.relay(id.app), atom::attach::value, sink, std::move(request));
  else
    self->send(sv->where.owner_of(id.app, id.who), atom::attach::value, sink, std::move(request));
  x.asked_ms = sv->steady_ms();
  arm();
}

/// Who was asked may have died with the question, and nobody says so. An answer that comes after
/// all is for a feed that there is no more.
void device_state::attach_if_forgotten(subscription& x) {
  if (x.source || sv->steady_ms() - x.asked_ms < attach_patience_ms)
    return;
  x.number = next_feed++;
  attach(x);
}

void device_state::attached(const attached_note& note) {
  auto* s = find(note.feed);
  if (s == nullptr && note.code == ec::none) { // unsubscribed meanwhile
    auto source = caf::actor_cast<feed_source_actor>(self->current_sender());
    detach_note leave;
    leave.feed = note.feed;
    self->send(
        source, atom::detach::value, caf::actor_cast<feed_sink_actor>(self), std::move(leave));
  }
  if (s == nullptr || closing)
    return;
  auto& biz = s->rules.biz()->name;
  if (note.code != ec::none) {
    s->owed = std::max(s->owed, 1u); // that it is served no more is news, too
    answer_subscribe(biz, s->owed, note.code, {}, 0);
    drop(static_cast<std::size_t>(s - feeds.data()));
    return;
  }
  auto source = caf::actor_cast<feed_source_actor>(self->current_sender());
  if (feeds_of(source) == 0)
    self->monitor(source);
  s->source = std::move(source);
  if (note.reset != reset_reason::none)
    s->rules.forget_sent();
  s->rules.start(note.start, note.latest, credit);
  s->told_source = note.start.id;
  if (note.reset != reset_reason::none)
    send_reset(*s, note.start, note.reset);
  // Nothing is owed if the source died and came back: that is no news for the device.
  answer_subscribe(biz, s->owed, ec::none, note.start, note.latest);
  pull(*s);
}

void device_state::answer_subscribe(
    const std::string& biz, std::uint32_t& owed, ec code, position at, std::uint64_t latest) {
  for (; owed > 0; --owed)
    send_subscribed(biz, code, at, latest);
}

void device_state::send_subscribed(
    const std::string& biz, ec code, position at, std::uint64_t latest) {
  wire::Subscribed out;
  out.set_biz(biz);
  out.set_code(static_cast<std::uint32_t>(code));
  if (code != ec::none) {
    out.set_text(std::string{to_string(code)});
  } else {
    out.mutable_position()->set_epoch(at.epoch);
    out.mutable_position()->set_id(at.id);
    out.set_latest(latest);
  }
  wire->send(encode(frame_type::subscribed, out));
}

void device_state::unsubscribe(const std::string& body) {
  wire::Unsubscribe x;
  if (!x.ParseFromString(body))
    return close(ec::bad_message, "Unsubscribe cannot be read");
  for (auto& biz : x.biz())
    if (auto* s = find(biz))
      drop(static_cast<std::size_t>(s - feeds.data()));
}

void device_state::drop(std::size_t index) {
  auto& x = feeds[index];
  answer_subscribe(x.rules.biz()->name, x.owed, ec::stale_binding, {}, 0);
  pass_ack_on(x);
  x.rules.release(credit);
  if (x.source) {
    if (feeds_of(x.source) == 1) // demonitor ends all monitoring of it, so only with its last feed
      self->demonitor(x.source.address());
    self->send(x.source, atom::detach::value, caf::actor_cast<feed_sink_actor>(self),
        detach_note{x.rules.stream(), info->device, x.number});
  }
  feeds.erase(feeds.begin() + static_cast<std::ptrdiff_t>(index));
}

std::ptrdiff_t device_state::feeds_of(const feed_source_actor& source) const {
  return std::count_if(
      feeds.begin(), feeds.end(), [&](auto& x) { return x.source && x.source == source; });
}

void device_state::source_down(const caf::down_msg& dm) {
  auto planned = dm.reason == caf::exit_reason::user_shutdown; // its partition goes elsewhere
  for (auto& x : feeds)
    if (x.source && x.source.address() == dm.source) {
      if (!planned && ++x.source_deaths > max_source_deaths)
        return close(ec::session_lost, "the stream cannot be served");
      attach_again(x);
    }
}

void device_state::source_lost(const feed_lost& x) {
  auto* s = find(x.feed);
  if (s != nullptr && !closing)
    attach_again(*s);
}

void device_state::attach_again(subscription& x) {
  if (x.source && feeds_of(x.source) == 1)
    self->demonitor(x.source.address());
  x.source = feed_source_actor{};
  if (x.rules.live())
    x.claimed = position{x.rules.epoch(), x.rules.told()};
  attach(x);
}

// -- ops -----------------------------------------------------------------------------------------

void device_state::take(const feed_ops& x) {
  auto* s = find(x.feed);
  if (s == nullptr || closing || lost_permission(*s))
    return;
  if (!x.batch) {
    s->rules.pull_failed(sv->steady_ms() + pull_retry_ms);
    if (x.code == ec::quarantined)
      send_subscribed(s->rules.biz()->name, x.code, {}, 0);
    return arm();
  }
  if (!s->rules.biz()->persistent)
    return take_ephemeral(*s, x);
  auto out = s->rules.take(x, *info, sv->now(), credit);
  put(*s, out);
  if (out.send)
    measure(*x.batch);
  pull(*s);
}

void device_state::take_ephemeral(subscription& s, const feed_ops& x) {
  std::vector<storage::op_ptr> ops;
  for (auto& op : x.batch->ops)
    if (filter_matches(op->filter, *info) && validity_of(*op, sv->now_ms()) == validity::valid)
      ops.push_back(op);
  if (ops.size() == x.batch->ops.size())
    wire->send(x.batch->frame(how));
  else if (!ops.empty())
    wire->send(encode_ops(*s.rules.biz(), 0, 0, 0, ops, how));
  sv->count->delivered_ops += ops.size();
  if (!ops.empty())
    measure(*x.batch);
}

/// A page from the disk or from memory is no live batch: it waited for the device.
void device_state::measure(const op_batch& batch) const {
  if (batch.accepted_us != 0)
    sv->count->delivery.add(std::chrono::microseconds{steady_us() - batch.accepted_us});
}

void device_state::put(subscription& s, const feed_output& out) {
  if (out.send) {
    auto ops = out.whole ? out.whole->ops.size() : out.part.size();
    sv->count->delivered_ops += ops;
    wire->send(out.whole ? out.whole->frame(how)
                         : encode_ops(*s.rules.biz(), s.rules.epoch(), out.after, out.upto,
                               out.part, how));
  }
  arm();
}

void device_state::moved(const feed_moved& x) {
  auto* s = find(x.feed);
  if (s == nullptr || closing)
    return;
  if (x.reason != reset_reason::none)
    s->rules.forget_sent();
  s->rules.start(x.to, x.latest, credit);
  s->told_source = x.to.id;
  if (x.reason != reset_reason::none)
    send_reset(*s, x.to, x.reason);
  pull(*s);
}

void device_state::send_reset(const subscription& s, position at, reset_reason why) {
  ++sv->count->resets;
  wire::Reset out;
  out.set_biz(s.rules.biz()->name);
  out.set_epoch(at.epoch);
  out.set_id(at.id);
  out.set_reason(static_cast<wire::ResetReason>(why));
  wire->send(encode(frame_type::reset, out));
}

void device_state::pull(subscription& s) {
  if (!s.source || !s.rules.wants_pull(credit, sv->now()))
    return;
  self->send(s.source, atom::pull::value, caf::actor_cast<feed_sink_actor>(self),
      pull_request{s.rules.stream(), info->device, s.number, s.rules.seen(),
          std::min(sv->limit.page_ops, credit.room_ops()),
          std::min(sv->limit.page_bytes, credit.room_bytes())});
}

void device_state::pull_all() {
  for (auto& x : feeds)
    pull(x);
}

// -- acknowledgements ----------------------------------------------------------------------------

void device_state::acknowledge(const std::string& body) {
  wire::Ack x;
  if (!x.ParseFromString(body))
    return close(ec::bad_message, "Ack cannot be read");
  for (auto& entry : x.entries()) {
    auto* s = find(entry.biz());
    if (s == nullptr || !s->rules.live() || entry.epoch() != s->rules.epoch())
      continue; // late, for a feed that ended
    if (s->rules.biz()->target == biz_target::user && x.binding() != binding)
      continue; // about the user before
    if (s->rules.acknowledge(entry.id(), credit, sv->steady_ms()) != ec::none)
      return close(ec::bad_position, "acknowledged what was never sent");
    auto& biz = *s->rules.biz();
    auto turns = biz.target == biz_target::user && !biz.multi_device; // others wait for these
    if (turns || s->rules.acked() - s->told_source >= acks_gathered)
      pass_ack_on(*s);
  }
  pull_all();
  arm();
}

void device_state::pass_ack_on(subscription& s) {
  if (!s.source || s.rules.acked() <= s.told_source)
    return;
  s.told_source = s.rules.acked();
  self->send(s.source, atom::ack::value,
      ack_note{s.rules.stream(), s.rules.subject(), {s.rules.epoch(), s.told_source}});
}

// -- time ----------------------------------------------------------------------------------------

void device_state::arm() {
  if (ticking || closing)
    return;
  auto waits = [](const subscription& x) {
    return x.rules.oldest_unacked_ms() || x.rules.untold() || x.rules.waits() ||
           x.rules.acked() > x.told_source || !x.source;
  };
  ticking = facts_changed || std::any_of(feeds.begin(), feeds.end(), waits);
  if (ticking)
    self->delayed_send(self, tick_interval, atom::tick::value);
}

void device_state::tick() {
  ticking = false;
  if (closing)
    return;
  if (facts_changed)
    store_facts(); // once for a hello and the bind that follows it
  auto now = sv->steady_ms();
  for (auto& x : feeds) {
    auto oldest = x.rules.oldest_unacked_ms();
    if (oldest && now - *oldest > std::chrono::milliseconds{sv->limit.ack_timeout}.count()) {
      ++sv->count->ack_timeouts;
      return close(ec::ack_missed, "ops of " + x.rules.biz()->name + " stay unacknowledged");
    }
    attach_if_forgotten(x);
    pass_ack_on(x);
    put(x, x.rules.tell(now));
    pull(x);
  }
  arm();
}

} // namespace shoal
