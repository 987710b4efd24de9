// Everything that is defined for the gateway, ready for use: which API a call means, and all that
// carrying it out needs to know. Pure data, no actor, no disk.
//
// A `registry` is an immutable snapshot. A change makes a new one that shares everything but the
// path to what changed: with 40,000 APIs it copies some ten small nodes, and nothing is rebuilt.
// What takes time to prepare (keys out of PEM, protobuf types) is prepared once per change, by
// whoever makes the snapshot, never per call. Only the gateway's writer and its share publish
// (gateway_writer.*, actors/remote/gateway_share.*); each thread reads through a `registry_reader`.
//
// Pointers and references that lookups give are valid as long as the snapshot, shared pointers as
// long as they are kept: a call that waits for its backend keeps the api_ptr and world_ptr it
// began with.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "actors/gateway/definitions.hpp"
#include "actors/gateway/persistent_map.hpp"
#include "actors/gateway/rest_routes.hpp"
#include "actors/gateway/service_directory.hpp"
#include "protocol/mgw/envelope_cipher.hpp"
#include "protocol/mgw/signature.hpp"
#include "protocol/mgw/transcoder.hpp"

struct ssl_ctx_st; // OpenSSL's SSL_CTX

namespace shoal::gateway {

/// Settings and what was prepared from them. Parts that cannot be prepared are empty: the writer
/// refuses such settings, so that happens to damaged ones only.
struct live_settings {
  app_settings set;
  mgw::app_keys keys;
  mgw::envelope_keys decryption;
  mgw::signature_rules rules;
};
using settings_ptr = std::shared_ptr<const live_settings>;

struct live_group {
  api_group set;
  std::optional<mgw::backend_signer> signer; ///< if `set.signing.kind` is not `none`
  std::shared_ptr<ssl_ctx_st> security;      ///< of connections to its backends, if `set.tls` is on
  std::string security_flaw;                 ///< why there is none although it is on
};
using group_ptr = std::shared_ptr<const live_group>;

struct live_proto {
  proto_definition set;
  std::shared_ptr<const mgw::message_schema> types; ///< null: they do not compile
};
using proto_ptr = std::shared_ptr<const live_proto>;
using authorizer_ptr = std::shared_ptr<const authorizer_rule>;

settings_ptr make_live(app_settings x);
group_ptr make_live(api_group x);
proto_ptr make_live(proto_definition x);

/// One app in one workspace. All that calls of one client may reach.
class world {
public:
  world(app_no no, std::string app) : no_{no}, app_{std::move(app)} {}

  app_no no() const { return no_; }
  const std::string& app() const { return app_; }              ///< "shop@test"
  const live_settings& settings() const { return *settings_; } ///< the defaults until some are set

  // Null if missing.
  const api_ptr& api(std::string_view operation) const;
  const api_ptr& api(
      std::string_view method, std::string_view path, bool* method_known = nullptr) const {
    return rest_.match(method, path, method_known);
  }
  const group_ptr& group(std::string_view name) const;
  const authorizer_ptr& authorizer(std::string_view name) const;
  const proto_ptr& proto(std::string_view name) const;

  const persistent_map<api_ptr>& apis() const { return apis_; }
  const persistent_map<group_ptr>& groups() const { return groups_; }
  const persistent_map<authorizer_ptr>& authorizers() const { return authorizers_; }
  const persistent_map<proto_ptr>& protos() const { return protos_; }
  const rest_routes& rest() const { return rest_; }

private:
  friend class registry;
  app_no no_;
  std::string app_;
  settings_ptr settings_ = default_settings();
  persistent_map<api_ptr> apis_;
  persistent_map<group_ptr> groups_;
  persistent_map<authorizer_ptr> authorizers_;
  persistent_map<proto_ptr> protos_;
  rest_routes rest_;

  static const settings_ptr& default_settings();
};
using world_ptr = std::shared_ptr<const world>;

/// Whose definition it is.
struct world_name {
  app_no no{};
  std::string app; ///< "shop@test"
  friend bool operator==(const world_name&, const world_name&) = default;
};

enum class entry_kind : std::uint8_t { settings, group, api, authorizer, proto };

class registry {
public:
  /// Counts changes; grows by one with each on all nodes alike. 0: nothing was ever defined.
  std::uint64_t revision() const { return revision_; }
  std::uint64_t next_id() const { return next_id_; } ///< for an API or group

  /// No workspace and "default" are the same. Null if nothing is defined there.
  const world_ptr& find(std::string_view app, std::string_view workspace) const;
  /// The world that has this host among its `hosts`; without port.
  const world_ptr& find_host(std::string_view host) const;
  const world_ptr& find(app_no no) const;

  struct found {
    world_ptr in; ///< null: no such app
    api_ptr api;  ///< null: no such operation. May be offline
  };
  found find(std::string_view app, std::string_view workspace, std::string_view operation) const;

  std::size_t size() const { return apis_; } ///< APIs of all worlds

  // Each gives a registry with the entry added, replaced or removed; revision and ids are the
  // caller's.
  registry with(const world_name& in, settings_ptr x) const;
  registry with(const world_name& in, group_ptr x) const;
  registry with(const world_name& in, api_ptr x) const;
  registry with(const world_name& in, authorizer_ptr x) const;
  registry with(const world_name& in, proto_ptr x) const;
  registry without(app_no in, entry_kind kind, std::string_view name) const;
  registry at(std::uint64_t revision, std::uint64_t next_id) const;

  template <class F>
  void each_world(F f) const {
    by_id_.each([&](const std::string&, const world_ptr& x) { f(*x); });
  }

private:
  std::shared_ptr<world> copy_of(const world_name& in) const;
  registry replaced(std::shared_ptr<const world> x) const;

  persistent_map<world_ptr> by_id_, by_no_, by_host_;
  std::uint64_t revision_ = 0, next_id_ = 1;
  std::size_t apis_ = 0;
};
using registry_ptr = std::shared_ptr<const registry>;

/// Where the current registry is published. One thread at a time stores.
class registry_cell {
public:
  registry_ptr load() const {
    std::lock_guard lock{mutex_};
    return current_;
  }
  void store(registry_ptr x) {
    std::lock_guard lock{mutex_};
    current_.swap(x); // the old one goes after the lock
    generation_.fetch_add(1, std::memory_order_release);
  }
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  /// Beside the definitions: where the instances are that no definition names.
  service_directory services;

private:
  mutable std::mutex mutex_;
  registry_ptr current_ = std::make_shared<const registry>();
  std::atomic<std::uint64_t> generation_{1};
};

/// One thread's view of a cell. `now` costs one load of a counter that nobody writes but changes
/// do; threads do not count references against each other. A thread that is idle keeps the last
/// snapshot it saw, and only what has changed since is kept for it alone.
class registry_reader {
public:
  explicit registry_reader(const registry_cell& cell) : cell_{&cell} {}

  /// Valid until the next `now` of this reader.
  const registry& now() {
    if (auto newest = cell_->generation(); newest != seen_) {
      seen_ = newest; // before loading: a store in between is noticed the next time
      kept_ = cell_->load();
    }
    return *kept_;
  }
  const registry_ptr& kept() const { return kept_; } ///< what `now` gave

private:
  const registry_cell* cell_;
  std::uint64_t seen_ = 0;
  registry_ptr kept_;
};

} // namespace shoal::gateway
