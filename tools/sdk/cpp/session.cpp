#include "tools/sdk/cpp/session.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "protocol/device.pb.h"
#include "protocol/signing.hpp"

namespace shoal::sdk {

using namespace std::chrono_literals;

namespace {

constexpr auto protocol_version = 1u;
constexpr auto pong_timeout = 10s;
constexpr auto settled_after = 30s; // a Welcome that lasted this long ends a row of failures
constexpr auto backoff_limit = milliseconds{60s};

} // namespace

session::session(session_options options, session_events& events, position_store& positions)
    : options_{std::move(options)}, events_{events}, positions_{positions} {}

// -- wishes --------------------------------------------------------------------------------------

void session::bind(std::string user, token_provider token, time_point now) {
  flush_acks(now); // still those of the user before
  user_ = std::move(user);
  token_ = std::move(token);
  token_retried_ = false;
  bind_failures_ = 0;
  if (open_)
    send_bind(now);
}

void session::unbind(time_point now) {
  flush_acks(now);
  auto had_user = !user_.empty();
  user_.clear();
  token_ = nullptr;
  bind_due_.reset();
  if (!open_ || !had_user)
    return;
  send(frame_type::unbind, wire::Unbind{}, now);
  ++bounds_awaited_;
  send_subscribe(nullptr, now);
}

void session::subscribe(const std::string& biz, time_point now) {
  feeds_[biz].wanted = true;
  if (open_)
    send_subscribe(&biz, now);
}

void session::unsubscribe(const std::string& biz, time_point now) {
  auto i = feeds_.find(biz);
  if (i == feeds_.end() || !i->second.wanted)
    return;
  i->second.wanted = i->second.active = false;
  if (!open_)
    return;
  auto m = wire::Unsubscribe{};
  m.add_biz(biz);
  send(frame_type::unsubscribe, m, now);
}

// -- one connection ------------------------------------------------------------------------------

void session::opened(time_point now, std::int64_t wall_ms) {
  reader_ = frame_reader{max_server_frame};
  out_.clear();
  acks_.clear();
  acks_ops_ = acks_bytes_ = 0;
  binding_ = bounds_awaited_ = 0;
  welcomed_ = over_ = zstd_ = token_retried_ = false;
  bind_failures_ = 0;
  ping_sent_.reset();
  ack_due_.reset();
  bind_due_.reset();
  subscribe_due_.reset();
  for (auto& [biz, f] : feeds_) {
    f.active = false;
    f.unanswered = 0;
  }
  open_ = true;
  opened_at_ = now;
  heartbeat_ = options_.heartbeat;
  send_hello(now, wall_ms);
  if (user_.empty())
    send_subscribe(nullptr, now);
  else
    send_bind(now);
}

void session::received(std::string_view bytes, time_point now, std::int64_t wall_ms) {
  reader_.append(bytes);
  auto x = frame{};
  while (!over_) {
    switch (reader_.next(x)) {
    case frame_reader::outcome::have_frame:
      dispatch(x, now, wall_ms);
      break;
    case frame_reader::outcome::need_more:
      reader_.shrink();
      return;
    case frame_reader::outcome::failed:
      finish(ec::session_lost, "the server sent what is not a frame");
    }
  }
}

void session::tick(time_point now) {
  if (!open_ || over_)
    return;
  if (!welcomed_ && now - opened_at_ >= options_.welcome_timeout)
    return finish(ec::session_lost, "no Welcome in time");
  if (ping_sent_ && now - *ping_sent_ >= pong_timeout)
    return finish(ec::session_lost, "no Pong in time");
  if (ack_due_ && now >= *ack_due_)
    flush_acks(now);
  if (bind_due_ && now >= *bind_due_)
    send_bind(now);
  if (subscribe_due_ && now >= *subscribe_due_)
    send_subscribe(nullptr, now);
  if (welcomed_ && !ping_sent_ && now - last_sent_ >= heartbeat_) {
    auto m = wire::Ping{};
    m.set_number(++ping_number_);
    send(frame_type::ping, m, now);
    ping_sent_ = now;
  }
}

time_point session::deadline() const {
  if (!open_)
    return time_point::max();
  auto due = welcomed_ ? last_sent_ + heartbeat_ : opened_at_ + options_.welcome_timeout;
  if (ping_sent_)
    due = *ping_sent_ + pong_timeout;
  for (auto& x : {ack_due_, bind_due_, subscribe_due_}) {
    if (x)
      due = std::min(due, *x);
  }
  return due;
}

void session::flush_acks(time_point now) {
  ack_due_.reset();
  if (!open_ || over_ || acks_.empty())
    return;
  try {
    positions_.flush();
  } catch (const std::exception& e) {
    return finish(ec::session_lost, std::string{"positions cannot be stored: "} + e.what());
  }
  auto m = wire::Ack{};
  for (auto& [biz, at] : acks_) {
    auto* entry = m.add_entries();
    entry->set_biz(biz);
    entry->set_epoch(at.epoch);
    entry->set_id(at.id);
  }
  m.set_binding(binding_);
  acks_.clear();
  acks_ops_ = acks_bytes_ = 0;
  send(frame_type::ack, m, now);
}

std::string session::take_output() { return std::exchange(out_, {}); }

verdict session::ended(time_point now) {
  auto settled = open_ && welcomed_ && now - welcomed_at_ >= settled_after;
  auto result = verdict{true, 0ms, over_ ? end_code_ : ec::session_lost, end_text_};
  auto after = end_retry_after_;
  try {
    positions_.flush();
  } catch (const std::exception& e) {
    result.text += std::string{" (positions cannot be stored: "} + e.what() + ")";
  }
  open_ = welcomed_ = over_ = false;
  end_code_ = ec::none;
  end_text_.clear();
  end_retry_after_ = 0ms;

  auto what = disposition_of(result.code);
  if (what == disposition::give_up) {
    result.again = false;
    return result;
  }
  if (settled)
    failures_ = 0;
  auto free_retry = result.code == ec::clock_skew || result.code == ec::nonce_replayed;
  if ((free_retry && !corrected_) || (what == disposition::retry_now && settled))
    result.delay = 0ms;
  else
    result.delay = backoff(++failures_);
  corrected_ = free_retry;
  if (what == disposition::retry_later && after == 0ms)
    after = retry_pause;
  if (after > 0ms) {
    auto jitter = milliseconds{
        static_cast<std::int64_t>(options_.uniform() * static_cast<double>(after.count()))};
    result.delay = std::max(result.delay, after + jitter);
  }
  return result;
}

// -- sending -------------------------------------------------------------------------------------

void session::send(frame_type type, const google::protobuf::MessageLite& body, time_point now) {
  out_ +=
      encode_frame(type, body.SerializeAsString(), zstd_ ? compression::zstd : compression::none);
  last_sent_ = now;
}

void session::send_hello(time_point now, std::int64_t wall_ms) {
  auto& facts = options_.facts;
  auto at = wall_ms + clock_offset_ms_;
  auto nonce = random_bytes(16);
  auto m = wire::Hello{};
  m.set_key(options_.key);
  m.set_device(options_.device);
  m.set_timestamp_ms(at);
  m.set_nonce(nonce);
  m.set_signature(
      hmac_sha256(options_.secret, hello_string(options_.key, options_.device, at, nonce)));
  m.set_version(protocol_version);
  m.set_os(facts.os);
  m.set_app_version(facts.app_version);
  m.set_region(facts.region);
  m.set_model(facts.model);
  m.set_network(facts.network);
  for (auto& [name, value] : facts.tags)
    (*m.mutable_tags())[name] = value;
  m.set_heartbeat_s(static_cast<std::uint32_t>(options_.heartbeat.count()));
  m.set_zstd(true);
  m.set_window_ops(options_.window_ops);
  m.set_window_bytes(options_.window_bytes);
  m.set_sdk("shoal-cpp/" SHOAL_VERSION);
  send(frame_type::hello, m, now);
}

// Bind is always followed by Subscribe for everything: the server answers in order, so a Subscribed
// after the Bound is of the new user, and what arrives earlier is recognised by `unanswered` and
// `bounds_awaited_`.
void session::send_bind(time_point now) {
  bind_due_.reset();
  auto m = wire::Bind{};
  m.set_user(user_);
  try {
    m.set_token(token_(user_));
  } catch (const std::exception& e) {
    bind_due_ = now + backoff(++bind_failures_) + retry_pause;
    events_.on_bound(user_, ec::verifier_unavailable, e.what());
    return send_subscribe(nullptr, now);
  }
  send(frame_type::bind, m, now);
  ++bounds_awaited_;
  send_subscribe(nullptr, now);
}

void session::send_subscribe(const std::string* only, time_point now) {
  if (!only)
    subscribe_due_.reset();
  auto m = wire::Subscribe{};
  for (auto& [biz, f] : feeds_) {
    if (!f.wanted || (only && *only != biz))
      continue;
    f.active = false;
    ++f.unanswered;
    auto* entry = m.add_entries();
    entry->set_biz(biz);
    if (auto at = positions_.load(user_, biz)) {
      entry->mutable_position()->set_epoch(at->epoch);
      entry->mutable_position()->set_id(at->id);
    }
  }
  if (m.entries_size() > 0)
    send(frame_type::subscribe, m, now);
}

void session::finish(ec code, std::string text) {
  over_ = true;
  end_code_ = code;
  end_text_ = std::move(text);
}

// -- small decisions -----------------------------------------------------------------------------

void session::correct_clock(std::int64_t server_ms, std::int64_t wall_ms) {
  if (server_ms > 0)
    clock_offset_ms_ = server_ms - wall_ms;
}

void session::forget_positions() {
  for (auto& [biz, f] : feeds_)
    positions_.forget(user_, biz);
}

milliseconds session::backoff(int attempt) const {
  auto limit = attempt < 6 ? milliseconds{1s} * (1 << attempt) : backoff_limit;
  return milliseconds{
      static_cast<std::int64_t>(options_.uniform() * static_cast<double>(limit.count()))};
}

} // namespace shoal::sdk
