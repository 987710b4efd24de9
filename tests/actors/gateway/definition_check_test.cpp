// problem_of: definitions that can work, and what is said about those that cannot.
#include <functional>

#include <gtest/gtest.h>

#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {
namespace {

api_definition good_api() {
  auto out = api_definition{};
  out.operation = "com.shop.order.create";
  out.group = "orders";
  return out;
}

api_group good_group() {
  auto out = api_group{};
  out.name = "orders";
  out.upstreams = {{"127.0.0.1:8080", 1, {}}};
  return out;
}

template <class T>
void expect_problem(T x, const std::function<void(T&)>& spoil, std::string_view about) {
  ASSERT_EQ(problem_of(x), "");
  spoil(x);
  auto problem = problem_of(x);
  EXPECT_NE(problem.find(about), problem.npos) << "\"" << problem << "\" should name " << about;
}

TEST(definition_check, names_the_field_of_an_api_that_cannot_work) {
  auto spoilt = [](std::string_view about, std::function<void(api_definition&)> spoil) {
    expect_problem<api_definition>(good_api(), spoil, about);
  };
  spoilt("operation", [](auto& x) { x.operation = "a b"; });
  spoilt("operation", [](auto& x) { x.operation = std::string(257, 'a'); });
  spoilt("group", [](auto& x) { x.group = ""; });
  spoilt("method and path", [](auto& x) { x.method = "GET"; });
  spoilt("path", [](auto& x) { x.method = "GET", x.path = "orders"; });
  spoilt("method", [](auto& x) { x.method = "TRACE", x.path = "/"; });
  spoilt("timeout_ms", [](auto& x) { x.timeout_ms = 300'001; });
  spoilt("mock.data", [](auto& x) { x.mock.enabled = true; });
  spoilt("mock.data", [](auto& x) { x.mock.data.text = "[1]"; });
  spoilt("resultStatus", [](auto& x) { x.mock.data.text = R"({"tips":"x"})"; });
  spoilt("mock.percentage", [](auto& x) { x.mock.percentage = 101; });
  spoilt("limits[0].limit", [](auto& x) { x.limits.emplace_back(); });
  spoilt("cache.key", [](auto& x) { x.cache.enabled = true, x.cache.key = {"moon"}; });
  spoilt("headers", [](auto& x) { x.headers.push_back({"X-A", {}, {}, "a\r\nb"}); });
  spoilt("migrate", [](auto& x) { x.migrate.enabled = true; });
  spoilt("params", [](auto& x) { x.params.resize(2), x.params[0].name = x.params[1].name = "a"; });
  spoilt("request", [](auto& x) { x.request.message = "shop.Order"; });
  spoilt("request.schema", [](auto& x) { x.request.schema.text = "{"; });
  spoilt("steps", [](auto& x) { x.kind = api_kind::aggregate; });
  spoilt("steps.b.after", [](auto& x) {
    x.kind = api_kind::aggregate;
    x.answer.text = "{}";
    x.steps.resize(1);
    x.steps[0].name = "b", x.steps[0].operation = "op", x.steps[0].after = {"c"};
  });
}

TEST(definition_check, names_the_field_of_a_group_that_cannot_work) {
  auto spoilt = [](std::string_view about, std::function<void(api_group&)> spoil) {
    expect_problem<api_group>(good_group(), spoil, about);
  };
  spoilt("name", [](auto& x) { x.name = ""; });
  spoilt("upstreams", [](auto& x) { x.upstreams.clear(); });
  spoilt("upstreams", [](auto& x) { x.upstreams[0].address = "no port"; });
  spoilt("upstreams", [](auto& x) { x.upstreams[0].address = "h:70000"; });
  spoilt("discovery.source", [](auto& x) { x.discovery.kind = discovery_kind::dns; });
  spoilt("discovery.source", [](auto& x) { x.discovery.kind = discovery_kind::etcd; });
  spoilt("discovery.source", [](auto& x) { x.discovery = {discovery_kind::etcd, "//", 1}; });
  spoilt("path_prefix", [](auto& x) { x.path_prefix = "/v2/"; });
  spoilt("protocol", [](auto& x) { x.kind = backend_kind::grpc; });
  spoilt("signing.key", [](auto& x) { x.signing = {signing_kind::rsa, "k", "no PEM"}; });
  spoilt("health.path", [](auto& x) { x.health.path = "health"; });
  spoilt("discovery.source",
      [](auto& x) { x.kind = backend_kind::local, x.discovery.source = "two words"; });
  spoilt("local", [](auto& x) { x.kind = backend_kind::local, x.tls.enabled = true; });
}

TEST(definition_check, asks_for_no_addresses_where_the_backend_is_an_actor) {
  auto x = api_group{};
  x.name = "greeter";
  x.kind = backend_kind::local;
  EXPECT_EQ(problem_of(x), "");
  x.discovery.source = "sync";
  EXPECT_EQ(problem_of(x), "");
}

TEST(definition_check, names_the_field_of_settings_that_cannot_work) {
  auto spoilt = [](std::string_view about, std::function<void(app_settings&)> spoil) {
    expect_problem<app_settings>({}, spoil, about);
  };
  spoilt("timestamp_window_ms", [](auto& x) { x.timestamp_window_ms = 0; });
  spoilt("secret", [](auto& x) { x.secret = "short"; });
  spoilt("rsa_public_pem", [](auto& x) { x.rsa_public_pem = "no PEM"; });
  spoilt("decryption_keys", [](auto& x) { x.decryption_keys = {{1, "no PEM"}}; });
  spoilt("total_limit.limit", [](auto& x) { x.total_limit.emplace(); });
  spoilt("cors.origins", [](auto& x) { x.cors.origins = {"shop.example"}; });
  spoilt("cors.credentials", [](auto& x) { x.cors.origins = {"*"}, x.cors.credentials = true; });
  spoilt("hosts", [](auto& x) { x.hosts = {"a b"}; });
  spoilt("tips", [](auto& x) { x.tips["busy"]["en"] = "x"; });
}

TEST(definition_check, names_the_line_of_protobuf_types_that_do_not_compile) {
  auto x = proto_definition{};
  x.name = "shop";
  x.files["shop.proto"] = "syntax = \"proto3\"; package shop; message Order { string id = 1; }";
  EXPECT_EQ(problem_of(x), "");
  x.files["shop.proto"] = "syntax = \"proto3\"; message Order { Nothing id = 1; }";
  EXPECT_NE(problem_of(x).find("shop.proto"), std::string::npos) << problem_of(x);
  x.files.clear();
  EXPECT_NE(problem_of(x).find("files"), std::string::npos);
  x.descriptors = "?";
  EXPECT_NE(problem_of(x).find("descriptors"), std::string::npos);
}

TEST(definition_check, puts_app_and_workspace_together) {
  EXPECT_EQ(world_of("shop", ""), "shop");
  EXPECT_EQ(world_of("shop", "default"), "shop");
  EXPECT_EQ(world_of("shop", "test"), "shop@test");
}

} // namespace
} // namespace shoal::gateway
