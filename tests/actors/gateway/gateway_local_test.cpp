// Actors of the node as backends, from bytes to bytes, with real threads between loop and actor.
#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>

#include "actors/clock.hpp"
#include "actors/gateway/local_backends.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

using gateway::local_answer;
using gateway::local_backend_actor;
using gateway::local_call;
using gateway::local_request;
using mgw::result;
using testing::ElementsAre;
using testing::HasSubstr;

/// Calls that an actor has kept, for the test's thread. Shared with the actor, which may still be
/// in `put` when the test is over.
class call_box {
public:
  void put(const local_call& x) {
    auto guard = std::lock_guard{mutex_};
    calls_.push_back(x);
    come_.notify_all();
  }

  bool empty() {
    auto guard = std::lock_guard{mutex_};
    return calls_.empty();
  }

  /// Waits for the next one.
  local_call take() {
    auto guard = std::unique_lock{mutex_};
    auto there = come_.wait_for(guard, std::chrono::seconds{30}, [&] { return !calls_.empty(); });
    EXPECT_TRUE(there);
    if (!there)
      return {};
    auto out = std::move(calls_.front());
    calls_.erase(calls_.begin());
    return out;
  }

private:
  std::mutex mutex_;
  std::condition_variable come_;
  std::vector<local_call> calls_;
};

/// Of an actor that keeps its calls: they go when it ends.
struct keeper_state {
  keeper_state() = default;
  std::vector<local_call> kept;
};

class GatewayLocal : public GatewayFixture {
protected:
  GatewayLocal() {
    group.kind = gateway::backend_kind::local;
    group.upstreams.clear();
    group.discovery.source = "greeter";
  }

