// The gateway from bytes to bytes: TLS client, endpoint, pipeline, backend.
#include <gmock/gmock.h>

#include "actors/log.hpp"
#include "actors/log_control.hpp"
#include "protocol/mgw/envelope_cipher.hpp"
#include "protocol/mgw/signature.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "tests/support/h2_client.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Gateway : public GatewayFixture {};

TEST_F(Gateway, CarriesACallToItsBackendAndBack) {
  api.backend.path = "/orders";
  auto c = connect();
  auto x = c.ask(request("", R"([{"_requestBody":{"id":7}}])"));
  EXPECT_EQ(x.status, 200);
  EXPECT_EQ(code(x), "1000");
  EXPECT_EQ(x.body, "{\"n\":1}");
  auto got = backend.all_heard().at(0);
  EXPECT_EQ(got.method + " " + got.path + " " + got.body, "POST /orders {\"id\":7}");
}

TEST_F(Gateway, KeepsConnectionsOnBothSides) {
  auto c = connect();
  for (auto i = 0; i < 50; ++i)
    EXPECT_EQ(code(c.ask(request())), "1000");
  EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Gateway, AnswersVersion1InAnEnvelope) {
  auto c = connect();
  EXPECT_EQ(c.ask(request("Version: 1.0\r\n")).body, R"({"resultStatus":1000,"result":{"n":1}})");
}

TEST_F(Gateway, ServesHttp2FromTheSamePipeline) {
  auto c = connect("h2");
  auto session = h2_client{};
  auto head = h2_head("POST", "/mgw.htm",
      {{"operation-type", "com.shop.get"}, {"appid", "shop"}, {"workspaceid", "test"}});
  auto ids = std::vector<std::int32_t>{};
  for (auto i = 0; i < 20; ++i)
    ids.push_back(session.ask(head, "[{}]"));
  auto all = [&] {
    return std::ranges::all_of(ids, [&](auto id) { return session.answers[id].whole; });
  };
  while (!all()) {
    c.send(session.take());
    auto bytes = c.read_some();
    ASSERT_FALSE(bytes.empty());
    ASSERT_TRUE(session.give(bytes));
  }
  for (auto id : ids) {
    EXPECT_EQ(session.answers[id].header("result-status"), "1000");
    EXPECT_EQ(session.answers[id].body, "{\"n\":1}");
  }
}

