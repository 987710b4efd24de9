// Callers that go away before their answers: what was asked of backends for them ends.
#include <gmock/gmock.h>

#include "tests/support/gateway_fixture.hpp"
#include "tests/support/h2_caller.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

class GatewayGivenUp : public GatewayFixture {
protected:
  GatewayGivenUp() {
    answer_with = [](const heard& x) {
      return x.body == "1" ? say{"", then::hang} : scripted_backend::ok("{}");
    };
    api.timeout_ms = 3'600'000; // nothing ends by itself
    group.retry.attempts = 0;
  }

  static constexpr auto hanging = R"([{"_requestBody":1}])", quick = R"([{"_requestBody":2}])";

  /// Of those that hang.
  bool ends_at_the_backend(int calls) {
    return eventually([&] { return backend.given_up() == calls; });
  }
  bool comes_to_the_backend(int calls) {
    return eventually([&] { return backend.requests() == calls; });
  }

  void expect_that_hanging_up_ends_the_call() {
    auto c = connect();
    c.send(request("", hanging));
    ASSERT_TRUE(comes_to_the_backend(1));
    c.close();
    EXPECT_TRUE(ends_at_the_backend(1));
  }
};

TEST_F(GatewayGivenUp, WhoHangsUpEndsTheCall) { expect_that_hanging_up_ends_the_call(); }

TEST_F(GatewayGivenUp, WhoHangsUpOnThePlainPortEndsTheCall) {
  options_.behind_balancer = true;
  expect_that_hanging_up_ends_the_call();
}

TEST_F(GatewayGivenUp, AllCallsOfABatchEnd) {
  auto one = R"({"operationType":"com.shop.get","requestData":"[{\"_requestBody\":1}]"})";
  auto body = std::string{R"({"calls":[)"} + one + "," + one + "]}";
  auto c = connect();
  c.send("POST /mgw/batch HTTP/1.1\r\nHost: gw\r\nAppId: shop\r\nWorkspaceId: test\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body);
  ASSERT_TRUE(comes_to_the_backend(2));
  c.close();
  EXPECT_TRUE(ends_at_the_backend(2));
}

TEST_F(GatewayGivenUp, AStreamThatIsResetEndsItsCallAndNoOther) {
  connect();
  auto c = h2_caller{endpoint->port()};
  auto head = h2_head("POST", "/mgw.htm",
      {{"operation-type", "com.shop.get"}, {"appid", "shop"}, {"workspaceid", "test"}});
  auto first = c.session().ask(head, hanging), second = c.session().ask(head, hanging);
  c.push();
  ASSERT_TRUE(comes_to_the_backend(2));
  c.session().reset(first);
  c.push();
  EXPECT_TRUE(ends_at_the_backend(1));
  EXPECT_EQ(c.fetch(head, quick).header("result-status"), "1000");
  EXPECT_EQ(backend.given_up(), 1);
  EXPECT_FALSE(c.session().answers[second].whole);
  c.stream().close();
  EXPECT_TRUE(ends_at_the_backend(2));
}

} // namespace
} // namespace shoal::test
