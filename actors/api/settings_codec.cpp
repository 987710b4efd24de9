#include "actors/api/settings_codec.hpp"

#include "actors/api/json_reader.hpp"
#include "actors/catalog/catalog_codec.hpp"
#include "protocol/signing.hpp"

namespace shoal::api {

namespace {

template <class T>
auto reader_of() {
  return [](std::string_view text, T& out) { return from_string(text, out); };
}

} // namespace

app_config read_new_app(std::string_view body) {
  auto parsed = parse_body(body);
  auto in = json_reader{parsed};
  auto out = app_config{};
  in.require(in.text("id", out.id, 256), "id");
  in.text("description", out.description, 1024);
  in.finish();
  return out;
}

user_auth read_users_auth(std::string_view body, const user_auth& old, bool& made_secret) {
  auto parsed = parse_body(body);
  auto in = json_reader{parsed};
  auto out = user_auth{};
  in.require(in.name("mode", out.how, reader_of<user_auth::mode>(),
                 "\"none\", \"hmac\", \"jwt\" or \"callback\""),
      "mode");
  auto has_secret = in.text("secret", out.secret, 1024);
  in.text("jwt_algorithm", out.jwt_algorithm, 16);
  in.text("public_key", out.public_key, 16 * 1024);
  in.text("issuer", out.issuer, 1024);
  in.text("audience", out.audience, 1024);
  in.text("url", out.url, 1024);
  in.boolean("bind_unverified", out.bind_unverified);
  in.finish();
  auto wants_secret = out.how == user_auth::mode::hmac ||
                      (out.how == user_auth::mode::jwt && out.jwt_algorithm == "HS256");
  made_secret = wants_secret && !has_secret && (old.how != out.how || old.secret.empty());
  if (made_secret)
    out.secret = base64url(random_bytes(32));
  else if (wants_secret && !has_secret)
    out.secret = old.secret;
  if (auto problem = problem_of(out); !problem.empty())
    throw refusal{ec::invalid_argument, problem};
  return out;
}

new_key_request read_new_key(std::string_view body) {
  auto parsed = parse_body(body);
  auto in = json_reader{parsed};
  auto out = new_key_request{};
  auto choices = "\"read\", \"write\", \"admin\" or \"device\"";
  in.require(in.name("role", out.role, reader_of<key_role>(), choices), "role");
  if (out.role == key_role::operator_)
    in.refuse("role", std::string{"must be "}.append(choices));
  in.text("note", out.note, 256);
  in.finish();
  return out;
}

void read_key_change(std::string_view body, key_config& key) {
  auto parsed = parse_body(body);
  auto in = json_reader{parsed};
  auto enabled = in.boolean("enabled", key.enabled), note = in.text("note", key.note, 256);
  in.finish();
  in.require(enabled || note, "enabled");
}

void read_biz(std::string_view body, biz_config& biz) {
  auto parsed = parse_body(body);
  auto in = json_reader{parsed};
  in.text("description", biz.description, 1024);
  in.name("scope", biz.scope, reader_of<biz_scope>(), "\"targeted\" or \"global\"");
  in.name("target", biz.target, reader_of<biz_target>(), "\"user\" or \"device\"");
  in.boolean("multi_device", biz.multi_device);
  in.boolean("persistent", biz.persistent);
  in.boolean("verified_only", biz.verified_only);
  in.number("retention_s", biz.retention_s, 60, 366 * 24 * 3600);
  in.number("repush_newest", biz.repush_newest, 0, UINT32_MAX);
  in.number("payload_max", biz.payload_max, 1, 1u << 20);
  in.number("ack_timeout_s", biz.ack_timeout_s, 1, 3600);
  in.boolean("online", biz.online);
  in.finish();
  if (auto problem = problem_of(biz); !problem.empty())
    throw refusal{ec::invalid_argument, problem};
}

} // namespace shoal::api
