// What a session does with what the server says. The data is in session.hpp.
#include <algorithm>
#include <exception>
#include <utility>

#include "protocol/device.pb.h"
#include "tools/sdk/cpp/session.hpp"

namespace shoal::sdk {

namespace {

constexpr std::size_t ack_gather_limit = 64;

template <class Message>
bool parse(const frame& x, Message& out) {
  return out.ParseFromString(x.body);
}

position from_wire(const wire::Position& x) { return {x.epoch(), x.id()}; }

} // namespace

void session::dispatch(const frame& x, time_point now, std::int64_t wall_ms) {
  auto malformed = [&] { finish(ec::session_lost, "the server sent a malformed message"); };
  auto take = [&]<class Message>(
                  Message m, auto&& then) { return parse(x, m) ? then(m) : malformed(); };
  switch (x.type) {
  case frame_type::welcome:
    return take(wire::Welcome{}, [&](auto& m) { on_welcome(m, now, wall_ms); });
  case frame_type::bound:
    return take(wire::Bound{}, [&](auto& m) { on_bound(m, now); });
  case frame_type::subscribed:
    return take(wire::Subscribed{}, [&](auto& m) { on_subscribed(m, now); });
  case frame_type::ops:
    return take(wire::Ops{}, [&](auto& m) { on_ops(m, now); });
  case frame_type::reset:
    return take(wire::Reset{}, [&](auto& m) { on_reset(m); });
  case frame_type::pong:
    return ping_sent_.reset();
  case frame_type::close:
    return take(wire::Close{}, [&](auto& m) { on_close(m, wall_ms); });
  case frame_type::ping:
    return take(wire::Ping{}, [&](auto& m) {
      auto answer = wire::Pong{};
      answer.set_number(m.number());
      send(frame_type::pong, answer, now);
    });
  default:
    return; // a newer server's frame: ignored
  }
}

void session::on_welcome(const wire::Welcome& m, time_point now, std::int64_t wall_ms) {
  welcomed_ = true;
  welcomed_at_ = now;
  corrected_ = false;
  zstd_ = m.zstd();
  if (m.heartbeat_s() > 0)
    heartbeat_ = std::chrono::seconds{m.heartbeat_s()};
  // Half a window at the latest, so that the server need not pause while acks are gathered.
  auto half = [](std::uint32_t window) { return std::max<std::size_t>(1, window / 2); };
  ack_ops_limit_ = m.window_ops() ? std::min(ack_gather_limit, half(m.window_ops())) : 1;
  ack_bytes_limit_ = m.window_bytes() ? half(m.window_bytes()) : 1;
  correct_clock(m.server_time_ms(), wall_ms);
  events_.on_online();
}

void session::on_bound(const wire::Bound& m, time_point now) {
  if (m.binding() > 0)
    binding_ = m.binding();
  if (bounds_awaited_ > 0)
    --bounds_awaited_;
  if (bounds_awaited_ > 0)
    return; // of a wish that has changed since
  auto code = static_cast<ec>(m.code());
  // A check that failed is made again, also if the server bound the user without it.
  auto failure = code != ec::none ? code : static_cast<ec>(m.unverified());
  auto token_refused = failure == ec::bad_token || failure == ec::token_expired;
  if (failure == ec::none) {
    bind_failures_ = 0;
  } else if (token_refused && !token_retried_) {
    token_retried_ = true; // it may have expired on the way: one fresh token
    return send_bind(now);
  } else if (auto what = disposition_of(failure);
             what == disposition::retry_now || what == disposition::retry_later) {
    bind_due_ = now + retry_pause + backoff(++bind_failures_);
  }
  events_.on_bound(m.user(), code, m.text());
}

void session::on_subscribed(const wire::Subscribed& m, time_point now) {
  auto i = feeds_.find(m.biz());
  if (i == feeds_.end())
    return;
  auto& f = i->second;
  if (f.unanswered > 0)
    --f.unanswered;
  if (f.unanswered > 0 || bounds_awaited_ > 0 || !f.wanted)
    return;
  auto code = static_cast<ec>(m.code());
  if (code == ec::none) {
    f.active = true;
    f.at = from_wire(m.position());
    if (f.at.epoch != 0)
      positions_.save(user_, i->first, f.at);
  } else if (disposition_of(code) != disposition::give_up) {
    if (disposition_of(code) == disposition::resync)
      positions_.forget(user_, i->first);
    subscribe_due_ = now + retry_pause;
  }
  events_.on_subscribed(i->first, code, m.text());
}

void session::on_ops(const wire::Ops& m, time_point now) {
  auto i = feeds_.find(m.biz());
  if (i == feeds_.end() || !i->second.active)
    return; // of a feed that has ended on our side; delivered again when it is subscribed
  auto& f = i->second;
  try {
    if (m.epoch() != 0)
      return handle_persistent(f, m, now);
    for (auto& x : m.ops())
      events_.on_op({m.biz(), {}, x.payload(), x.time_ms(), x.key()});
  } catch (const std::exception& e) {
    finish(ec::session_lost, std::string{"handler failed: "} + e.what());
  }
}

void session::handle_persistent(feed& f, const wire::Ops& m, time_point now) {
  if (m.epoch() != f.at.epoch || m.after() > f.at.id)
    return finish(ec::session_lost, "the server left a gap");
  auto advance = [&](std::uint64_t id) {
    f.at.id = id;
    positions_.save(user_, m.biz(), f.at);
  };
  auto bytes = std::size_t{0};
  for (auto& x : m.ops()) {
    bytes += x.payload().size();
    if (x.id() <= f.at.id)
      continue;
    events_.on_op({m.biz(), {m.epoch(), x.id()}, x.payload(), x.time_ms(), x.key()});
    advance(x.id());
  }
  if (m.upto() > f.at.id)
    advance(m.upto());
  gather_ack(m.biz(), {m.epoch(), m.upto()}, static_cast<std::size_t>(m.ops_size()), bytes, now);
}

void session::gather_ack(
    const std::string& biz, position at, std::size_t ops, std::size_t bytes, time_point now) {
  auto& entry = acks_[biz];
  entry = std::max(entry, at);
  acks_ops_ += ops;
  acks_bytes_ += bytes;
  if (acks_ops_ >= ack_ops_limit_ || acks_bytes_ >= ack_bytes_limit_)
    flush_acks(now);
  else if (!ack_due_)
    ack_due_ = now + options_.ack_delay;
}

void session::on_reset(const wire::Reset& m) {
  auto i = feeds_.find(m.biz());
  if (i == feeds_.end() || !i->second.wanted || i->second.unanswered > 1 || bounds_awaited_ > 0)
    return;
  auto to = position{m.epoch(), m.id()};
  i->second.at = to;
  acks_.erase(i->first);
  positions_.save(user_, i->first, to);
  auto number = static_cast<int>(m.reason());
  auto known = number >= 1 && number <= static_cast<int>(reset_why::consumed_elsewhere);
  events_.on_reset(i->first, to, known ? static_cast<reset_why>(number) : reset_why::trimmed);
}

void session::on_close(const wire::Close& m, std::int64_t wall_ms) {
  auto code = m.code() == 0 ? ec::session_lost : static_cast<ec>(m.code());
  finish(code, m.text());
  end_retry_after_ = milliseconds{m.retry_after_ms()};
  if (code == ec::clock_skew)
    correct_clock(m.server_time_ms(), wall_ms);
  if (disposition_of(code) == disposition::resync)
    forget_positions();
}

} // namespace shoal::sdk
