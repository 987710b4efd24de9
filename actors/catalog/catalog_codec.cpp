#include "actors/catalog/catalog_codec.hpp"

#include <array>
#include <cstdio>
#include <limits>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "storage/keys.hpp"
#include "storage/records.hpp"

namespace shoal {

using nlohmann::json;

namespace {

template <class T, std::size_t N>
using name_table = std::array<std::pair<T, std::string_view>, N>;

constexpr name_table<biz_scope, 2> scopes{
    {{biz_scope::targeted, "targeted"}, {biz_scope::global, "global"}}};
constexpr name_table<biz_target, 2> targets{
    {{biz_target::user, "user"}, {biz_target::device, "device"}}};
constexpr name_table<user_auth::mode, 4> modes{
    {{user_auth::mode::none, "none"}, {user_auth::mode::hmac, "hmac"},
        {user_auth::mode::jwt, "jwt"}, {user_auth::mode::callback, "callback"}}};
constexpr name_table<key_role, 5> roles{{{key_role::read, "read"}, {key_role::write, "write"},
    {key_role::admin, "admin"}, {key_role::device, "device"}, {key_role::operator_, "operator"}}};

template <class T, std::size_t N>
std::string_view name_in(const name_table<T, N>& table, T x) {
  for (const auto& [value, name] : table)
    if (value == x)
      return name;
  return "unknown";
}

template <class T, std::size_t N>
bool value_in(const name_table<T, N>& table, std::string_view text, T& out) {
  for (const auto& [value, name] : table)
    if (name == text) {
      out = value;
      return true;
    }
  return false;
}

template <class T>
void take(const json& from, const char* field, T& to) {
  if (auto i = from.find(field); i != from.end())
    to = i->get<T>();
}

template <class T>
void take_name(const json& from, const char* field, T& to) {
  if (auto i = from.find(field); i != from.end())
    if (!from_string(i->get_ref<const std::string&>(), to))
      throw std::runtime_error{std::string{field} + " is unknown"};
}

template <class T>
void take_number(const json& from, const char* field, T& to) {
  auto value = from.at(field).get<std::int64_t>();
  if (value < 1 || value > std::numeric_limits<std::uint32_t>::max())
    throw std::runtime_error{std::string{field} + " is out of range"};
  to = static_cast<T>(value);
}

user_auth users_from(const json& x) {
  auto out = user_auth{};
  take_name(x, "mode", out.how);
  take(x, "secret", out.secret);
  take(x, "jwt_algorithm", out.jwt_algorithm);
  take(x, "public_key", out.public_key);
  take(x, "issuer", out.issuer);
  take(x, "audience", out.audience);
  take(x, "url", out.url);
  take(x, "bind_unverified", out.bind_unverified);
  return out;
}

app_ptr app_from(const json& x) {
  auto out = std::make_shared<app_config>();
  take_number(x, "no", out->no);
  out->id = x.at("id").get<std::string>();
  take(x, "description", out->description);
  out->users = users_from(x.at("users_auth"));
  take(x, "created_ms", out->created_ms);
  return out;
}

biz_ptr biz_from(const json& x) {
  auto out = std::make_shared<biz_config>();
  take_number(x, "no", out->no);
  take_number(x, "app_no", out->app);
  out->name = x.at("name").get<std::string>();
  take(x, "description", out->description);
  take_name(x, "scope", out->scope);
  take_name(x, "target", out->target);
  take(x, "multi_device", out->multi_device);
  take(x, "persistent", out->persistent);
  take(x, "verified_only", out->verified_only);
  take(x, "retention_s", out->retention_s);
  take(x, "repush_newest", out->repush_newest);
  take(x, "payload_max", out->payload_max);
  take(x, "ack_timeout_s", out->ack_timeout_s);
  take(x, "online", out->online);
  take(x, "created_ms", out->created_ms);
  take(x, "updated_ms", out->updated_ms);
  return out;
}

key_ptr key_from(const json& x) {
  auto out = std::make_shared<key_config>();
  out->id = x.at("id").get<std::string>();
  out->app = static_cast<app_no>(x.at("app_no").get<std::uint32_t>());
  take_name(x, "role", out->role);
  out->secret = x.at("secret").get<std::string>();
  take(x, "note", out->note);
  take(x, "enabled", out->enabled);
  take(x, "created_ms", out->created_ms);
  return out;
}

template <class Entry, class From>
bool read_entry(std::string_view key, std::string_view value, Entry& out, From from) {
  auto text = std::string_view{};
  if (!open_row(key, value, text))
    return false;
  try {
    out = from(json::parse(text));
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

storage::write_batch::row make_row(std::string key, const json& value) {
  auto sealed = seal_row(key, value.dump(-1, ' ', false, json::error_handler_t::replace));
  return {std::move(key), std::move(sealed), false};
}

std::string checksum_of(std::string_view key, std::string_view text) {
  char out[9];
  std::snprintf(out, sizeof out, "%08x", storage::crc32c(text, storage::crc32c(key)));
  return out;
}

// Hands every row of a kind to `add`; a sentence about the first that cannot be read ends it.
template <class Add>
void read_rows(storage::database& db, std::string_view kind, Add add) {
  auto prefix = storage::object_prefix(kind);
  auto damaged = std::string{};
  auto code = db.scan(
      prefix, storage::prefix_end(prefix), [&](std::string_view key, std::string_view value) {
        auto name = std::string{key.substr(prefix.size())};
        auto text = std::string_view{};
        if (!open_row(key, value, text)) {
          damaged =
              "checksum of the catalog's " + std::string{kind} + " \"" + name + "\" does not match";
          return false;
        }
        try {
          add(json::parse(text));
        } catch (const std::exception& e) {
          damaged =
              "catalog's " + std::string{kind} + " \"" + name + "\" cannot be read: " + e.what();
        }
        return damaged.empty();
      });
  if (code != ec::none)
    damaged = "catalog cannot be read: " + std::string{to_string(code)};
  if (!damaged.empty())
    throw std::runtime_error{damaged};
}

} // namespace

std::string_view to_string(biz_scope x) { return name_in(scopes, x); }
std::string_view to_string(biz_target x) { return name_in(targets, x); }
std::string_view to_string(user_auth::mode x) { return name_in(modes, x); }
std::string_view to_string(key_role x) { return name_in(roles, x); }
bool from_string(std::string_view text, biz_scope& out) { return value_in(scopes, text, out); }
bool from_string(std::string_view text, biz_target& out) { return value_in(targets, text, out); }
bool from_string(std::string_view text, user_auth::mode& out) { return value_in(modes, text, out); }
bool from_string(std::string_view text, key_role& out) { return value_in(roles, text, out); }

json to_json(const user_auth& x, secrets how) {
  auto out = json{{"mode", to_string(x.how)}};
  auto add = [&](const char* field, const std::string& value) {
    if (!value.empty())
      out[field] = value;
  };
  if (how == secrets::show)
    add("secret", x.secret);
  else if (x.how == user_auth::mode::hmac || x.how == user_auth::mode::jwt)
    out["has_secret"] = !x.secret.empty();
  add("jwt_algorithm", x.jwt_algorithm);
  add("public_key", x.public_key);
  add("issuer", x.issuer);
  add("audience", x.audience);
  add("url", x.url);
  if (x.bind_unverified)
    out["bind_unverified"] = true;
  return out;
}

json to_json(const app_config& x, secrets how) {
  return {{"id", x.id}, {"no", raw(x.no)}, {"description", x.description},
      {"users_auth", to_json(x.users, how)}, {"created_ms", x.created_ms}};
}

json to_json(const biz_config& x) {
  return {{"name", x.name}, {"no", raw(x.no)}, {"description", x.description},
      {"scope", to_string(x.scope)}, {"target", to_string(x.target)},
      {"multi_device", x.multi_device}, {"persistent", x.persistent},
      {"verified_only", x.verified_only}, {"retention_s", x.retention_s},
      {"repush_newest", x.repush_newest}, {"payload_max", x.payload_max},
      {"ack_timeout_s", x.ack_timeout_s}, {"online", x.online}, {"created_ms", x.created_ms},
      {"updated_ms", x.updated_ms}};
}

json to_json(const key_config& x, secrets how) {
  auto out = json{{"id", x.id}, {"role", to_string(x.role)}, {"note", x.note},
      {"enabled", x.enabled}, {"created_ms", x.created_ms}};
  if (how == secrets::show)
    out["secret"] = x.secret;
  return out;
}

storage::write_batch::row row_of(const app_config& x) {
  return make_row(storage::object_key("app", x.id), to_json(x, secrets::show));
}

storage::write_batch::row row_of(const biz_config& x) {
  auto value = to_json(x);
  value["app_no"] = raw(x.app);
  return make_row(storage::object_key("biz", to_string(x.app) + "/" + x.name), value);
}

storage::write_batch::row row_of(const key_config& x) {
  auto value = to_json(x, secrets::show);
  value["app_no"] = raw(x.app);
  return make_row(row_key_of(x), value);
}

std::string row_key_of(const key_config& x) { return storage::object_key("key", x.id); }

std::string seal_row(std::string_view key, std::string json_text) {
  auto checksum = checksum_of(key, json_text);
  return std::move(json_text.append("\n").append(checksum));
}

bool open_row(std::string_view key, std::string_view value, std::string_view& json_text) {
  if (value.size() < 9 || value[value.size() - 9] != '\n')
    return false;
  json_text = value.substr(0, value.size() - 9);
  return value.substr(value.size() - 8) == checksum_of(key, json_text);
}

bool read_row(std::string_view key, std::string_view value, app_ptr& out) {
  return read_entry(key, value, out, app_from);
}

bool read_row(std::string_view key, std::string_view value, biz_ptr& out) {
  return read_entry(key, value, out, biz_from);
}

bool read_row(std::string_view key, std::string_view value, key_ptr& out) {
  return read_entry(key, value, out, key_from);
}

catalog load_catalog(storage::database& db) {
  auto out = catalog{};
  read_rows(db, "app", [&](const json& x) { out = out.with(app_from(x)); });
  read_rows(db, "biz", [&](const json& x) {
    auto biz = biz_from(x);
    if (!out.app(biz->app))
      throw std::runtime_error{"its app is missing"};
    out = out.with(biz);
  });
  read_rows(db, "key", [&](const json& x) { out = out.with(key_from(x)); });
  return out;
}

} // namespace shoal
