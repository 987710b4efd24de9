// How long a call may take: who says it, who hears it, and what it includes.
#include <set>

#include <gmock/gmock.h>

#include "actors/gateway/deadline.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "tests/support/h2_backend.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

using gateway::stated_patience_ms;
using testing::AllOf;
using testing::Ge;
using testing::Gt;
using testing::HasSubstr;
using testing::Le;

constexpr auto name = "X-Envoy-Expected-Rq-Timeout-Ms";

TEST(Deadline, IsReadFromOneHeader) {
  EXPECT_EQ(stated_patience_ms({{"X-Other", "1"}}), 0u);
  EXPECT_EQ(stated_patience_ms({{"x-envoy-expected-rq-timeout-ms", "250"}}), 250u);
  EXPECT_EQ(stated_patience_ms({{name, "0"}}), 0u);
  EXPECT_EQ(stated_patience_ms({{name, ""}}), 0u) << "empty counts as absent";
  EXPECT_EQ(stated_patience_ms({{name, "7"}, {name, "7"}}), 7u);
  EXPECT_EQ(stated_patience_ms({{name, "7"}, {name, "8"}}), std::nullopt);
  for (auto bad : {"-1", "+1", "1.5", "1s", "a", " 1", "4294967296", "99999999999999999999"})
    EXPECT_EQ(stated_patience_ms({{name, bad}}), std::nullopt) << bad;
}

class GatewayDeadline : public GatewayFixture {
protected:
  static std::string says(const std::string& ms) { return std::string{name} + ": " + ms + "\r\n"; }

  /// What the backend heard with a request; -1: nothing, or more than one.
  static long heard_ms(const std::string& head) {
    auto at = head.find(name);
    if (at == std::string::npos || head.find(name, at + 1) != std::string::npos)
      return -1;
    return std::stol(head.substr(head.find(": ", at) + 2));
  }
  long last_heard_ms() const { return heard_ms(backend.all_heard().back().head); }

  /// The API `com.shop.auth`, and every call asks it.
  void ask_first() {
    auto auth = api;
    auth.operation = "com.shop.auth";
    auth.id = 2;
    auth.backend.path = "/auth";
    auth.timeout_ms = 60'000;
    add(auth);
    add(gateway::authorizer_rule{
        "login", "", "com.shop.auth", {{gateway::param_place::header, "Token"}}, false, 0});
    api.auth_rule = "login";
  }
};

TEST_F(GatewayDeadline, TheBackendHearsWhatTheDefinitionsGive) {
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
  EXPECT_THAT(last_heard_ms(), AllOf(Gt(1'000), Le(3'000)));
  group.timeout_ms = 20'000;
  publish();
  c.ask(request());
  EXPECT_THAT(last_heard_ms(), AllOf(Gt(10'000), Le(20'000)));
  api.timeout_ms = 60'000;
  publish();
  c.ask(request());
  EXPECT_THAT(last_heard_ms(), AllOf(Gt(50'000), Le(60'000)));
}

TEST_F(GatewayDeadline, ACallerCanWaitForLessButNotForMore) {
  api.timeout_ms = 60'000;
  auto c = connect();
  c.ask(request(says("20000")));
  EXPECT_THAT(last_heard_ms(), AllOf(Gt(10'000), Le(20'000)));
  c.ask(request(says("600000")));
  EXPECT_THAT(last_heard_ms(), AllOf(Gt(50'000), Le(60'000)));
}

/// Whatever is done to its name: the backend hears the gateway's word, once.
TEST_F(GatewayDeadline, NoClientSpeaksForTheGateway) {
  auto c = connect();
  c.ask(request("x-envoy-expected-rq-timeout-ms: 900\r\nX_Envoy_Expected_Rq_Timeout_Ms: 901\r\n"
                "X-Envoy-Retry-On: 5xx\r\nConnection: " +
                std::string{name} + "\r\n"));
  auto head = backend.all_heard().back().head;
  EXPECT_THAT(heard_ms(head), AllOf(Ge(1), Le(900)));
  EXPECT_EQ(head.find(" 901\r"), std::string::npos);
  EXPECT_EQ(head.find("Retry-On"), std::string::npos);
}

TEST_F(GatewayDeadline, ADefinitionCanTakeItAway) {
  api.headers = {{name, gateway::header_place::request, gateway::header_action::remove, ""}};
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
  EXPECT_EQ(last_heard_ms(), -1);
}

TEST_F(GatewayDeadline, WhatIsNoNumberIsRefused) {
  api.method = "GET";
  api.path = "/shop";
  settings.hosts = {"gw"};
  auto c = connect();
  auto x = c.ask(request(says("soon")));
  EXPECT_EQ(code(x), "3002");
  EXPECT_EQ(field(x, "Memo"), name);
  EXPECT_EQ(c.ask("GET /shop HTTP/1.1\r\nHost: gw\r\n" + says("soon") + "\r\n").status, 400);
  EXPECT_EQ(backend.requests(), 0);
}

