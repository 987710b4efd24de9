#include "actors/gateway/sample_call.hpp"

#include <nlohmann/json.hpp>

#include "actors/gateway/path_params.hpp"

namespace shoal::gateway {

using nlohmann::json;

namespace {

constexpr unsigned max_depth = 8;

json sample(const json& schema, unsigned depth) {
  if (!schema.is_object() || depth > max_depth)
    return {};
  for (auto name : {"example", "default", "const"})
    if (auto i = schema.find(name); i != schema.end())
      return *i;
  if (auto i = schema.find("enum"); i != schema.end() && i->is_array() && !i->empty())
    return i->front();
  auto type = schema.find("type");
  auto word = type != schema.end() && type->is_string() ? type->get<std::string>()
              : schema.contains("properties")           ? "object"
                                                        : "";
  if (word == "object") {
    auto out = json::object();
    if (auto i = schema.find("properties"); i != schema.end() && i->is_object())
      for (auto& [name, x] : i->items())
        out[name] = sample(x, depth + 1);
    return out;
  }
  if (word == "array") {
    auto items = schema.find("items");
    return items == schema.end() ? json::array() : json::array({sample(*items, depth + 1)});
  }
  if (word == "string")
    return "text";
  if (word == "integer")
    return schema.value("minimum", json(0));
  if (word == "number")
    return schema.value("minimum", json(0.0));
  if (word == "boolean")
    return false;
  return {};
}

json sample_of_type(const std::string& type) {
  if (type.ends_with("[]"))
    return json::array();
  if (type.ends_with("{}"))
    return json::object();
  if (type == "int" || type == "long")
    return 0;
  if (type == "double")
    return 0.0;
  if (type == "bool")
    return false;
  return type == "string" || type == "bytes" ? json("text") : json::object();
}

json sample_body(const world& in, const body_model& x) {
  if (!x.schema.empty())
    return sample_of_schema(json::parse(x.schema.text, nullptr, false));
  auto& proto = in.proto(x.proto);
  if (x.message.empty() || !proto || !proto->types)
    return {};
  auto options = mgw::transcode_options{};
  options.with_defaults = true;
  auto made = proto->types->to_json(x.message, "", options);
  return made.good ? json::parse(made.bytes, nullptr, false) : json{};
}

std::optional<mgw::sign_type> usable_sign(const live_settings& x) {
  for (auto type : x.set.sign_types)
    if (type != mgw::sign_type::rsa_sha256 && x.keys.has_secret())
      return type;
  return std::nullopt;
}

/// Of a call that goes out encrypted: what is sent, and signed, is the envelope.
std::optional<test_sealing> seal(mgw::call& x, const mgw::envelope_keys& keys) {
  auto which = keys.any();
  if (!which)
    return {};
  auto session = mgw::cipher_session{};
  auto cipher = which->kind == mgw::key_wrap::sm2 ? mgw::data_cipher::sm4_ctr_hmac_sm3
                                                  : mgw::data_cipher::aes_256_gcm;
  auto sealed =
      mgw::seal_request(keys, *which, cipher, x.data, {x.operation, x.app, x.workspace}, session);
  if (!sealed)
    return {};
  x.data = std::move(*sealed);
  x.encryption = mgw::to_string(which->kind);
  return test_sealing{
      x.encryption, which->number, keys.public_pem(*which), mgw::answer_key(session)};
}

} // namespace

json sample_of_schema(const json& schema) { return sample(schema, 0); }

json sample_request(const world& in, const api_definition& x) {
  auto out = json::object();
  if (auto body = sample_body(in, x.request); !body.is_null())
    out["_requestBody"] = std::move(body);
  for (auto& p : x.params)
    if (p.location != param_place::header && p.location != param_place::cookie)
      out[p.name] = p.default_value.empty() ? sample_of_type(p.type)
                                            : json::parse(p.default_value.text, nullptr, false);
  for (auto& p : implied_params(x))
    out.emplace(p.name, sample_of_type(p.type));
  return json::array({std::move(out)});
}

test_call make_test_call(const world& in, const api_definition& x, std::string request_data,
    std::int64_t now_ms, std::string nonce) {
  auto out = test_call{};
  auto& settings = in.settings();
  auto at = in.app().find('@');
  auto call = mgw::call{};
  call.operation = x.operation;
  call.app = in.app().substr(0, at);
  call.workspace = at == std::string::npos ? "default" : in.app().substr(at + 1);
  call.ts = std::to_string(now_ms);
  call.data = std::move(request_data);
  out.headers = {{"Operation-Type", x.operation}, {"AppId", call.app},
      {"WorkspaceId", call.workspace}, {"Version", "2.0"}, {"Content-Type", "application/json"},
      {"Ts", call.ts}};
  if (x.need_encrypt && settings.set.encrypt) {
    out.sealing = seal(call, settings.decryption);
    if (out.sealing)
      out.headers["Crypt"] = out.sealing->wrap;
    else
      out.warning = "the app has no key to decrypt with";
  }
  if (settings.set.need_nonce)
    out.headers["Nonce"] = call.nonce = std::move(nonce);
  if (auto how = usable_sign(settings)) {
    out.headers["SignType"] = mgw::to_string(*how);
    out.headers["Sign"] = mgw::sign_call(call, *how, settings.set.secret);
  } else if (out.warning.empty() && settings.set.sign && x.need_sign) {
    out.warning = "the app has no secret to sign with";
  }
  if (!settings.set.enabled)
    out.warning = "the gateway of this app is not enabled";
  else if (x.status == api_status::offline)
    out.warning = "the API is offline";
  out.body = std::move(call.data);
  return out;
}

} // namespace shoal::gateway
