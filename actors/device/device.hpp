// The device actor: everything that one connection is. It checks the hello, binds a user,
// subscribes, filters, keeps the credit window, and turns batches into frames. Its rules are in
// hello.hpp, feed.hpp and window.hpp.
//
// Spawned by: the endpoint, when a device connection's TLS handshake is done.  Monitors: the
// sources of its feeds. Dies: with its connection; the connection is closed when it dies for
// another reason (`session_lost`). Restarts: never; the device connects again and resumes by
// position.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/device/feed.hpp"
#include "actors/lean_actor.hpp"
#include "actors/services.hpp"

namespace shoal {

/// What a device actor does with its connection; an interface so that tests need no socket.
class connection {
public:
  virtual ~connection() = default;
  virtual void send(shared_bytes bytes) const = 0;
  virtual void close(shared_bytes last, ec why) const = 0;
  virtual void consumed(std::uint32_t frames) const = 0;
  virtual void set_heartbeat(std::chrono::seconds x) const = 0;
  virtual void identify(tls::device_identity_ptr who) const = 0; ///< for calls
  virtual const std::string& peer() const = 0;
};

/// A connection of the TLS endpoint.
std::shared_ptr<const connection> connection_of(tls::link link, std::string peer);

struct device_options {
  services_ptr services;
  std::shared_ptr<const connection> wire;
  std::uint64_t session = 0;
};

struct device_state {
  static inline const char* name = "device";

  struct subscription {
    feed rules;
    std::uint32_t number = 0;
    feed_source_actor source;
    std::optional<position> claimed;
    std::uint64_t told_source = 0; ///< acknowledged up to here, as far as the source knows
    std::uint32_t source_deaths = 0;
    std::uint32_t owed = 1;    ///< `Subscribed` that the device waits for: one per Subscribe
    std::int64_t asked_ms = 0; ///< when a source was asked for, by the steady clock
  };

  /// A Bind that waits for the tenant's verdict.
  struct pending_bind {
    std::string user;
    std::vector<device_frame> held; ///< what came behind it: answers keep their order
  };

  explicit device_state(device_actor::pointer ptr) : self{ptr}, credit{0, 0} {}

  void lost();
  void on_frame(const device_frame& x);
  void dispatch(const device_frame& x);
  void hello(const std::string& body);
  void welcome(std::uint32_t heartbeat_s);
  bool may_call() const;
  void identify();
  void store_facts();

  void bind(const std::string& body);
  void unbind();
  void verdict(const bind_verdict& x);
  void settle(const std::string& user, ec code, std::string_view why = {});
  void bound(std::string user, bool verified);
  void send_bound(const std::string& user, ec code, ec unverified, std::string_view why = {});
  void drop_user_feeds();

  void subscribe(const std::string& body);
  void subscribe_one(const std::string& biz_name, std::optional<position> claimed);
  ec may_subscribe(const biz_ptr& biz) const;
  bool user_suffices(const biz_config& biz) const;
  bool lost_permission(subscription& s);
  void answer_subscribe(
      const std::string& biz, std::uint32_t& owed, ec code, position at, std::uint64_t latest);
  void send_subscribed(const std::string& biz, ec code, position at, std::uint64_t latest);
  void unsubscribe(const std::string& body);
  void drop(std::size_t index);
  void attach(subscription& x);
  void attach_if_forgotten(subscription& x);
  void source_down(const caf::down_msg& dm);
  void source_lost(const feed_lost& x);
  void attach_again(subscription& x);
  std::ptrdiff_t feeds_of(const feed_source_actor& source) const;

  void attached(const attached_note& note);
  void take(const feed_ops& x);
  void take_ephemeral(subscription& s, const feed_ops& x);
  void measure(const op_batch& batch) const;
  void moved(const feed_moved& x);
  void acknowledge(const std::string& body);
  void pass_ack_on(subscription& s);
  void pull(subscription& s);
  void pull_all();
  void put(subscription& s, const feed_output& out);
  void send_reset(const subscription& s, position at, reset_reason why);

  void tick();
  void arm();
  void close(ec code, const std::string& text, std::uint32_t retry_after_ms = 0);
  device_status status() const;
  std::string describe() const; ///< JSON, for actor-inspector: device_describe.cpp
  std::size_t memory() const;   ///< bytes, roughly

  subscription* find(std::uint32_t number);
  subscription* find(const std::string& biz);

  device_actor::pointer self;
  services_ptr sv;
  std::shared_ptr<const connection> wire;
  device_info_ptr info; ///< null before the hello
  window credit;
  compression how = compression::none;
  bool closing = false;
  bool ticking = false;
  bool facts_changed = false; ///< since they were stored
  bool identified = false;    ///< the I/O loop knows who speaks
  std::uint32_t binding = 0;
  std::unique_ptr<pending_bind> verifying; ///< null most of a device's life
  std::uint32_t next_feed = 1;
  std::uint32_t handled = 0; ///< frames since the last `consumed`
  std::vector<subscription> feeds;
};

using lean_device = lean_actor<device_actor, device_state>;

device_actor::behavior_type device(lean_device* self, device_options options);

} // namespace shoal