/// Else a client could have good instances put aside by not waiting for them.
TEST_F(GatewayDeadline, ACallerThatDoesNotWaitSaysNothingAboutTheBackend) {
  answer_with = [](const heard& x) {
    return x.body == "1" ? say{"", then::hang} : scripted_backend::ok("{}");
  };
  api.timeout_ms = 60'000;
  api.breaker.enabled = true;
  api.breaker.min_calls = 1;
  api.breaker.open_s = 3'600;
  group.health.eject_after = 1;
  group.health.eject_max_percent = 100;
  auto other = scripted_backend{[](const heard&) { return scripted_backend::ok("\"other\""); }};
  auto c = connect();
  auto x = c.ask(request(says("500"), R"([{"_requestBody":1}])"));
  EXPECT_EQ(code(x), "4001");
  EXPECT_EQ(field(x, "Memo"), "deadline");
  EXPECT_TRUE(eventually([&] { return backend.given_up() == 1; })) << "its connection is closed";
  group.upstreams.push_back({other.address(), 1, {}});
  publish();
  auto bodies = std::set<std::string>{};
  for (auto i = 0; i < 4; ++i)
    bodies.insert(c.ask(request()).body);
  EXPECT_THAT(bodies, testing::UnorderedElementsAre("{}", "\"other\""));
}

TEST_F(GatewayDeadline, TheAuthorizersTimeIsTheCalls) {
  api.timeout_ms = 20'000;
  ask_first();
  answer_with = [](const heard& x) {
    return scripted_backend::ok(x.path == "/auth" ? R"({"authorized":true})" : "{}");
  };
  auto c = connect();
  EXPECT_EQ(code(c.ask(request("Token: t\r\n"))), "1000");
  ASSERT_EQ(backend.requests(), 2);
  for (auto& x : backend.all_heard())
    EXPECT_THAT(heard_ms(x.head), AllOf(Gt(10'000), Le(20'000))) << x.path;
}

TEST_F(GatewayDeadline, AnAuthorizerThatHangsTakesNoLongerThanTheCallMay) {
  api.timeout_ms = 60'000;
  ask_first();
  answer_with = [](const heard&) { return say{"", then::hang}; };
  auto c = connect();
  auto begin = std::chrono::steady_clock::now();
  auto x = c.ask(request("Token: t\r\n" + says("500")));
  EXPECT_EQ(code(x), "4001") << "1005 would send people to log in";
  EXPECT_EQ(field(x, "Memo"), "the%20authorizer%20took%20all%20of%20the%20time");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{30});
  EXPECT_TRUE(eventually([&] { return backend.requests() == 1; }));
}

TEST_F(GatewayDeadline, StepsOfAnAggregateHearWhatIsLeftOfTheWhole) {
  auto part = api;
  part.operation = "com.shop.part";
  part.id = 2;
  part.timeout_ms = 60'000;
  add(part);
  api.kind = gateway::api_kind::aggregate;
  api.timeout_ms = 20'000;
  api.steps = {{"a", "com.shop.part", {"{}"}, {}, false, {}},
      {"b", "com.shop.part", {R"({"of":"${a.n}"})"}, {}, false, {}}};
  api.answer.text = R"("${b}")";
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
  ASSERT_EQ(backend.requests(), 2);
  for (auto& x : backend.all_heard())
    EXPECT_THAT(heard_ms(x.head), AllOf(Gt(10'000), Le(20'000)));
}

TEST_F(GatewayDeadline, OneOfABatchHoldsForAllItsCalls) {
  api.timeout_ms = 60'000;
  auto c = connect();
  auto one = std::string{R"({"operationType":"com.shop.get","requestData":"[{}]"})"};
  auto body = R"({"calls":[)" + one + "," + one + "]}";
  c.ask("POST /mgw/batch HTTP/1.1\r\nHost: gw\r\nAppId: shop\r\nWorkspaceId: test\r\n" +
        says("20000") + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  ASSERT_EQ(backend.requests(), 2);
  for (auto& x : backend.all_heard())
    EXPECT_THAT(heard_ms(x.head), AllOf(Gt(10'000), Le(20'000)));
}

TEST_F(GatewayDeadline, Http2BackendsHearItToo) {
  auto said = std::string{};
  auto h2 = h2_backend{[&](const http::request& x, std::uint32_t, int) {
    said = x.header(name);
    return h2_backend::ok("{}");
  }};
  group.protocol = gateway::backend_protocol::h2;
  group.upstreams = {{h2.address(), 1, {}}};
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
  ASSERT_FALSE(said.empty());
  EXPECT_THAT(std::stol(said), AllOf(Gt(1'000), Le(3'000)));
}

TEST_F(GatewayDeadline, ThatOfADevicesCallIsToldLikeAnyOther) {
  who = std::make_shared<const tls::device_identity>(
      tls::device_identity{"shop@test", "d1", "u1", false});
  api.timeout_ms = 60'000;
  auto client = connect("shoal/1");
  EXPECT_EQ(client.read_frame()->type, frame_type::welcome);
  auto ask = [&](std::uint32_t deadline_ms, const std::string& header_ms) {
    auto x = wire::Call{};
    x.set_id(1);
    x.set_operation("com.shop.get");
    x.set_data("[{}]");
    x.set_deadline_ms(deadline_ms);
    (*x.mutable_headers())[name] = header_ms;
    client.send_frame(frame_type::call, x.SerializeAsString());
    auto out = wire::CallResult{};
    EXPECT_TRUE(out.ParseFromString(client.read_frame()->body));
    return out;
  };
  EXPECT_EQ(ask(20'000, "").code(), 1000u);
  EXPECT_THAT(last_heard_ms(), AllOf(Gt(10'000), Le(20'000)));
  ask(20'000, "5000");
  EXPECT_THAT(last_heard_ms(), AllOf(Gt(1'000), Le(5'000)));
  ask(0, "5000");
  EXPECT_THAT(last_heard_ms(), AllOf(Gt(1'000), Le(5'000)));
  auto bad = ask(0, "soon");
  EXPECT_EQ(bad.code(), 3002u);
  EXPECT_EQ(bad.memo(), name);
}

} // namespace
} // namespace shoal::test
