#include "actors/catalog/catalog.hpp"

#include "protocol/user_token.hpp"

namespace shoal {

namespace {

template <class Map, class Key>
auto value_or_null(const Map& map, const Key& key) -> typename Map::mapped_type {
  auto i = map.find(key);
  return i == map.end() ? nullptr : i->second;
}

constexpr std::uint32_t max_retention_s = 366 * 24 * 3600;
constexpr std::uint32_t max_payload = 1u << 20;
constexpr std::size_t max_text = 1024;

} // namespace

app_ptr catalog::app(std::string_view id) const {
  auto entry = value_or_null(by_id_, id);
  return entry ? entry->app : nullptr;
}

app_ptr catalog::app(app_no no) const {
  auto entry = value_or_null(by_no_, raw(no));
  return entry ? entry->app : nullptr;
}

biz_ptr catalog::biz(app_no app, std::string_view name) const {
  auto entry = value_or_null(by_no_, raw(app));
  return entry ? value_or_null(entry->bizs, name) : nullptr;
}

biz_ptr catalog::biz(app_no app, biz_no no) const {
  auto entry = value_or_null(by_no_, raw(app));
  return entry ? value_or_null(entry->bizs_by_no, raw(no)) : nullptr;
}

key_ptr catalog::key(std::string_view id) const { return value_or_null(keys_, id); }

std::vector<app_ptr> catalog::apps() const {
  std::vector<app_ptr> out;
  out.reserve(by_id_.size());
  for (const auto& [id, entry] : by_id_)
    out.push_back(entry->app);
  return out;
}

std::vector<biz_ptr> catalog::bizs(app_no app) const {
  std::vector<biz_ptr> out;
  if (auto entry = value_or_null(by_no_, raw(app)))
    for (const auto& [name, biz] : entry->bizs)
      out.push_back(biz);
  return out;
}

std::vector<key_ptr> catalog::keys(app_no app) const {
  std::vector<key_ptr> out;
  for (const auto& [id, key] : keys_)
    if (key->app == app)
      out.push_back(key);
  return out;
}

catalog catalog::with(app_ptr x) const {
  auto out = *this;
  auto old = value_or_null(by_no_, raw(x->no));
  auto entry = old ? std::make_shared<app_entry>(*old) : std::make_shared<app_entry>();
  entry->app = x;
  out.by_id_[x->id] = entry;
  out.by_no_[raw(x->no)] = entry;
  return out;
}

catalog catalog::with(biz_ptr x) const {
  auto old = value_or_null(by_no_, raw(x->app));
  if (!old)
    return *this;
  auto out = *this;
  auto entry = std::make_shared<app_entry>(*old);
  entry->bizs[x->name] = x;
  entry->bizs_by_no[raw(x->no)] = x;
  out.by_id_[entry->app->id] = entry;
  out.by_no_[raw(x->app)] = entry;
  return out;
}

catalog catalog::with(key_ptr x) const {
  auto out = *this;
  out.keys_[x->id] = std::move(x);
  return out;
}

catalog catalog::without_key(std::string_view id) const {
  auto out = *this;
  if (auto i = out.keys_.find(id); i != out.keys_.end())
    out.keys_.erase(i);
  return out;
}

// Apps and bizs are never removed, so the highest number in use is the highest ever used.
std::uint32_t catalog::next_app() const { return by_no_.empty() ? 1 : by_no_.rbegin()->first + 1; }

std::uint32_t catalog::next_biz(app_no app) const {
  auto entry = value_or_null(by_no_, raw(app));
  return !entry || entry->bizs_by_no.empty() ? 1 : entry->bizs_by_no.rbegin()->first + 1;
}

std::string problem_of(const biz_config& x) {
  if (!valid_biz_name(x.name))
    return "name must be 1 to 64 of A-Z, 0-9 and '-', starting with a letter";
  if (x.description.size() > max_text)
    return "description is longer than 1024 bytes";
  if (x.retention_s < 60 || x.retention_s > max_retention_s)
    return "retention_s must be 60 to 31622400 (366 days)";
  if (x.payload_max < 1 || x.payload_max > max_payload)
    return "payload_max must be 1 to 1048576 bytes";
  if (x.ack_timeout_s < 1 || x.ack_timeout_s > 3600)
    return "ack_timeout_s must be 1 to 3600";
  if (!x.persistent && x.repush_newest != 0)
    return "repush_newest needs persistent: what is not stored cannot be sent again";
  auto per_user = x.scope == biz_scope::targeted && x.target == biz_target::user;
  if (!x.multi_device && !per_user)
    return "multi_device can be false only with scope \"targeted\" and target \"user\"";
  if (!x.multi_device && !x.persistent)
    return "multi_device can be false only with persistent: an op must be kept until one device "
           "acknowledges it";
  if (x.verified_only && x.target != biz_target::user)
    return "verified_only needs target \"user\"";
  return "";
}

std::string problem_of(const user_auth& x) {
  if (x.secret.size() > max_text || x.issuer.size() > max_text || x.audience.size() > max_text ||
      x.url.size() > max_text || x.public_key.size() > 16 * max_text)
    return "secret, issuer, audience and url are at most 1024 bytes, public_key 16384";
  switch (x.how) {
  case user_auth::mode::none:
    return "";
  case user_auth::mode::hmac:
    return x.secret.size() < 16 ? "mode \"hmac\" needs a secret of at least 16 bytes" : "";
  case user_auth::mode::jwt:
    if (x.jwt_algorithm == "HS256")
      return x.secret.size() < 32 ? "HS256 needs a secret of at least 32 bytes" : "";
    if (x.jwt_algorithm != "RS256" && x.jwt_algorithm != "ES256")
      return "jwt_algorithm must be \"HS256\", \"RS256\" or \"ES256\"";
    return problem_of_public_key(x.jwt_algorithm, x.public_key);
  case user_auth::mode::callback:
    return x.url.starts_with("https://") || x.url.starts_with("http://")
               ? ""
               : "mode \"callback\" needs a url that starts with https:// (or http:// inside a "
                 "trusted network)";
  }
  return "mode is unknown";
}

} // namespace shoal
