#include "actors/api/sync_codec.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/api/json_reader.hpp"
#include "actors/gateway/sync_backend.hpp"
#include "actors/stream/filter.hpp"
#include "protocol/signing.hpp"

namespace shoal::api {

using nlohmann::json;

namespace {

constexpr std::size_t max_word =
    64; // versions, tags and other facts: as long as a device may tell them
constexpr std::size_t max_choices = 64;
constexpr std::size_t max_users = 1'000;
constexpr std::int64_t max_time_ms = 253'402'300'799'999; // end of the year 9999

// Base64 of the largest payload, so that `text` never refuses what `payload_max` allows.
std::size_t encoded_max(std::uint32_t payload_max) {
  return (std::size_t{payload_max} + 2) / 3 * 4;
}

void read_target(json_reader& in, const biz_config& biz, append_item& out) {
  std::string user, device;
  auto has_user = in.text("user", user, 128), has_device = in.text("device", device, 128);
  if (biz.scope == biz_scope::global) {
    if (has_user || has_device)
      in.refuse(
          has_user ? "user" : "device", "the biz is global, it has no target", ec::wrong_target);
    out.who = principal::global();
    return;
  }
  auto for_users = biz.target == biz_target::user;
  if (for_users ? has_device : has_user)
    in.refuse(for_users ? "device" : "user",
        for_users ? "the biz is for users" : "the biz is for devices", ec::wrong_target);
  in.require(for_users ? has_user : has_device, for_users ? "user" : "device");
  auto& id = for_users ? user : device;
  if (!valid_external_id(id))
    in.refuse(for_users ? "user" : "device",
        "must be 1 to 128 printable ASCII characters without space, '/', '?', '#' and '%'");
  out.who = for_users ? principal::user(std::move(id)) : principal::device(std::move(id));
}

void read_payload(
    json_reader& in, const biz_config& biz, const sync_rules& rules, append_item& out) {
  std::string encoded;
  auto max = std::min(biz.payload_max, rules.payload_max);
  auto as_text = in.text("payload", out.op.payload, SIZE_MAX);
  auto as_bytes = in.text("payload_base64", encoded, SIZE_MAX);
  if (as_text == as_bytes)
    in.refuse("payload", as_text ? "give either payload or payload_base64" : "is missing");
  if (encoded.size() > encoded_max(max) || out.op.payload.size() > max)
    in.refuse(as_text ? "payload" : "payload_base64",
        "is larger than the biz allows, " + std::to_string(max) + " bytes", ec::payload_too_large);
  if (as_bytes && !unbase64(encoded, out.op.payload))
    in.refuse("payload_base64", "is not base64 (RFC 4648 section 4, with padding)");
  if (out.op.payload.size() > max)
    in.refuse("payload_base64", "is larger than the biz allows, " + std::to_string(max) + " bytes",
        ec::payload_too_large);
}

void read_validity(
    json_reader& in, const biz_config& biz, const sync_rules& rules, append_item& out) {
  auto latest = rules.now_ms + std::int64_t{biz.retention_s} * 1000;
  auto& op = out.op;
  in.number("valid_from_ms", op.valid_from_ms, 0, max_time_ms);
  if (in.number("valid_until_ms", op.valid_until_ms, 1, max_time_ms) &&
      op.valid_until_ms < rules.now_ms)
    in.refuse("valid_until_ms", "is in the past");
  op.valid_until_ms = op.valid_until_ms == 0 ? latest : std::min(op.valid_until_ms, latest);
  if (op.valid_from_ms > op.valid_until_ms)
    in.refuse(
        "valid_from_ms", "is after the end of validity (valid_until_ms, or the biz's retention)");
}

void read_versions(json_reader& in, storage::op_filter& filter) {
  auto ignored = 0;
  for (auto [field, value] : {std::pair{"min_app_version", &filter.min_app_version},
           {"max_app_version", &filter.max_app_version}})
    if (in.text(field, *value, max_word) && !compare_versions(*value, "0", ignored))
      in.refuse(field, "must be dotted numbers like 10.2.3");
  auto order = 0;
  if (!filter.min_app_version.empty() && !filter.max_app_version.empty() &&
      compare_versions(filter.min_app_version, filter.max_app_version, order) && order > 0)
    in.refuse("min_app_version", "is above max_app_version");
}

void read_audience(json_reader& in, const biz_config& biz, storage::op_filter& filter) {
  auto users = in.texts("users", filter.users, max_users, 128);
  auto min = in.number("min_uid", filter.min_uid), max = in.number("max_uid", filter.max_uid);
  if (!users && !min && !max)
    return;
  auto field = users ? "users" : min ? "min_uid" : "max_uid";
  if (biz.scope != biz_scope::global || biz.target != biz_target::user)
    in.refuse(field, "is only for a global biz with target \"user\"");
  for (const auto& x : filter.users)
    if (!valid_external_id(x))
      in.refuse("users", "must hold valid user ids");
  if (filter.max_uid != 0 && filter.min_uid > filter.max_uid)
    in.refuse("min_uid", "is above max_uid");
}

void read_filter(json_reader& in, const biz_config& biz, storage::op_filter& filter) {
  in.text("os", filter.os, max_word);
  read_versions(in, filter);
  in.texts("regions", filter.regions, max_choices, max_word);
  in.texts("models", filter.models, max_choices, max_word);
  in.texts("networks", filter.networks, max_choices, max_word);
  in.text_map("tags", filter.tags, 16, max_word);
  read_audience(in, biz, filter);
}

bool is_utf8(std::string_view text) {
  try {
    (void)json(text).dump();
    return true;
  } catch (const json::type_error&) {
    return false;
  }
}

json filter_json(const storage::op_filter& x) {
  auto out = json::object();
  auto add = [&](const char* field, const auto& value) {
    if (!value.empty())
      out[field] = value;
  };
  add("os", x.os);
  add("min_app_version", x.min_app_version);
  add("max_app_version", x.max_app_version);
  add("regions", x.regions);
  add("models", x.models);
  add("networks", x.networks);
  add("tags", x.tags);
  add("users", x.users);
  if (x.min_uid != 0)
    out["min_uid"] = x.min_uid;
  if (x.max_uid != 0)
    out["max_uid"] = x.max_uid;
  return out;
}

} // namespace

append_item read_item(json& item, const sync_rules& rules, std::string_view where) {
  auto in = json_reader{item, where};
  auto out = append_item{};
  std::string name;
  in.require(in.text("biz", name, 256), "biz");
  out.biz = rules.known.biz(rules.app, name);
  if (!out.biz)
    in.refuse("biz", "\"" + name.substr(0, 64) + "\" does not exist", ec::unknown_biz);
  if (!out.biz->online)
    in.refuse("biz", "\"" + name + "\" is offline", ec::biz_offline);
  read_target(in, *out.biz, out);
  read_payload(in, *out.biz, rules, out);
  if (in.text("key", out.op.client_key, 99) && out.op.client_key.empty())
    in.refuse("key", "must not be empty");
  if (out.op.client_key.starts_with(gateway::clients_key_prefix))
    in.refuse("key", "must not begin with \"call:\", which is for keys of clients");
  read_validity(in, *out.biz, rules, out);
  read_filter(in, *out.biz, out.op.filter);
  if (in.boolean("check_online", out.check_online) && out.check_online &&
      out.biz->scope == biz_scope::global)
    in.refuse("check_online", "is not for a global biz");
  in.finish();
  return out;
}

void append_result_json(std::string& out, const append_result& x, listeners known) {
  out.append("{\"id\":").append(std::to_string(x.at.id));
  out.append(",\"epoch\":").append(std::to_string(x.at.epoch));
  out.append(",\"repeated\":").append(x.repeated ? "true" : "false");
  if (known == listeners::counted)
    out.append(",\"online\":").append(std::to_string(x.online));
  out.append("}");
}

json to_json(const storage::op_record& op) {
  auto out = json{{"id", op.id}, {"time_ms", op.time_ms}, {"valid_from_ms", op.valid_from_ms},
      {"valid_until_ms", op.valid_until_ms}, {"filter", filter_json(op.filter)}};
  if (!op.client_key.empty())
    out["key"] = op.client_key;
  if (is_utf8(op.payload))
    out["payload"] = op.payload;
  else
    out["payload_base64"] = base64(op.payload);
  return out;
}

} // namespace shoal::api
