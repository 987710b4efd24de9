// The catalog: which apps exist, which keys may speak for them, how each biz behaves. Pure data, no
// actor, no disk.
//
// A `catalog` is an immutable snapshot; a change makes a new one (structural sharing through
// shared_ptr entries), and `catalog_cell` publishes it. Readers on any thread take `cell.load()`
// once per message and keep what they saw. The catalog actor (actors/catalog/catalog_actor.*) is
// the only writer: it persists first, then publishes.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/codes.hpp"
#include "protocol/ids.hpp"

namespace shoal {

enum class biz_scope : std::uint8_t { targeted, global };
enum class biz_target : std::uint8_t { user, device };

/// One business type. Names of the settings follow the original's console (mPaaS "sync
/// configuration").
struct biz_config {
  biz_no no{};
  app_no app{};
  std::string name;
  std::string description;
  biz_scope scope = biz_scope::targeted;
  biz_target target = biz_target::user;
  bool multi_device =
      true; ///< target user: every device gets every op; else the first to acknowledge consumes it
  bool persistent = true; ///< stored and replayed; else only to who is online at the moment
  bool verified_only =
      false; ///< deliver only to connections whose user was verified ("consistency check")
  std::uint32_t retention_s = 30 * 24 * 3600;
  std::uint32_t repush_newest = 0;  ///< 0 = the whole backlog; N = only its newest N ops
  std::uint32_t payload_max = 4096; ///< bytes, at most 1 MiB
  std::uint32_t ack_timeout_s = 30; ///< single-device: then another device is offered the op
  bool online = false;              ///< only an online biz accepts and delivers
  std::int64_t created_ms = 0, updated_ms = 0;
};
using biz_ptr = std::shared_ptr<const biz_config>;

/// How a connection proves which user it speaks for.
struct user_auth {
  enum class mode : std::uint8_t {
    none,     ///< nothing is checked: Bind is refused, or binds unverified
    hmac,     ///< Shoal's own short token, signed with `secret`
    jwt,      ///< HS256 with `secret`, RS256/ES256 with `public_key`
    callback, ///< POST to `url`, the original's session validation
  };
  mode how = mode::none;
  std::string secret;
  std::string
      jwt_algorithm;      ///< "HS256", "RS256" or "ES256"; tokens of another algorithm are refused
  std::string public_key; ///< PEM
  std::string issuer, audience; ///< checked if not empty
  std::string url;
  bool bind_unverified = false; ///< also users whose check failed: user_check.hpp
};

struct app_config {
  app_no no{};
  std::string id;
  std::string description;
  user_auth users;
  std::int64_t created_ms = 0;
};
using app_ptr = std::shared_ptr<const app_config>;

enum class key_role : std::uint8_t { read = 1, write = 2, admin = 3, device = 4, operator_ = 5 };

/// A secret that somebody signs with. `app` is 0 for the operator, who may create apps.
struct key_config {
  std::string id; ///< "ak_…" server API, "dk_…" devices, "ok_…" operator
  app_no app{};
  key_role role = key_role::read;
  std::string secret; ///< 43 characters of base64url; shown once, at creation
  std::string note;
  bool enabled = true;
  std::int64_t created_ms = 0;
};
using key_ptr = std::shared_ptr<const key_config>;

class catalog {
public:
  app_ptr app(std::string_view id) const;
  app_ptr app(app_no no) const;
  biz_ptr biz(app_no app, std::string_view name) const;
  biz_ptr biz(app_no app, biz_no no) const;
  key_ptr key(std::string_view id) const;

  std::vector<app_ptr> apps() const;
  std::vector<biz_ptr> bizs(app_no app) const;
  std::vector<key_ptr> keys(app_no app) const;

  // Copy-on-write: each returns a new catalog with the entry added or replaced.
  catalog with(app_ptr x) const;
  catalog with(biz_ptr x) const;
  catalog with(key_ptr x) const;
  catalog without_key(std::string_view id) const;

  std::uint32_t next_app() const; ///< smallest number never used
  std::uint32_t next_biz(app_no app) const;

private:
  struct app_entry {
    app_ptr app;
    std::map<std::string, biz_ptr, std::less<>> bizs;
    std::map<std::uint32_t, biz_ptr> bizs_by_no;
  };
  std::map<std::string, std::shared_ptr<const app_entry>, std::less<>> by_id_;
  std::map<std::uint32_t, std::shared_ptr<const app_entry>> by_no_;
  std::map<std::string, key_ptr, std::less<>> keys_;
};
using catalog_ptr = std::shared_ptr<const catalog>;

/// Where the current catalog is published.
class catalog_cell {
public:
  catalog_ptr load() const { return current_.load(std::memory_order_acquire); }
  void store(catalog_ptr x) { current_.store(std::move(x), std::memory_order_release); }

private:
  std::atomic<catalog_ptr> current_{std::make_shared<const catalog>()};
};

/// "" if the settings make sense together, else a sentence that names the field.
std::string problem_of(const biz_config& x);
std::string problem_of(const user_auth& x);

} // namespace shoal
