// One call made of several: the rules without a gateway, then from bytes to bytes.
#include <latch>

#include <gmock/gmock.h>

#include "actors/gateway/aggregation.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

using gateway::aggregate_step;
using gateway::aggregation;
using testing::HasSubstr;

aggregate_step step(const std::string& name, const std::string& request) {
  return {name, "com.shop." + name, {request}, {}, false, {}};
}

gateway::answer said(const std::string& json) {
  auto out = gateway::answer{};
  out.what.result_data = json;
  return out;
}

gateway::api_definition user_and_orders() {
  auto x = gateway::api_definition{};
  x.operation = "com.shop.home";
  x.kind = gateway::api_kind::aggregate;
  x.steps = {step("user", R"({"id":"${request.id}"})"),
      step("orders", R"({"of":"${user.number}"})"), step("news", "{}")};
  x.answer.text = R"({"name":"${user.name}","first":"${orders.0.id}","news":"${news}",)"
                  R"("text":"a ${user} b","none":"${user.nowhere.at.all}"})";
  return x;
}

TEST(Aggregation, StepsStartWhenWhatTheyReferToIsThere) {
  auto api = user_and_orders();
  auto x = aggregation{api, R"({"id":"u1"})"};
  auto first = x.ready();
  ASSERT_EQ(first.size(), 2u) << "user and news, side by side";
  EXPECT_EQ(first[0].data, R"([{"_requestBody":{"id":"u1"}}])");
  EXPECT_EQ(first[1].step, 2u);
  EXPECT_TRUE(x.ready().empty()) << "each is asked once";
  x.on_answer(2, said("[1]"));
  EXPECT_TRUE(x.ready().empty());
  x.on_answer(0, said(R"({"name":"Anna","number":7})"));
  auto second = x.ready();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].data, R"([{"_requestBody":{"of":7}}])");
  EXPECT_FALSE(x.result());
  x.on_answer(1, said(R"([{"id":"o1"}])"));
  ASSERT_TRUE(x.result());
  EXPECT_EQ(x.result()->what.result_data, R"({"first":"o1","name":"Anna","news":[1],"none":null,)"
                                          R"("text":"a ${user} b"})");
}

TEST(Aggregation, AStepThatFailsEndsTheWholeUnlessItIsOptional) {
  auto api = user_and_orders();
  api.steps[2].optional = true;
  api.steps[2].otherwise.text = "[]";
  auto x = aggregation{api, "{}"};
  x.ready();
  x.on_answer(2, gateway::answer_of(mgw::result::backend_timeout));
  EXPECT_FALSE(x.result()) << "news are optional";
  x.on_answer(0, gateway::answer_of(mgw::result::backend_failed, "gone"));
  ASSERT_TRUE(x.result());
  EXPECT_EQ(x.result()->what.code, mgw::result::backend_failed);
  EXPECT_EQ(x.result()->what.memo, "user: gone");
  EXPECT_TRUE(x.ready().empty()) << "nothing more is asked";
}

TEST(Aggregation, AnAnswerCannotBeMultipliedBeyondTheBound) {
  auto api = user_and_orders();
  api.steps = {step("user", "{}")};
  api.answer.text = R"(["${user}","${user}","${user}"])";
  auto x = aggregation{api, "{}"};
  x.ready();
  x.on_answer(0, said("\"" + std::string(aggregation::max_bytes / 2, 'x') + "\""));
  ASSERT_TRUE(x.result());
  EXPECT_EQ(x.result()->what.code, mgw::result::backend_failed);
}

TEST(Aggregation, AReferenceForwardIsRefusedWhenItIsDefined) {
  auto api = user_and_orders();
  EXPECT_EQ(problem_of(api), "");
  std::swap(api.steps[0], api.steps[1]);
  EXPECT_THAT(problem_of(api), HasSubstr("refers to \"user\""));
  api = user_and_orders();
  api.answer.text = R"("${nobody}")";
  EXPECT_THAT(problem_of(api), HasSubstr("refers to \"nobody\""));
}

class GatewayAggregate : public GatewayFixture {
protected:
  GatewayAggregate() {
    for (auto name : {"user", "orders", "news"}) {
      auto part = api;
      part.operation = std::string{"com.shop."} + name;
      part.id = ++last_id_;
      part.backend.path = std::string{"/"} + name;
      add(part);
    }
    auto whole = user_and_orders();
    whole.status = api.status;
    whole.id = api.id;
    api = whole;
    answer_with = [](const heard& x) {
      if (x.path == "/user")
        return scripted_backend::ok(R"({"name":"Anna","number":7})");
      if (x.path == "/orders" && x.body == R"({"of":7})")
        return scripted_backend::ok(R"([{"id":"o1"}])");
      return say{"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"};
    };
  }
  static std::string ask_home() {
    return request("", R"([{"_requestBody":{"id":"u1"}}])", "com.shop.home");
  }

private:
  std::uint32_t last_id_ = 10;
};

TEST_F(GatewayAggregate, ComposesOneAnswerAndToleratesWhatIsOptional) {
  api.steps[2].optional = true;
  api.steps[2].otherwise.text = "[]";
  auto c = connect();
  auto x = c.ask(ask_home());
  EXPECT_EQ(code(x), "1000");
  EXPECT_EQ(x.body, R"({"first":"o1","name":"Anna","news":[],"none":null,"text":"a ${user} b"})");
  EXPECT_EQ(backend.requests(), 3);
}

TEST_F(GatewayAggregate, ARequestInTheWrongShapeHearsWhichOneItShouldHave) {
  auto c = connect();
  auto memo = [&](const std::string& data) {
    auto x = c.ask(request("", data, "com.shop.home"));
    EXPECT_EQ(code(x), "3002") << data;
    return field(x, "Memo");
  };
  EXPECT_EQ(memo(R"({"_requestBody":{"id":9}})"), "requestData%20is%20no%20JSON%20array");
  EXPECT_EQ(memo("no JSON"), "requestData%20is%20no%20JSON%20array");
}

TEST_F(GatewayAggregate, AStepsFailureIsNamed) {
  auto c = connect();
  auto x = c.ask(ask_home());
  EXPECT_EQ(code(x), "4002");
  EXPECT_THAT(field(x, "Memo"), HasSubstr("news"));
  EXPECT_EQ(code(c.ask(ask_home())), "4002") << "the connection goes on";
}

TEST_F(GatewayAggregate, AllStepsShareOneDeadline) {
  api.timeout_ms = 100;
  answer_with = [](const heard&) { return say{"", then::hang}; };
  auto c = connect();
  EXPECT_EQ(code(c.ask(ask_home())), "4001");
}

TEST_F(GatewayAggregate, AnAggregateIsNoStep) {
  api.steps[2].operation = "com.shop.other";
  auto other = user_and_orders();
  other.operation = "com.shop.other";
  other.status = api.status;
  other.id = 30;
  add(other);
  auto c = connect();
  EXPECT_EQ(code(c.ask(ask_home())), "3000");
}

TEST_F(GatewayAggregate, StepsEndWithTheWhole) {
  auto news_asked = std::latch{1};
  answer_with = [&](const heard& x) {
    if (x.path == "/news") {
      news_asked.count_down();
      return say{"", then::hang};
    }
    news_asked.wait();
    return say{"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"};
  };
  api.timeout_ms = 60'000;
  auto c = connect();
  EXPECT_EQ(code(c.ask(ask_home())), "4002");
  EXPECT_TRUE(eventually([&] { return backend.given_up() == 1; }));
}

} // namespace
} // namespace shoal::test