TEST_F(Gateway, LeavesOtherPathsToTheHandler) {
  auto c = connect();
  EXPECT_EQ(c.ask("GET /v1/apps HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
}

TEST_F(Gateway, NoAppCanTakeThePathsOfTheServer) {
  api.method = "GET";
  api.path = "/{everything*}";
  settings.hosts = {"a"};
  publish();
  auto c = connect();
  EXPECT_EQ(code(c.ask("GET /x/apps HTTP/1.1\r\nHost: a\r\n\r\n")), "1000");
  EXPECT_EQ(c.ask("GET /v1/apps HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
}

TEST_F(Gateway, WhatIsNotDefinedOrNotOnlineIs3000) {
  auto c = connect();
  EXPECT_EQ(code(c.ask(request("", "[{}]", "com.other"))), "3000");
  api.status = gateway::api_status::offline;
  publish();
  EXPECT_EQ(code(c.ask(request())), "3000");
  api.status = gateway::api_status::online;
  settings.enabled = false;
  publish();
  EXPECT_EQ(code(c.ask(request())), "3000");
  settings.enabled = true;
  publish();
  EXPECT_EQ(code(c.ask(request())), "1000") << "changes hold from the next call on";
}

TEST_F(Gateway, ABrokenCallIsToldWhatIsWrong) {
  auto c = connect();
  auto x = c.ask(request("", ""));
  EXPECT_EQ(code(x), "3001");
  EXPECT_EQ(code(c.ask("POST /mgw.htm HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")), "3000");
}

// -- backends that misbehave ---------------------------------------------------------------------

TEST_F(Gateway, ABackendsFaultHurtsOneCallAndNobodyElse) {
  struct fault {
    std::string name;
    say what;
    std::string code;
  };
  auto faults = std::vector<fault>{};
  auto add_fault = [&](const char* name, const char* result, std::string bytes, then after) {
    auto& x = faults.emplace_back();
    x.name = name;
    x.code = result;
    x.what.bytes = std::move(bytes);
    x.what.after = after;
  };
  auto ok = std::string{"HTTP/1.1 200 OK\r\n"};
  add_fault("reset", "4002", "", then::reset);
  add_fault("end", "4002", "", then::close);
  add_fault("half head", "4002", ok + "A", then::close);
  add_fault("half body", "4002", ok + "Content-Length: 10\r\n\r\nabc", then::close);
  add_fault("lengths", "4002", ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", then::keep);
  add_fault("bad chunk", "4002", ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", then::keep);
  add_fault("garbage", "4002", "\x16\x03\x01 not http\r\n\r\n", then::keep);
  add_fault("endless head", "4002", ok + "A: " + std::string(200'000, 'a'), then::close);
  add_fault("hang", "4001", "", then::hang);
  add_fault("hang in the head", "4001", ok, then::hang);
  add_fault("hang in the body", "4001", ok + "Content-Length: 10\r\n\r\nabc", then::hang);
  add_fault("error", "4002", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", then::keep);
  add_fault("two answers", "1000", ok + "Content-Length: 2\r\n\r\n{}" + ok + "\r\n", then::keep);
  answer_with = [&](const heard& x) {
    auto at = x.path.find("fault=");
    return at == std::string::npos ? scripted_backend::ok("\"fine\"")
                                   : faults[std::stoul(x.path.substr(at + 6))].what;
  };
  api.params = {{"fault", "int", gateway::param_place::query, false, {}, ""}};
  group.health.eject_after = 0;
  auto victim = connect();
  auto other = connect();
  for (auto i = std::size_t{0}; i < faults.size(); ++i) {
    auto patience =
        faults[i].code == "4001" ? "X-Envoy-Expected-Rq-Timeout-Ms: 200\r\n" : std::string{};
    victim.send(request(patience, "[{\"fault\":" + std::to_string(i) + "}]"));
    EXPECT_EQ(other.ask(request()).body, "\"fine\"") << faults[i].name;
    EXPECT_EQ(code(victim.read_answer()), faults[i].code) << faults[i].name;
    EXPECT_EQ(victim.ask(request()).body, "\"fine\"") << "after " << faults[i].name;
  }
}

TEST_F(Gateway, ASlowCallIsInTheLogWithWhereItsTimeWent) {
  log::setup("warn", "kv"); // only then are warnings kept
  answer_with = [](const heard&) { return say{"", then::hang}; };
  api.timeout_ms = 500;
  settings.slow_ms = 50;
  auto c = connect();
  auto trace = std::string{"0af7651916cd43dd8448eb211c80319c"};
  auto lines = [&] {
    auto out = std::vector<std::string>{};
    for (auto& x : log::recent_warnings())
      if (x.find(trace) != std::string::npos)
        out.push_back(x);
    return out;
  };
  auto field = "traceparent: 00-" + trace + "-b7ad6b7169203331-01\r\n";
  EXPECT_EQ(code(c.ask(request(field))), "4001");
  EXPECT_EQ(code(c.ask(request(field))), "4001"); // the line comes after the answer
  ASSERT_FALSE(lines().empty());
  EXPECT_THAT(lines()[0], HasSubstr("event=\"slow call\" app=shop workspace=test "
                                    "operation=com.shop.get code=4001 group=orders"));
  EXPECT_THAT(lines()[0], AllOf(HasSubstr(" backend_ms="), Not(HasSubstr(" backend_ms=0."))));
  api.slow_ms = 10'000; // its own
  publish();
  c.ask(request(field));
  c.ask(request(field));
  EXPECT_EQ(lines().size(), 2u);
}

TEST_F(Gateway, TimeoutsAreTheApisElseTheGroups) {
  answer_with = [](const heard&) { return say{"", then::hang}; };
  group.timeout_ms = 100;
  auto c = connect();
  auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(code(c.ask(request())), "4001");
  auto passed = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(passed, std::chrono::milliseconds{100});
  EXPECT_LT(passed, std::chrono::milliseconds{3000}) << "that of neither";
}

TEST_F(Gateway, ABackendThatIsNotThereIs4002AndNoBackendIs6000) {
  group.upstreams = {{"127.0.0.1:1", 1, {}}};
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4002");
  group.upstreams.clear();
  publish();
  EXPECT_EQ(code(c.ask(request())), "6000");
}

TEST_F(Gateway, ANameIsResolved) {
  group.upstreams = {{"localhost:" + std::to_string(backend.port()), 1, {}}};
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
}

TEST_F(Gateway, ANameMayStandForAllInstancesOfAGroup) {
  group.upstreams.clear();
  group.discovery = {
      gateway::discovery_kind::dns, "localhost:" + std::to_string(backend.port()), 5};
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
}

TEST_F(Gateway, AGroupThatDrainsTakesNoNewCalls) {
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
  group.draining = true;
  publish();
  EXPECT_EQ(code(c.ask(request())), "6000");
  EXPECT_EQ(backend.requests(), 1);
  group.draining = false;
  publish();
  EXPECT_EQ(code(c.ask(request())), "1000");
}

TEST_F(Gateway, ACallThatIsSafeIsSentAgainElsewhere) {
  auto sick = scripted_backend{[](const heard&) { return say{"", then::close}; }};
  group.upstreams = {{sick.address(), 1, {}}, {backend.address(), 1, {}}};
  group.retry.budget_percent = 100;
  group.health.eject_after = 0;
  api.backend.method = "GET";
  auto c = connect();
  for (auto i = 0; i < 10; ++i)
    EXPECT_EQ(code(c.ask(request())), "1000");
  EXPECT_GE(sick.requests(), 4);
  api.backend.method = "POST";
  publish();
  auto failed = 0;
  for (auto i = 0; i < 10; ++i)
    failed += code(c.ask(request())) == "4002" ? 1 : 0;
  EXPECT_EQ(failed, 5) << "a POST that may have arrived is not repeated";
}

TEST_F(Gateway, AnInstanceThatFailsIsPutAside) {
  auto sick = scripted_backend{[](const heard&) { return say{"", then::close}; }};
  group.upstreams = {{sick.address(), 1, {}}, {backend.address(), 1, {}}};
  group.health.eject_after = 3;
  auto c = connect();
  auto failed = 0;
  for (auto i = 0; i < 40; ++i)
    failed += code(c.ask(request())) == "4002" ? 1 : 0;
  EXPECT_EQ(failed, 3);
}

TEST_F(Gateway, ChecksTakeAnInstanceOut) {
  auto sick = scripted_backend{[](const heard& x) {
    return x.path == "/health" ? say{"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"}
                               : scripted_backend::ok("\"sick\"");
  }};
  group.upstreams = {{sick.address(), 1, {}}, {backend.address(), 1, {}}};
  group.health.path = "/health";
  group.health.interval_ms = 1;
  group.health.unhealthy_after = 1;
  auto c = connect();
  c.ask(request());
  EXPECT_TRUE(eventually([&] {
    auto all_good = true;
    for (auto i = 0; i < 4; ++i)
      all_good = all_good && c.ask(request()).body != "\"sick\"";
    return all_good;
  }));
}

// -- who may call --------------------------------------------------------------------------------

TEST_F(Gateway, SignaturesAreChecked) {
  settings.sign = true;
  settings.secret = "s3cret";
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "7014");
  auto x = mgw::call{};
  x.operation = "com.shop.get";
  x.data = "[{}]";
  x.ts = std::to_string(wall_clock_ms());
  auto fields = [&](const std::string& sign) {
    return "Ts: " + x.ts + "\r\nSignType: HMACSHA256\r\nSign: " + sign + "\r\n";
  };
  auto good = mgw::sign_call(x, mgw::sign_type::hmac_sha256, "s3cret");
  EXPECT_EQ(code(c.ask(request(fields(good)))), "1000");
  EXPECT_EQ(code(c.ask(request(fields(good), "[{\"a\":1}]"))), "7002");
  EXPECT_EQ(code(c.ask(request(fields(std::string(64, '0'))))), "7002");
  x.ts = std::to_string(wall_clock_ms() - 400'000);
  EXPECT_EQ(code(c.ask(request(fields(mgw::sign_call(x, mgw::sign_type::hmac_sha256, "s3cret"))))),
      "7003");
  api.need_sign = false;
  publish();
  EXPECT_EQ(code(c.ask(request())), "1000");
}

TEST_F(Gateway, ANonceWorksOnce) {
  settings.sign = true;
  settings.secret = "s3cret";
  settings.need_nonce = true;
  auto c = connect();
  auto x = mgw::call{};
  x.operation = "com.shop.get";
  x.data = "[{}]";
  x.nonce = "n1";
  x.ts = std::to_string(wall_clock_ms() + 1);
  auto fields = "Ts: " + x.ts + "\r\nNonce: n1\r\nSignType: HMACSHA256\r\nSign: " +
                mgw::sign_call(x, mgw::sign_type::hmac_sha256, "s3cret") + "\r\n";
  EXPECT_EQ(code(c.ask(request(fields))), "1000");
  EXPECT_EQ(code(c.ask(request(fields))), "7002");
}

TEST_F(Gateway, LimitsAnswer1002AndOnlyToWhomTheyAreAbout) {
  auto rule = gateway::limit_rule{};
  rule.by = gateway::limit_by::user;
  rule.limit = 3;
  rule.interval_ms = 3'600'000;
  rule.default_response.text = R"({"resultStatus":1002,"tips":"wait"})";
  api.limits = {rule};
  auto c = connect();
  for (auto i = 0; i < 3; ++i)
    EXPECT_EQ(code(c.ask(request("UserId: anna\r\n"))), "1000");
  auto x = c.ask(request("UserId: anna\r\n"));
  EXPECT_EQ(code(x), "1002");
  EXPECT_EQ(field(x, "Tips"), "wait");
  EXPECT_EQ(code(c.ask(request("UserId: ben\r\n"))), "1000");
  api.limits[0].mode = gateway::limit_mode::observe;
  publish();
  EXPECT_EQ(code(c.ask(request("UserId: anna\r\n"))), "1000");
  settings.total_limit = {
      gateway::limit_mode::block, gateway::limit_by::all, 1, 3'600'000, 0, {}, {}};
  publish();
  EXPECT_EQ(code(c.ask(request("UserId: cleo\r\n"))), "1000");
  EXPECT_EQ(code(c.ask(request("UserId: dora\r\n"))), "1002");
}

TEST_F(Gateway, AnAuthorizerSaysWhoIsCalling) {
  answer_with = [](const heard& x) {
    if (x.path != "/auth")
      return scripted_backend::ok("{}");
    return scripted_backend::ok(x.body.find("good") != std::string::npos
                                    ? R"({"authorized":true,"principal":{"X-Member":"42"}})"
                                    : R"({"authorized":false})");
  };
  auto auth = api;
  auth.operation = "com.shop.auth";
  auth.id = 2;
  auth.backend.path = "/auth";
  add(auth);
  add(gateway::authorizer_rule{
      "login", "", "com.shop.auth", {{gateway::param_place::header, "Token"}}, true, 60});
  api.auth_rule = "login";
  publish();
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1005");
  EXPECT_EQ(code(c.ask(request("Token: bad\r\n"))), "1005");
  EXPECT_EQ(code(c.ask(request("Token: good\r\n"))), "1000");
  EXPECT_THAT(backend.all_heard().back().head, HasSubstr("X-Member: 42\r\n"));
  auto before = backend.requests();
  EXPECT_EQ(code(c.ask(request("Token: good\r\n"))), "1000");
  EXPECT_EQ(backend.requests(), before + 1) << "the answer was kept";
  EXPECT_THAT(backend.all_heard().back().head, HasSubstr("X-Member: 42\r\n"));
}

// -- answers -------------------------------------------------------------------------------------

TEST_F(Gateway, MocksAnswerWithoutABackend) {
  api.mock.enabled = true;
  api.mock.data.text = R"({"resultStatus":1000,"tips":"","result":{"mock":true}})";
  auto c = connect();
  EXPECT_EQ(c.ask(request()).body, R"({"mock":true})");
  EXPECT_EQ(backend.requests(), 0);
  api.mock.percentage = 0;
  publish();
  EXPECT_EQ(c.ask(request()).body, R"({"n":1})");
}

TEST_F(Gateway, CachedAnswersSpareTheBackend) {
  api.cache.enabled = true;
  api.cache.ttl_ms = 60'000;
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
  EXPECT_EQ(c.ask(request()).body, R"({"n":1})");
  EXPECT_EQ(backend.requests(), 1);
  EXPECT_EQ(code(c.ask(request("", "[{\"other\":1}]"))), "1000");
  EXPECT_EQ(backend.requests(), 2);
}

TEST_F(Gateway, ABreakerStopsCallsToASickBackend) {
  answer_with = [](const heard&) { return say{"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"}; };
  api.breaker.enabled = true;
  api.breaker.min_calls = 5;
  api.breaker.open_s = 3600;
  auto c = connect();
  for (auto i = 0; i < 5; ++i)
    EXPECT_EQ(code(c.ask(request())), "4002");
  EXPECT_EQ(code(c.ask(request())), "1002");
  EXPECT_EQ(backend.requests(), 5);
}

TEST_F(Gateway, ABreakerClosesInTimeWhateverTheWallClockIsSetTo) {
  auto wall = std::atomic{wall_clock_ms()}, steady = std::atomic{steady_ms()};
  share = std::make_shared<gateway::node_share>(
      cell, [&] { return wall.load(); }, [&] { return steady.load(); });
  auto sick = std::atomic{true};
  answer_with = [&](const heard&) {
    return sick ? say{"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"}
                : scripted_backend::ok("{\"n\":1}");
  };
  api.breaker.enabled = true;
  api.breaker.min_calls = 5;
  api.breaker.open_s = 60;
  auto c = connect();
  for (auto i = 0; i < 5; ++i)
    EXPECT_EQ(code(c.ask(request())), "4002");
  sick = false;
  wall += 3'600'000;
  EXPECT_EQ(code(c.ask(request())), "1002") << "the backend gets its minute of rest";
  wall -= 7'200'000;
  steady += 61'000;
  EXPECT_EQ(code(c.ask(request())), "1000");
  endpoint.reset(); // before the clocks
}

TEST_F(Gateway, TrafficMovesToAnotherGroup) {
  auto fresh = scripted_backend{[](const heard&) { return scripted_backend::ok("\"new\""); }};
  auto other = group;
  other.name = "orders-2";
  other.id = 2;
  other.upstreams = {{fresh.address(), 1, {}}};
  add(other);
  api.migrate.enabled = true;
  api.migrate.group = "orders-2";
  api.migrate.users = {"anna"};
  publish();
  auto c = connect();
  EXPECT_EQ(c.ask(request("UserId: anna\r\n")).body, "\"new\"");
  EXPECT_EQ(c.ask(request("UserId: ben\r\n")).body, R"({"n":1})");
}

TEST_F(Gateway, EtagsSpareTheBody) {
  api.need_etag = true;
  auto c = connect();
  auto tag = field(c.ask(request()), "ETag");
  EXPECT_EQ(tag.size(), 34u);
  auto x = c.ask(request("If-None-Match: \"x\", W/" + tag + "\r\n"));
  EXPECT_EQ(x.status, 304);
  EXPECT_EQ(x.body, "");
  EXPECT_EQ(c.ask(request("If-None-Match: \"x\"\r\n")).status, 200);
}

TEST_F(Gateway, RestCallsKeepMethodPathAndStatus) {
  answer_with = [](const heard&) {
    return say{"HTTP/1.1 201 Made\r\nLocation: /shop/9\r\nContent-Length: 2\r\n\r\nok"};
  };
  api.method = "PUT";
  api.path = "/shop/{id}";
  api.backend.path = "/items/{id}";
  settings.hosts = {"api.shop.example"};
  auto c = connect();
  auto x =
      c.ask("PUT /shop/9?a=b HTTP/1.1\r\nHost: api.shop.example:443\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(x.status, 201);
  EXPECT_EQ(x.body, "ok");
  EXPECT_EQ(field(x, "Location"), "/shop/9");
  auto got = backend.all_heard().at(0);
  EXPECT_EQ(got.method + " " + got.path + " " + got.body, "PUT /items/9?a=b x");
  EXPECT_EQ(
      c.ask("PUT /other HTTP/1.1\r\nHost: api.shop.example\r\nContent-Length: 0\r\n\r\n").body,
      "not the gateway's");
}

TEST_F(Gateway, APathThatLeadsElsewhereReachesNoBackend) {
  api.method = "GET";
  api.path = "/shop/{rest*}";
  settings.hosts = {"gw"};
  auto c = connect();
  auto get = [&](const std::string& path) {
    return c.ask("GET " + path + " HTTP/1.1\r\nHost: gw\r\n\r\n");
  };
  for (auto bad : {"/shop/a/../../admin", "/shop/%2e%2e/admin", "/shop/%5c..%5c", "/shop/%00",
           "/shop/%zz", "/shop/.."}) {
    auto x = get(bad);
    EXPECT_EQ(x.status, 400) << bad;
    EXPECT_EQ(code(x), "3002") << bad;
  }
  EXPECT_THAT(backend.all_heard(), testing::IsEmpty());
  EXPECT_EQ(get("/shop/a%2Fb//..c").status, 200);
}

TEST_F(Gateway, HeadersOfAConnectionEndWithIt) {
  answer_with = [](const heard&) {
    return say{"HTTP/1.1 200 OK\r\nConnection: x-inner\r\nX-Inner: 1\r\nX-Outer: 2\r\n"
               "Content-Length: 2\r\n\r\n{}"};
  };
  auto c = connect();
  auto x = c.ask(request("Connection: x-evil, keep-alive\r\nX-Evil: 1\r\nX-Fine: 2\r\n"
                         "Proxy-Authorization: Basic eHg6eXk=\r\nForwarded: for=6.6.6.6\r\n"
                         "X-Real-IP: 6.6.6.6\r\nX-Forwarded-Proto: gopher\r\n"));
  EXPECT_EQ(field(x, "X-Inner"), "(none)");
  EXPECT_EQ(field(x, "X-Outer"), "2");
  auto got = backend.all_heard().at(0).head;
  EXPECT_THAT(got, HasSubstr("X-Fine: 2\r\n"));
  for (auto no : {"X-Evil", "x-evil", "Basic", "6.6.6.6", "gopher"})
    EXPECT_THAT(got, Not(HasSubstr(no))) << no;
}

TEST_F(Gateway, PagesOfOtherOriginsMayNotCall) {
  settings.cors.origins = {"https://shop.example"};
  settings.hosts = {"gw"};
  auto c = connect();
  auto asked = [&](const std::string& origin) {
    return c.ask("OPTIONS /mgw.htm HTTP/1.1\r\nHost: gw\r\nOrigin: " + origin +
                 "\r\nAccess-Control-Request-Method: POST\r\n\r\n");
  };
  EXPECT_EQ(
      field(asked("https://shop.example"), "Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_EQ(code(asked("https://evil.example")), "8002");
  EXPECT_EQ(code(c.ask(request("Origin: https://evil.example\r\n"))), "8002");
  auto x = c.ask(request("Origin: https://shop.example\r\n"));
  EXPECT_EQ(code(x), "1000");
  EXPECT_EQ(field(x, "Access-Control-Allow-Origin"), "https://shop.example");
}

TEST_F(Gateway, JsonpIsForApisThatAllowIt) {
  auto c = connect();
  auto get = std::string{"GET /mgw.htm?operationType=com.shop.get&appId=shop&workspaceId=test&"
                         "requestData=%5B%7B%7D%5D&callback=cb HTTP/1.1\r\nHost: gw\r\n\r\n"};
  EXPECT_EQ(code(c.ask(get)), "3002");
  api.need_jsonp = true;
  publish();
  EXPECT_EQ(c.ask(get).body, R"(/**/cb({"resultStatus":1000,"result":{"n":1}});)");
}

TEST_F(Gateway, LargeAnswersAreCompressedForWhomTakesIt) {
  answer_with = [](const heard&) {
    return scripted_backend::ok("\"" + std::string(5000, 'a') + "\"");
  };
  auto c = connect();
  auto x = c.ask(request("Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(field(x, "Content-Encoding"), "gzip");
  EXPECT_LT(x.body.size(), 500u);
  EXPECT_EQ(c.ask(request()).body.size(), 5002u);
}

TEST_F(Gateway, HeadersOfAnswersFollowTheRules) {
  answer_with = [](const heard&) {
    return scripted_backend::ok("{}", "X-Inner: 1\r\nX-Keep: 2\r\n");
  };
  api.headers = {{"X-Inner", gateway::header_place::response, gateway::header_action::remove, ""},
      {"X-New", gateway::header_place::response, gateway::header_action::set, "3"}};
  auto c = connect();
  auto x = c.ask(request());
  EXPECT_EQ(field(x, "X-Inner"), "(none)");
  EXPECT_EQ(field(x, "X-Keep"), "2");
  EXPECT_EQ(field(x, "X-New"), "3");
}

TEST_F(Gateway, TextsForPeopleAreTheAppsOwn) {
  settings.tips["4002"] = {{"de", "Bitte warten"}};
  answer_with = [](const heard&) { return say{"", then::close}; };
  auto c = connect();
  EXPECT_EQ(field(c.ask(request("Accept-Language: de\r\n")), "Tips"), "Bitte%20warten");
}

TEST_F(Gateway, TraceContinuesTheCallers) {
  auto c = connect();
  auto trace = std::string{"0123456789abcdef0123456789abcdef"};
  c.ask(request("traceparent: 00-" + trace + "-0123456789abcdef-01\r\n"));
  auto head = backend.all_heard().back().head;
  EXPECT_THAT(head, HasSubstr("traceparent: 00-" + trace + "-"));
  EXPECT_THAT(head, Not(HasSubstr("-0123456789abcdef-01")));
}

TEST_F(Gateway, WhoIsBehindTheBalancerIsBelievedOnlyOnThePlainPort) {
  auto c = connect();
  c.ask(request("X-Forwarded-For: 6.6.6.6\r\n"));
  EXPECT_THAT(backend.all_heard().back().head, HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
  endpoint.reset();
  options_.behind_balancer = true;
  auto plain = connect();
  plain.ask(request("X-Forwarded-For: 6.6.6.6, 9.9.9.9\r\n"));
  EXPECT_THAT(backend.all_heard().back().head, HasSubstr("X-Forwarded-For: 9.9.9.9\r\n"));
}

TEST_F(Gateway, WritesALinePerCall) {
  share->digest = [this](std::string&& lines) { digests += lines; };
  auto c = connect();
  c.ask(request());
  c.ask(request("", "[{}]", "com.other"));
  EXPECT_EQ(c.ask("POST /mgw.htm HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").status, 200);
  endpoint->stop();
  EXPECT_EQ(std::ranges::count(digests, '\n'), 2);
  EXPECT_THAT(digests, HasSubstr(",com.shop.get,orders,shop,test,1000,"));
  EXPECT_THAT(digests, HasSubstr(",com.other,,shop,test,3000,"));
}

TEST_F(Gateway, InstancesThatRegisterAreCalled) {
  auto other = scripted_backend{[](const heard&) { return scripted_backend::ok("\"other\""); }};
  group.discovery.kind = gateway::discovery_kind::service;
  group.discovery.source = "orders-service";
  auto c = connect();
  EXPECT_EQ(c.ask(request()).body, "{\"n\":1}") << "while nobody has registered";
  auto beat = [&](bool leaves, std::int64_t said_ms) {
    auto x = gateway::service_beat{
        world.no, "orders-service", {other.address(), 1, {}}, 60'000, said_ms, leaves};
    cell.services.take(x, share->steady_ms());
  };
  beat(false, 1);
  EXPECT_TRUE(eventually([&] { return c.ask(request()).body == "\"other\""; }));
  EXPECT_EQ(c.ask(request()).body, "\"other\"");
  beat(true, 2);
  EXPECT_TRUE(eventually([&] { return c.ask(request()).body == "{\"n\":1}"; }));
}

} // namespace
} // namespace shoal::test