  ~GatewayLocal() override {
    endpoint.reset();
    share->locals->clear();
    for (auto& x : actors_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    actors_.clear();
  }

  using handler = std::function<void(const local_call&)>;

  local_backend_actor serve(handler what, std::uint32_t max_calls = 100) {
    auto fun = [what](local_backend_actor::pointer) -> local_backend_actor::behavior_type {
      return {[what](atom::call, const local_call& x) { what(x); }};
    };
    return add_actor(system_.spawn(fun), max_calls);
  }

  local_backend_actor add_actor(local_backend_actor x, std::uint32_t max_calls) {
    EXPECT_EQ(share->locals->add("greeter", x, max_calls), "");
    actors_.push_back(x);
    return x;
  }

  caf::actor_system& system() { return system_; }

  /// An authorizer "login", which knows that everybody with a token is anna.
  void add_login() {
    answer_with = [](const heard&) {
      return scripted_backend::ok(
          R"({"authorized":true,"principal":{"UserId":"anna","X-Rank":"7"}})");
    };
    auto people = gateway::api_group{};
    people.name = "people";
    people.id = 2;
    people.upstreams = {{backend.address(), 1, {}}};
    add(people);
    auto asks = gateway::api_definition{};
    asks.operation = "com.shop.who";
    asks.group = "people";
    asks.status = gateway::api_status::online;
    asks.id = 2;
    add(asks);
    auto rule = gateway::authorizer_rule{};
    rule.name = "login";
    rule.operation = "com.shop.who";
    rule.sources = {{gateway::param_place::header, "Token"}};
    add(rule);
  }

  /// Answers every call with `json`, and remembers the requests.
  void say_always(const std::string& json) {
    serve([this, json](const local_call& x) {
      {
        auto guard = std::lock_guard{mutex_};
        heard_.push_back(*x.request);
      }
      auto out = local_answer{};
      out.body = json;
      x.answer(std::move(out));
    });
  }

  std::vector<local_request> all_heard() {
    auto guard = std::lock_guard{mutex_};
    return heard_;
  }

  void end(const local_backend_actor& x) {
    auto self = caf::scoped_actor{system_};
    self->send_exit(x, caf::exit_reason::kill);
    self->wait_for(x);
  }

private:
  caf::actor_system_config config_;
  caf::actor_system system_{config_};
  std::vector<local_backend_actor> actors_;
  std::mutex mutex_;
  std::vector<local_request> heard_; // guarded by mutex_
};

TEST_F(GatewayLocal, AnActorAnswersACall) {
  say_always(R"({"hello":1})");
  api.backend.path = "/greet/{name}";
  api.params = {{"name", "string", gateway::param_place::path, true, {}, ""},
      {"often", "int", gateway::param_place::query, false, {"2"}, ""}};
  auto c = connect();
  auto x = c.ask(request("X-Own: kept\r\n", R"([{"name":"anna","_requestBody":{"a":1}}])"));
  EXPECT_EQ(code(x), "1000");
  EXPECT_EQ(x.body, R"({"hello":1})");
  EXPECT_EQ(field(x, "Content-Type"), "application/json");
  auto heard_once = all_heard();
  ASSERT_EQ(heard_once.size(), 1u);
  auto& it = heard_once.front();
  EXPECT_EQ(it.operation, "com.shop.get");
  EXPECT_EQ(it.app, "shop");
  EXPECT_EQ(it.workspace, "test");
  EXPECT_EQ(it.number, app_no{7});
  EXPECT_EQ(it.method, "POST");
  EXPECT_EQ(it.path, "/greet/anna");
  EXPECT_EQ(it.query, "often=2");
  EXPECT_EQ(it.body, R"({"a":1})");
  EXPECT_EQ(it.content_type, "application/json");
  EXPECT_EQ(it.ip, "127.0.0.1");
  EXPECT_THAT(it.headers, ElementsAre(std::pair{std::string{"X-Own"}, std::string{"kept"}}));
  EXPECT_GT(it.deadline_us, steady_us() - 30'000'000);
}

TEST_F(GatewayLocal, WithoutASourceTheGroupsNameIsTheBackends) {
  group.name = "greeter";
  api.group = "greeter";
  group.discovery.source = "";
  say_always("1");
  EXPECT_EQ(code(connect().ask(request())), "1000");
}

TEST_F(GatewayLocal, CallsByPathGetStatusHeadersAndBody) {
  api.method = "GET";
  api.path = "/hello";
  serve([](const local_call& x) {
    auto out = local_answer{};
    out.status = 202;
    out.body = "hi";
    out.content_type = "text/plain";
    out.headers = {{"X-More", "1"}, {"Content-Length", "99"}, {"X-Evil", "a\r\nb: c"}};
    x.answer(std::move(out));
  });
  auto c = connect();
  auto x = c.ask("GET /hello HTTP/1.1\r\nHost: gw\r\nAppId: shop\r\nWorkspaceId: test\r\n\r\n");
  EXPECT_EQ(x.status, 202);
  EXPECT_EQ(x.body, "hi");
  EXPECT_EQ(field(x, "X-More"), "1");
  EXPECT_EQ(field(x, "X-Evil"), "(none)");
  EXPECT_EQ(field(x, "Content-Length"), "2");
}

TEST_F(GatewayLocal, WhatAClientClaimsIsNotWhoItIs) {
  say_always("1");
  connect().ask(request("UserId: anna\r\nDid: d9\r\n"));
  ASSERT_EQ(all_heard().size(), 1u);
  EXPECT_EQ(all_heard()[0].user, "");
  EXPECT_EQ(all_heard()[0].device, "");
  EXPECT_TRUE(all_heard()[0].headers.empty());
}

TEST_F(GatewayLocal, ADeviceConnectionProvesWhoIsCalling) {
  say_always("1");
  who = std::make_shared<const tls::device_identity>(
      tls::device_identity{"shop@test", "d1", "u1", false});
  auto client = connect("shoal/1");
  EXPECT_EQ(client.read_frame()->type, frame_type::welcome);
  auto x = wire::Call{};
  x.set_id(1);
  x.set_operation("com.shop.get");
  x.set_data("[{}]");
  (*x.mutable_headers())["UserId"] = "somebody-else";
  client.send_frame(frame_type::call, x.SerializeAsString());
  auto got = client.read_frame();
  auto out = wire::CallResult{};
  ASSERT_TRUE(got && out.ParseFromString(got->body));
  EXPECT_EQ(out.code(), 1000u);
  ASSERT_EQ(all_heard().size(), 1u);
  EXPECT_EQ(all_heard()[0].user, "u1");
  EXPECT_EQ(all_heard()[0].device, "d1");
}

TEST_F(GatewayLocal, AnAuthorizerProvesWhoIsCallingAlsoToSteps) {
  say_always("1");
  auto whole = gateway::api_definition{};
  whole.operation = "com.shop.whole";
  whole.kind = gateway::api_kind::aggregate;
  whole.status = gateway::api_status::online;
  whole.id = 3;
  whole.auth_rule = "login";
  whole.steps = {{"one", "com.shop.get", {"{}"}, {}, false, {}}};
  whole.answer.text = R"({"one":"${one}"})";
  publish();
  add_login();
  add(whole);
  auto c = connect();
  auto data = std::string{R"([{"_requestBody":{}}])"};
  auto x = c.ask(request("Token: t\r\nUserId: ben\r\n", data, whole.operation));
  EXPECT_EQ(x.body, R"({"one":1})");
  ASSERT_EQ(all_heard().size(), 1u);
  EXPECT_EQ(all_heard()[0].user, "anna");
  EXPECT_THAT(all_heard()[0].principal, testing::SizeIs(2));
}

TEST_F(GatewayLocal, TheRefreshOfAKeptAnswerIsOfTheSameCaller) {
  auto box = std::make_shared<call_box>();
  serve([box](const local_call& x) {
    x.answer(gateway::local_answer{result::success, "1"});
    box->put(x);
  });
  api.auth_rule = "login";
  api.cache.enabled = true;
  api.cache.key = {"body"};
  api.cache.ttl_ms = 0; // each hit is a stale one
  api.cache.stale_ms = 60'000;
  publish();
  add_login();
  auto c = connect();
  auto ask = [&] { return c.ask(request("Token: t\r\nUserId: ben\r\n")).body; };
  EXPECT_EQ(ask(), "1");
  EXPECT_EQ(box->take().request->user, "anna");
  // Within the same millisecond it is not stale yet.
  EXPECT_TRUE(eventually([&] { return ask() == "1" && !box->empty(); }));
  EXPECT_EQ(box->take().request->user, "anna") << "of the refresh";
}

TEST_F(GatewayLocal, ACallThatTheDeviceCancelsGivesItsPlaceBackWhenTheActorIsDoneWithIt) {
  auto box = std::make_shared<call_box>();
  serve([box](const local_call& x) { box->put(x); }, 1);
  api.timeout_ms = 60'000;
  who = std::make_shared<const tls::device_identity>(
      tls::device_identity{"shop@test", "d1", "u1", false});
  auto client = connect("shoal/1");
  EXPECT_EQ(client.read_frame()->type, frame_type::welcome);
  auto call = [&](std::uint64_t id) {
    auto x = wire::Call{};
    x.set_id(id);
    x.set_operation("com.shop.get");
    x.set_data("[{}]");
    client.send_frame(frame_type::call, x.SerializeAsString());
  };
  auto result_of = [&](std::uint64_t id) {
    auto out = wire::CallResult{};
    auto got = client.read_frame();
    EXPECT_TRUE(got && out.ParseFromString(got->body));
    EXPECT_EQ(out.id(), id);
    return out.code();
  };
  call(1);
  auto kept = box->take();
  auto cancel = wire::CallCancel{};
  cancel.set_id(1);
  client.send_frame(frame_type::call_cancel, cancel.SerializeAsString());
  call(2);
  EXPECT_EQ(result_of(2), 4002u) << "the actor still has the first";
  kept.answer({});
  call(3);
  box->take().answer({});
  EXPECT_EQ(result_of(3), 1000u);
}

TEST_F(GatewayLocal, ABackendsOwnCodeAndTextsReachTheCaller) {
  serve([](const local_call& x) {
    auto out = local_answer{};
    out.code = static_cast<result>(6123);
    out.tips = "sold out";
    out.body = R"({"left":0})";
    x.answer(std::move(out));
  });
  auto x = connect().ask(request());
  EXPECT_EQ(code(x), "6123");
  EXPECT_EQ(x.body, R"({"resultStatus":6123,"tips":"sold out","result":{"left":0}})");
}

TEST_F(GatewayLocal, FailuresOpenTheBreakerAndOwnCodesDoNot) {
  api.breaker.enabled = true;
  api.breaker.min_calls = 2;
  auto said = std::make_shared<std::atomic<int>>(6001);
  auto asked = std::make_shared<std::atomic<int>>(0);
  serve([=](const local_call& x) {
    ++*asked;
    x.answer(gateway::local_failure(static_cast<result>(said->load()), "as told"));
  });
  auto c = connect();
  for (auto i = 0; i < 4; ++i)
    EXPECT_EQ(code(c.ask(request())), "6001");
  *said = 4002;
  for (auto i = 0; i < 4; ++i)
    EXPECT_EQ(code(c.ask(request())), "4002");
  EXPECT_EQ(code(c.ask(request())), "1002");
  EXPECT_EQ(*asked, 8);
}

TEST_F(GatewayLocal, KeptAnswersSpareTheActor) {
  say_always("1");
  api.cache.enabled = true;
  api.cache.key = {"body"};
  api.cache.ttl_ms = 60'000;
  auto c = connect();
  for (auto i = 0; i < 3; ++i)
    EXPECT_EQ(c.ask(request()).body, "1");
  EXPECT_EQ(all_heard().size(), 1u);
}

TEST_F(GatewayLocal, AnActorThatKeepsACallTooLongIs4001AndItsLateAnswerIsNobodys) {
  auto box = std::make_shared<call_box>();
  auto first = std::atomic<bool>{true};
  serve([&first, box](const local_call& x) {
    if (first.exchange(false))
      return box->put(x);
    auto out = local_answer{};
    out.body = "2";
    x.answer(std::move(out));
  });
  api.timeout_ms = 50;
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4001");
  auto late = local_answer{};
  late.body = "1";
  box->take().answer(std::move(late));
  api.timeout_ms = 60'000;
  publish();
  EXPECT_EQ(c.ask(request()).body, "2");
}

TEST_F(GatewayLocal, ACallThatTheActorDropsFailsAtOnce) {
  serve([](const local_call&) {});
  api.timeout_ms = 60'000;
  auto x = connect().ask(request());
  EXPECT_EQ(code(x), "4002");
  EXPECT_THAT(field(x, "Memo"), HasSubstr("without"));
}

TEST_F(GatewayLocal, NobodyOfThisNameAndADeadActorAre6000) {
  api.timeout_ms = 60'000;
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "6000");
  auto actor = serve([](const local_call&) {});
  end(actor);
  EXPECT_EQ(code(c.ask(request())), "6000");
  say_always("1"); // the name is free again
  EXPECT_EQ(code(c.ask(request())), "1000");
}

