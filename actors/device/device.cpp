#include "actors/device/device.hpp"

#include <random>

#include "actors/catalog/user_check.hpp"
#include "actors/device/going_away.hpp"
#include "actors/device/hello.hpp"
#include "actors/log.hpp"
#include "actors/registry/seat.hpp"
#include "protocol/device.pb.h"
#include "protocol/tls/commands.hpp"
#include "protocol/tls/control_frames.hpp"
#include "protocol/user_token.hpp"
#include "storage/keys.hpp"

namespace shoal {

namespace {

constexpr std::uint32_t consumed_batch = 16; // well below the endpoint's limit of unhandled frames
constexpr std::size_t max_held = 16;         // frames behind a Bind that is being verified
constexpr std::size_t max_token = 8 * 1024;

shared_bytes encode(
    frame_type type, const google::protobuf::MessageLite& x, compression how = compression::none) {
  return std::make_shared<const std::string>(encode_frame(type, x.SerializeAsString(), how));
}

std::uint32_t clamp(
    std::uint32_t wish, std::uint32_t low, std::uint32_t high, std::uint32_t unset) {
  return wish == 0 ? unset : std::min(std::max(wish, low), high);
}

std::uint32_t any_number() {
  thread_local std::minstd_rand source{std::random_device{}()};
  return static_cast<std::uint32_t>(source());
}

token_rules rules_of(const user_auth& x) {
  token_rules out;
  out.how = x.how == user_auth::mode::jwt ? token_rules::form::jwt : token_rules::form::own;
  out.secret = x.secret;
  out.algorithm = x.jwt_algorithm;
  out.public_key = x.public_key;
  out.issuer = x.issuer;
  out.audience = x.audience;
  return out;
}

} // namespace

std::shared_ptr<const connection> connection_of(tls::link link, std::string peer) {
  class linked : public connection {
  public:
    linked(tls::link x, std::string from) : link_{x}, peer_{std::move(from)} {}
    void send(shared_bytes bytes) const override { link_.send(std::move(bytes)); }
    void close(shared_bytes last, ec why) const override { link_.close(std::move(last), why); }
    void consumed(std::uint32_t frames) const override { link_.consumed(frames); }
    void set_heartbeat(std::chrono::seconds x) const override { link_.set_heartbeat(x); }
    void identify(tls::device_identity_ptr who) const override { link_.identify(std::move(who)); }
    const std::string& peer() const override { return peer_; }

  private:
    tls::link link_;
    std::string peer_;
  };
  return std::make_shared<const linked>(link, std::move(peer));
}

// -- frames --------------------------------------------------------------------------------------

void device_state::on_frame(const device_frame& x) {
  if (++handled >= consumed_batch) {
    wire->consumed(handled);
    handled = 0;
  }
  dispatch(x);
}

void device_state::dispatch(const device_frame& x) {
  if (closing)
    return;
  if (!info && x.type != frame_type::hello)
    return close(ec::unexpected_message, "the first message must be Hello");
  // The I/O loop answers pings, but not those that came before Welcome had left.
  if (x.type == frame_type::ping) {
    auto pong = tls::pong_frame(x.body);
    return pong ? wire->send(std::move(pong)) : close(ec::bad_message, "Ping cannot be read");
  }
  if (verifying && x.type != frame_type::ack) {
    if (verifying->held.size() >= max_held)
      return close(ec::overloaded, "too many messages behind a Bind that is being verified");
    verifying->held.push_back(x);
    return;
  }
  switch (x.type) {
  case frame_type::hello:
    return info ? close(ec::unexpected_message, "Hello was sent twice") : hello(x.body);
  case frame_type::bind:
    return bind(x.body);
  case frame_type::unbind:
    return unbind();
  case frame_type::subscribe:
    return subscribe(x.body);
  case frame_type::unsubscribe:
    return unsubscribe(x.body);
  case frame_type::ack:
    return acknowledge(x.body);
  case frame_type::pong:
    return;
  case frame_type::call:
  case frame_type::call_cancel:
    return close(ec::unexpected_message, "calls are not served on this connection: Welcome.calls");
  default:
    return close(ec::unexpected_message, "not a message that devices send");
  }
}

void device_state::close(ec code, const std::string& text, std::uint32_t retry_after_ms) {
  if (closing)
    return;
  closing = true;
  wire::Close out;
  out.set_code(static_cast<std::uint32_t>(code));
  out.set_text(text);
  out.set_retry_after_ms(retry_after_ms);
  out.set_server_time_ms(sv->now_ms());
  wire->close(encode(frame_type::close, out), code);
  log::debug("device closed", {{"device", info ? info->device : ""}, {"peer", wire->peer()},
                                  {"code", to_string(code)}, {"text", text}});
}

// -- hello ---------------------------------------------------------------------------------------

void device_state::hello(const std::string& body) {
  wire::Hello x;
  if (!x.ParseFromString(body))
    return close(ec::bad_message, "Hello cannot be read");
  auto facts = std::make_shared<device_info>();
  auto [code, why] = check_hello(x, *sv->catalog.load(), *sv->hello_nonces, sv->now_ms(), *facts);
  if (code != ec::none) {
    ++sv->count->hello_refused;
    log::info("hello refused",
        {{"code", to_string(code)}, {"key", x.key().substr(0, 64)}, {"peer", wire->peer()}});
    return close(code, why);
  }
  ++sv->count->hellos;
  facts->peer = wire->peer();
  facts->connected_ms = sv->now_ms();
  facts->session = self->id();
  info = std::move(facts);
  seat::label(self, sv->catalog.load()->app(info->app)->id + "/" + info->device);
  auto& lim = sv->limit;
  credit = window{clamp(x.window_ops(), 1, lim.window_ops, lim.window_ops),
      clamp(x.window_bytes(), 1, lim.window_bytes, lim.window_bytes)};
  how = x.zstd() ? compression::zstd : compression::none;
  welcome(
      clamp(x.heartbeat_s(), lim.heartbeat_min_s, lim.heartbeat_max_s, lim.heartbeat_default_s));
  self->send(sv->where.hub(), atom::online::value, caf::actor_cast<device_actor>(self), info);
  facts_changed = true;
  arm();
}

void device_state::welcome(std::uint32_t heartbeat_s) {
  wire->set_heartbeat(std::chrono::seconds{heartbeat_s});
  identify();
  wire::Welcome out;
  out.set_session(info->session);
  out.set_server_time_ms(sv->now_ms());
  out.set_heartbeat_s(heartbeat_s);
  out.set_zstd(how == compression::zstd);
  out.set_window_ops(credit.room_ops());
  out.set_window_bytes(credit.room_bytes());
  out.set_max_frame(sv->limit.max_frame);
  out.set_calls(may_call() ? sv->limit.device_calls : 0);
  wire->send(encode(frame_type::welcome, out));
}

/// An app without a gateway does not pay for what its devices never use.
bool device_state::may_call() const {
  return sv->limit.device_calls != 0 && sv->serves_calls && sv->serves_calls(info->app);
}

/// The I/O loop carries calls out without asking this actor, so it must know whose they are: before
/// the device hears Welcome or Bound. Who was identified once is so at every change of user,
/// whatever becomes of the gateway: its calls must never be another user's. A backend believes what
/// it is told about the user, so it is told only of verified ones.
void device_state::identify() {
  identified = identified || may_call();
  if (!identified)
    return;
  auto app = sv->catalog.load()->app(info->app);
  wire->identify(std::make_shared<const tls::device_identity>(tls::device_identity{
      app ? app->id : std::string{}, info->device, info->user_verified ? info->user : std::string{},
      how == compression::zstd, info->region, info->app_version}));
}

void device_state::store_facts() {
  facts_changed = false;
  auto part = sv->where.number_of(info->app, principal::device(info->device));
  auto row = storage::device_key(part, info->app, info->device);
  storage::device_record x;
  std::string old;
  storage::device_record before;
  if (sv->db->try_get(row, old) == storage::lookup::found && storage::decode(old, row, before))
    x.first_seen_ms = before.first_seen_ms;
  else
    x.first_seen_ms = info->connected_ms;
  x.last_seen_ms = sv->now_ms();
  x.user = info->user_verified ? info->user : std::string{}; // the row cannot tell claims apart
  x.os = info->os;
  x.app_version = info->app_version;
  x.region = info->region;
  x.model = info->model;
  x.network = info->network;
  x.sdk = info->sdk;
  x.tags = info->tags;
  commit_request lazy;
  lazy.rows.put(row, storage::encode(x, row));
  self->send(sv->where.partition(part), atom::commit::value, std::move(lazy));
}

// -- user ----------------------------------------------------------------------------------------

void device_state::bind(const std::string& body) {
  wire::Bind x;
  if (!x.ParseFromString(body))
    return close(ec::bad_message, "Bind cannot be read");
  if (!valid_external_id(x.user()))
    return close(ec::bad_message, "Bind.user is not 1 to 128 of printable ASCII without / ? # %");
  if (x.token().size() > max_token)
    return close(ec::bad_message, "Bind.token is longer than 8 KiB");
  ++binding;
  drop_user_feeds();
  auto app = sv->catalog.load()->app(info->app);
  if (!app || app->users.how == user_auth::mode::none)
    return settle(
        x.user(), ec::bad_token, "the app has no way to verify users: users-auth is none");
  if (app->users.how == user_auth::mode::callback) {
    verifying = std::make_unique<pending_bind>(pending_bind{x.user(), {}});
    self->send(sv->where.verifier(), atom::verdict::value, caf::actor_cast<device_actor>(self),
        verify_request{app->users.url, app->id, x.user(), x.token(), binding, sv->steady_ms()});
    return;
  }
  settle(x.user(),
      verify_user_token(rules_of(app->users), x.user(), info->device, x.token(), sv->now_ms()));
}

/// The check of a Bind has ended, and how.
void device_state::settle(const std::string& user, ec code, std::string_view why) {
  if (code == ec::none) {
    ++sv->count->binds;
    bound(user, true);
    return send_bound(user, ec::none, ec::none);
  }
  auto app = sv->catalog.load()->app(info->app);
  auto unverified = app && binds_unverified(app->users, code);
  ++(unverified ? sv->count->binds_unverified : sv->count->bind_refused);
  log::info(unverified ? "user bound unverified" : "bind refused",
      {{"device", info->device}, {"user", user}, {"code", to_string(code)}});
  bound(unverified ? user : std::string{}, false);
  send_bound(user, unverified ? ec::none : code, unverified ? code : ec::none, why);
}

void device_state::verdict(const bind_verdict& x) {
  if (closing || x.binding != binding || !verifying)
    return; // the device has bound somebody else meanwhile
  auto over = std::move(verifying);
  settle(over->user, x.code);
  for (auto& y : over->held)
    dispatch(y);
}

void device_state::unbind() {
  ++binding;
  drop_user_feeds();
  bound({}, false);
  send_bound({}, ec::none, ec::none);
}

void device_state::bound(std::string user, bool verified) {
  if (info->user == user && info->user_verified == verified)
    return;
  auto next = std::make_shared<device_info>(*info);
  next->user = std::move(user);
  next->user_verified = verified;
  info = std::move(next);
  identify();
  self->send(sv->where.hub(), atom::online::value, caf::actor_cast<device_actor>(self), info);
  facts_changed = true;
  arm();
}

void device_state::send_bound(
    const std::string& user, ec code, ec unverified, std::string_view why) {
  wire::Bound out;
  out.set_user(user);
  out.set_binding(binding);
  out.set_code(static_cast<std::uint32_t>(code));
  out.set_unverified(static_cast<std::uint32_t>(unverified));
  if (auto failure = code != ec::none ? code : unverified; failure != ec::none)
    out.set_text(std::string{why.empty() ? to_string(failure) : why});
  wire->send(encode(frame_type::bound, out));
}

void device_state::drop_user_feeds() {
  for (auto i = feeds.size(); i-- > 0;)
    if (feeds[i].rules.biz()->target == biz_target::user)
      drop(i);
}

// -- the actor -----------------------------------------------------------------------------------

device_status device_state::status() const {
  device_status out;
  out.info = info;
  for (auto& x : feeds)
    out.feeds.push_back({x.rules.biz()->name, x.rules.epoch(), x.rules.told(), x.rules.acked(),
        x.rules.latest(), x.rules.pulling()});
  return out;
}

void device_state::lost() {
  for (auto& x : feeds)
    pass_ack_on(x);
  if (info)
    store_facts(); // last seen now
  self->quit();
}

device_actor::behavior_type device(lean_device* self, device_options options) {
  auto& st = self->state;
  st.sv = std::move(options.services);
  st.wire = std::move(options.wire);
  self->set_down_handler([self](const caf::down_msg& dm) { self->state.source_down(dm); });
  // The state is gone when this runs, so it keeps the connection itself.
  self->attach_functor([wire = st.wire](const caf::error&) {
    wire::Close out;
    out.set_code(static_cast<std::uint32_t>(ec::session_lost));
    wire->close(encode(frame_type::close, out), ec::session_lost);
  });
  static constexpr auto me = []() -> device_state& { return lean_device::running().state; };
  static const device_actor::behavior_type shared{
      [](atom::attached, const attached_note& x) { me().attached(x); },
      [](atom::ops, const feed_ops& x) { me().take(x); },
      [](atom::moved, const feed_moved& x) { me().moved(x); },
      [](atom::lost, const feed_lost& x) { me().source_lost(x); },
      [](atom::frame, const device_frame& x) { me().on_frame(x); },
      [](atom::lost) { me().lost(); },
      [](atom::kick, const kick_order& x) {
        me().close(x.code, x.text, x.code == ec::going_away ? absence_ms(any_number()) : 0);
      },
      [](atom::verdict, const bind_verdict& x) { me().verdict(x); },
      [](atom::status) { return me().status(); },
      [](atom::tick) { me().tick(); },
  };
  return shared;
}

} // namespace shoal
