// Several calls in one request, from bytes to bytes.
#include <latch>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "actors/clock.hpp"
#include "protocol/mgw/signature.hpp"
#include "tests/support/gateway_fixture.hpp"

namespace shoal::test {
namespace {

using testing::HasSubstr;

class GatewayBatch : public GatewayFixture {
protected:
  static std::string batch(const std::string& calls, const std::string& fields = "") {
    auto body = "{\"calls\":[" + calls + "]}";
    return "POST /mgw/batch HTTP/1.1\r\nHost: gw\r\nAppId: shop\r\nWorkspaceId: test\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  static std::string call(const std::string& id, const std::string& more = "") {
    return R"({"operationType":"com.shop.get","requestData":"[{\"_requestBody\":{\"id\":)" + id +
           "}}]\"" + more + "}";
  }
};

TEST_F(GatewayBatch, CarriesAllCallsOutAndAnswersInTheirOrder) {
  answer_with = [](const heard& x) { return scripted_backend::ok(x.body); };
  auto c = connect();
  auto x =
      c.ask(batch(call("1") + "," + call("2") + R"(,{"operationType":"no","requestData":"[]"})"));
  EXPECT_EQ(x.status, 200);
  EXPECT_EQ(code(x), "1000");
  EXPECT_THAT(
      x.body, HasSubstr(R"({"results":[{"resultStatus":1000,"result":{"id":1}},)"
                        R"({"resultStatus":1000,"result":{"id":2}},{"resultStatus":3000,)"));
}

TEST_F(GatewayBatch, AResultThatIsNoJsonBecomesATextAndShiftsNoOther) {
  answer_with = [](const heard& x) {
    return scripted_backend::ok(
        x.body == R"({"id":1})" ? R"(1},{"resultStatus":1000,"result":7)" : "2");
  };
  auto c = connect();
  auto x = nlohmann::json::parse(c.ask(batch(call("1") + "," + call("2"))).body, nullptr, false);
  ASSERT_TRUE(x.is_object());
  ASSERT_EQ(x["results"].size(), 2u);
  EXPECT_EQ(x["results"][0]["result"], R"(1},{"resultStatus":1000,"result":7)");
  EXPECT_EQ(x["results"][1]["result"], 2);
}

TEST_F(GatewayBatch, CallsGoSideBySide) {
  auto all = std::latch{3};
  answer_with = [&](const heard&) {
    all.arrive_and_wait(); // one after the other, the first would end as 4001
    return scripted_backend::ok("1");
  };
  auto c = connect();
  auto one = std::string{R"({"resultStatus":1000,"result":1})"};
  EXPECT_EQ(c.ask(batch(call("1") + "," + call("2") + "," + call("3"))).body,
      "{\"results\":[" + one + "," + one + "," + one + "]}");
}

TEST_F(GatewayBatch, EachCallIsCheckedByItsOwnSignature) {
  settings.sign = true;
  settings.secret = "s3cret";
  auto signed_call = mgw::call{};
  signed_call.operation = "com.shop.get";
  signed_call.data = R"([{"_requestBody":{"id":1}}])";
  signed_call.ts = std::to_string(wall_clock_ms());
  auto sign = mgw::sign_call(signed_call, mgw::sign_type::hmac_sha256, "s3cret");
  auto more = R"(,"signType":"HMACSHA256","ts":")" + signed_call.ts + R"(","sign":")" + sign + "\"";
  auto header = "SignType: HMACSHA256\r\nTs: " + signed_call.ts + "\r\nSign: " + sign + "\r\n";
  auto c = connect();
  auto x = c.ask(batch(call("1", more) + "," + call("2", more) + "," + call("1"), header));
  auto results = nlohmann::json::parse(x.body).at("results");
  EXPECT_EQ(results[0]["resultStatus"], 1000);
  EXPECT_EQ(results[1]["resultStatus"], 7002) << "signed for other data";
  EXPECT_EQ(results[2]["resultStatus"], 7014) << "the request's signature is no call's";
  EXPECT_EQ(backend.requests(), 1);
}

TEST_F(GatewayBatch, LimitsCountCallsNotRequests) {
  settings.total_limit = {
      gateway::limit_mode::block, gateway::limit_by::all, 2, 3'600'000, 0, {}, {}};
  auto c = connect();
  auto x = c.ask(batch(call("1") + "," + call("2") + "," + call("3")));
  auto results = nlohmann::json::parse(x.body).at("results");
  EXPECT_EQ(results[1]["resultStatus"], 1000);
  EXPECT_EQ(results[2]["resultStatus"], 1002);
}

TEST_F(GatewayBatch, WhatIsNoBatchIsRefusedInOneWord) {
  auto c = connect();
  auto x = c.ask(batch(""));
  EXPECT_EQ(code(x), "3002");
  EXPECT_THAT(field(x, "Memo"), HasSubstr("calls"));
  EXPECT_EQ(code(c.ask(batch(call("1")))), "1000") << "the connection goes on";
}

TEST_F(GatewayBatch, AnETagOfTheRequestIsNoCallsETag) {
  api.need_etag = true;
  answer_with = [](const heard&) { return scripted_backend::ok("1"); };
  auto c = connect();
  EXPECT_THAT(c.ask(batch(call("1"), "If-None-Match: *\r\n")).body, HasSubstr(R"("result":1)"));
}

} // namespace
} // namespace shoal::test