TEST_F(GatewayLocal, AnActorThatDiesWithACallFailsItAtOnce) {
  auto come = std::make_shared<call_box>();
  auto fun = [come](local_backend_actor::stateful_pointer<keeper_state> self)
      -> local_backend_actor::behavior_type {
    return {[self, come](atom::call, const local_call& x) {
      self->state.kept.push_back(x); // in the actor, and nowhere else
      come->put({});
    }};
  };
  auto actor = add_actor(system().spawn(fun), 100);
  api.timeout_ms = 60'000;
  auto c = connect();
  c.send(request());
  come->take();
  end(actor);
  EXPECT_EQ(code(c.read_answer()), "4002");
}

TEST_F(GatewayLocal, CallsUnderWayAreBounded) {
  auto box = std::make_shared<call_box>();
  serve([box](const local_call& x) { box->put(x); }, 1);
  api.timeout_ms = 60'000;
  auto first = connect();
  first.send(request());
  auto kept = box->take();
  auto second = connect();
  EXPECT_EQ(code(second.ask(request())), "4002");
  kept.answer({});
  EXPECT_EQ(code(first.read_answer()), "1000");
  second.send(request());
  box->take().answer({});
  EXPECT_EQ(code(second.read_answer()), "1000");
}

TEST_F(GatewayLocal, TheGatewayEndsWhileAnActorStillHasACall) {
  auto box = std::make_shared<call_box>();
  serve([box](const local_call& x) { box->put(x); });
  api.timeout_ms = 60'000;
  auto c = connect();
  c.send(request());
  auto kept = box->take();
  endpoint.reset();
  kept.answer({}); // to a loop that is no more
  EXPECT_EQ(share->locals->find("greeter")->under_way(), 0u);
}

} // namespace
} // namespace shoal::test
