#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "actors/gateway/definition_codec.hpp"

namespace shoal::gateway {
namespace {

using nlohmann::json;

api_definition rich_api() {
  auto x = api_definition{};
  x.operation = "com.shop.order.create";
  x.name = "Create an order";
  x.status = api_status::online;
  x.group = "orders";
  x.method = "POST";
  x.path = "/orders/{id}";
  x.backend = {"PUT", "/v2/orders/{id}", "application/json", "utf-8"};
  x.request.schema.text = R"({"type":"object"})";
  x.response = {{}, "shop.Order", "shop"};
  x.params.push_back({"id", "long", param_place::path, true, {"7"}, "which"});
  x.need_sign = false;
  x.need_etag = true;
  x.timeout_ms = 500;
  x.limits.push_back({limit_mode::observe, limit_by::user, 10, 1'000, 20,
      {R"({"resultStatus":1002})"}, {{"en", {R"({"resultStatus":1002,"tips":"busy"})"}}}});
  x.cache = {true, {"body", "user"}, 5'000, 1'000, 100};
  x.mock = {true, 30, {R"({"resultStatus":1000})"}};
  x.breaker.enabled = true;
  x.breaker.model = breaker_model::slow_ratio;
  x.headers.push_back({"X-A", header_place::response, header_action::remove, "v"});
  x.migrate = {true, true, "new", 50, {"u1"}, {"d1"}, {"eu"}, "1.0", "2.0", {{"version", "2"}}};
  x.auth_rule = "login";
  x.steps.push_back({"a", "op", {"{}"}, {"b"}, true, {"[]"}});
  x.answer.text = R"({"x":"${a.y}"})";
  x.id = 7, x.version = 3, x.revision = 9, x.created_ms = 1, x.updated_ms = 2;
  return x;
}

template <class T>
T read_back(const json& x, reading how = reading::row) {
  auto out = T{};
  read(x, how, out);
  return out;
}

template <class T>
std::string problem_in(const std::string& text, T out = {}) {
  try {
    read(json::parse(text), reading::asked, out);
  } catch (const bad_field& x) {
    return x.path + ": " + x.sentence;
  }
  return "";
}

TEST(definition_codec, reads_back_every_field_of_a_row) {
  EXPECT_EQ(read_back<api_definition>(to_json(rich_api(), shown::row)), rich_api());
  auto group = api_group{};
  group.name = "orders";
  group.kind = backend_kind::grpc;
  group.protocol = backend_protocol::h2;
  group.upstreams = {{"h:1", 3, {{"version", "2"}}}};
  group.discovery = {discovery_kind::dns, "h:1", 5};
  group.balancing = balancing_kind::user_hash;
  group.tls = {true, false, "pem", "name", "certificate", "key"};
  group.signing = {signing_kind::sm3, "k", "salt"};
  group.health.path = "/health";
  group.retry = {0, 5};
  group.draining = true;
  EXPECT_EQ(read_back<api_group>(to_json(group, shown::row)), group);
  auto settings = app_settings{};
  settings.enabled = true;
  settings.sign_types = {mgw::sign_type::md5};
  settings.secret = "a secret of an app";
  settings.decryption_keys = {{1, "pem"}};
  settings.total_limit = limit_rule{};
  settings.total_limit->limit = 5;
  settings.cors.origins = {"*"};
  settings.tips["1002"]["zh-CN"] = "忙";
  EXPECT_EQ(read_back<app_settings>(to_json(settings, shown::row)), settings);
}

TEST(definition_codec, leaves_defaults_out_of_rows) {
  auto x = api_definition{};
  x.operation = "a.b";
  x.group = "g";
  x.version = 2;
  EXPECT_EQ(to_json(x, shown::row).dump(), R"({"group":"g","operation":"a.b","version":2})");
  EXPECT_EQ(to_json(x, shown::exported).dump(), R"({"group":"g","operation":"a.b"})");
  EXPECT_EQ(to_json(x, shown::full)["need_sign"], true);
}

TEST(definition_codec, never_shows_a_secret) {
  auto settings = app_settings{};
  settings.secret = "SECRET-1 of the app";
  settings.decryption_keys = {{1, "SECRET-2"}};
  auto group = api_group{};
  group.signing = {signing_kind::md5, "k", "SECRET-3"};
  for (auto how : {shown::full, shown::exported}) {
    EXPECT_EQ(to_json(settings, how).dump().find("SECRET"), std::string::npos);
    EXPECT_EQ(to_json(group, how).dump().find("SECRET"), std::string::npos);
  }
  EXPECT_EQ(to_json(settings, shown::full)["secret"], "(hidden)");
}

TEST(definition_codec, keeps_a_secret_that_comes_back_hidden) {
  auto settings = app_settings{};
  settings.secret = "SECRET-1 of the app";
  settings.decryption_keys = {{1, "one"}, {2, "two"}};
  auto sent = to_json(settings, shown::full);
  sent["decryption_keys"].erase(0);
  sent["decryption_keys"].push_back({{"number", 3}, {"private_pem", "three"}});
  read(sent, reading::asked, settings);
  EXPECT_EQ(settings.secret, "SECRET-1 of the app");
  EXPECT_EQ(settings.decryption_keys, (std::vector<decryption_key>{{2, "two"}, {3, "three"}}));
}

TEST(definition_codec, names_the_place_of_what_it_refuses) {
  EXPECT_EQ(problem_in<api_definition>(R"({"limits":[{"mode":"sometimes"}]})"),
      R"(limits[0].mode: must be one of "off", "block", "observe")");
  EXPECT_EQ(problem_in<api_definition>(R"({"cache":{"ttl":5}})"), "cache.ttl: is no field here");
  EXPECT_EQ(problem_in<api_definition>(R"({"timeout_ms":-1})"), "timeout_ms: is out of range");
  EXPECT_EQ(
      problem_in<api_definition>(R"({"timeout_ms":1.5})"), "timeout_ms: must be a whole number");
  EXPECT_EQ(
      problem_in<api_definition>(R"({"timeout_ms":4294967296})"), "timeout_ms: is out of range");
  EXPECT_EQ(
      problem_in<api_definition>(R"({"need_sign":"on"})"), "need_sign: must be true or false");
  EXPECT_EQ(problem_in<api_definition>(R"({"params":{}})"), "params: must be a list");
  EXPECT_EQ(problem_in<api_definition>("[]"), "body: must be an object");
  EXPECT_EQ(
      problem_in<app_settings>(R"({"tips":{"1002":{"en":5}}})"), "tips.1002.en: must be text");
}

TEST(definition_codec, ignores_what_only_the_registry_gives_and_what_newer_rows_have) {
  EXPECT_EQ(problem_in<api_definition>(R"({"id":9,"version":9,"revision":9,"created_ms":9})"), "");
  auto x = api_definition{};
  read(json{{"id", 9}, {"version", 9}}, reading::asked, x);
  EXPECT_EQ(x, api_definition{});
  read(json{{"id", 9}, {"invented_later", true}}, reading::row, x);
  EXPECT_EQ(x.id, 9u);
}

TEST(definition_codec, merges_objects_and_replaces_lists) {
  auto x = rich_api();
  read(json::parse(R"({"cache":{"ttl_ms":1},"params":[],"answer":null})"), reading::asked, x);
  EXPECT_EQ(x.cache.ttl_ms, 1u);
  EXPECT_TRUE(x.cache.enabled);
  EXPECT_TRUE(x.params.empty());
  EXPECT_TRUE(x.answer.empty());
  EXPECT_EQ(x.group, "orders");
}

} // namespace
} // namespace shoal::gateway
