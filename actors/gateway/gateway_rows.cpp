#include "actors/gateway/gateway_rows.hpp"

#include <stdexcept>

#include <nlohmann/json.hpp>

#include "actors/catalog/catalog_codec.hpp"
#include "actors/gateway/definition_codec.hpp"
#include "protocol/mgw/json_text.hpp"
#include "storage/keys.hpp"
#include "storage/records.hpp"

namespace shoal::gateway {

using nlohmann::json;

namespace {

/// Of a row's JSON: looked at before parsing, since other nodes send rows, too. What callers send
/// is nested less deeply.
constexpr unsigned max_row_depth = 80;

constexpr std::string_view letters = "sgaup"; // in the order of entry_kind

char letter_of(entry_kind x) { return letters[static_cast<std::size_t>(x)]; }

std::string text_of(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <class T>
storage::write_batch::row make_row(
    const world_name& in, entry_kind kind, std::string_view name, const T& x) {
  auto key = row_key_of(in.no, kind, name);
  auto value = to_json(x, shown::row);
  value["app"] = in.app;
  auto sealed = seal_row(key, text_of(value));
  return {std::move(key), std::move(sealed), false};
}

template <class T>
std::shared_ptr<const T> read_as(const json& x) {
  auto out = std::make_shared<T>();
  read(x, reading::row, *out);
  return out;
}

} // namespace

std::string row_key_of(app_no in, entry_kind kind, std::string_view name) {
  return storage::gateway_entry_key(in, letter_of(kind), name);
}

storage::write_batch::row row_of(const world_name& in, const api_definition& x) {
  return make_row(in, entry_kind::api, x.operation, x);
}

storage::write_batch::row row_of(const world_name& in, const api_group& x) {
  return make_row(in, entry_kind::group, x.name, x);
}

storage::write_batch::row row_of(const world_name& in, const authorizer_rule& x) {
  return make_row(in, entry_kind::authorizer, x.name, x);
}

storage::write_batch::row row_of(const world_name& in, const proto_definition& x) {
  return make_row(in, entry_kind::proto, x.name, x);
}

storage::write_batch::row row_of(const world_name& in, const app_settings& x) {
  return make_row(in, entry_kind::settings, "", x);
}

bool read_row_key(std::string_view key, entry& out) {
  auto kind = char{};
  if (!storage::parse_gateway_entry_key(key, out.in.no, kind, out.name) ||
      letters.find(kind) == letters.npos)
    return false;
  out.kind = static_cast<entry_kind>(letters.find(kind));
  return true;
}

bool read_row(std::string_view key, std::string_view value, entry& out) {
  auto text = std::string_view{};
  if (!read_row_key(key, out) || !open_row(key, value, text) || !mgw::is_json(text, max_row_depth))
    return false;
  try {
    auto x = json::parse(text);
    out.in.app = x.at("app").get<std::string>();
    switch (out.kind) {
    case entry_kind::settings:
      out.settings = read_as<app_settings>(x);
      break;
    case entry_kind::group:
      out.group = read_as<api_group>(x);
      break;
    case entry_kind::api:
      out.api = read_as<api_definition>(x);
      break;
    case entry_kind::authorizer:
      out.authorizer = read_as<authorizer_rule>(x);
      break;
    case entry_kind::proto:
      out.proto = read_as<proto_definition>(x);
      break;
    }
  } catch (const std::exception&) {
    return false;
  } catch (const bad_field&) {
    return false;
  }
  return true;
}

registry applied(const registry& to, const entry& x) {
  if (x.settings)
    return to.with(x.in, make_live(*x.settings));
  if (x.group)
    return to.with(x.in, make_live(*x.group));
  if (x.api)
    return to.with(x.in, x.api);
  if (x.authorizer)
    return to.with(x.in, x.authorizer);
  if (x.proto)
    return to.with(x.in, make_live(*x.proto));
  return to;
}

bool apply_rows(registry& to, const storage::write_batch& rows) {
  auto next = to;
  for (auto& row : rows.rows()) {
    auto x = entry{};
    if (!row.erase) {
      if (!read_row(row.key, row.value, x))
        return false;
      next = applied(next, x);
      continue;
    }
    if (!read_row_key(row.key, x))
      return false;
    next = next.without(x.in.no, x.kind, x.name);
  }
  to = std::move(next);
  return true;
}

storage::write_batch::row version_row(
    app_no in, const api_definition& x, std::string_view by, std::string_view note) {
  auto key = storage::gateway_version_key(in, x.operation, x.version);
  auto value = json{{"by", by}, {"note", note}, {"api", to_json(x, shown::row)}};
  auto sealed = seal_row(key, text_of(value));
  return {std::move(key), std::move(sealed), false};
}

bool read_version_row(std::string_view key, std::string_view value, api_version& out) {
  auto text = std::string_view{};
  if (!open_row(key, value, text) || !mgw::is_json(text, max_row_depth))
    return false;
  try {
    auto x = json::parse(text);
    out.by = x.at("by").get<std::string>();
    out.note = x.at("note").get<std::string>();
    out.api = read_as<api_definition>(x.at("api"));
    out.version = out.api->version;
    out.time_ms = out.api->updated_ms;
  } catch (const std::exception&) {
    return false;
  } catch (const bad_field&) {
    return false;
  }
  return true;
}

registry load_registry(storage::database& db) {
  auto out = registry{};
  auto damaged = std::string{};
  auto prefix = storage::gateway_entry_prefix();
  auto code = db.scan(
      prefix, storage::prefix_end(prefix), [&](std::string_view key, std::string_view value) {
        auto x = entry{};
        if (read_row(key, value, x))
          out = applied(out, x);
        else
          damaged = "the gateway's definition \"" + x.name + "\" of app " + to_string(x.in.no) +
                    " cannot be read, or its checksum does not match";
        return damaged.empty();
      });
  auto key = storage::gateway_head_key(), value = std::string{};
  auto head = storage::gateway_head{};
  auto found = db.get(key, value);
  if (code != ec::none || found == storage::lookup::failed)
    damaged = "the gateway's definitions cannot be read";
  else if (found == storage::lookup::found && !storage::decode(value, key, head))
    damaged = "the head of the gateway's definitions is damaged";
  if (!damaged.empty())
    throw std::runtime_error{damaged};
  return out.at(head.revision, head.next_id);
}

} // namespace shoal::gateway
