#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "protocol/mgw/batch.hpp"

namespace shoal::mgw {
namespace {

using testing::HasSubstr;

http::request posted(std::string body) {
  return {"POST", "/mgw/batch", "", {{"AppId", "A1"}, {"WorkspaceId", "default"}, {"UserId", "u1"}},
      std::move(body), ""};
}

std::string memo_of(const http::request& x) {
  auto calls = std::vector<batch_call>{};
  auto flaw = read_batch(x, {}, calls);
  return flaw ? flaw->memo : "nothing wrong";
}

TEST(batch, calls_share_what_the_request_says_and_keep_their_own_signatures) {
  auto x = posted(R"({"calls":[
      {"operationType":"a.b","requestData":"[{\"n\":1}]","ts":"17","sign":"s","signType":"MD5"},
      {"operationType":"c.d","requestData":"[]","nonce":"n2"}]})");
  x.headers.emplace_back("Ts", "99");
  x.headers.emplace_back("Operation-Type", "of.the.request");
  auto calls = std::vector<batch_call>{};
  ASSERT_EQ(read_batch(x, {}, calls), std::nullopt);
  ASSERT_EQ(calls.size(), 2u);
  auto& [first, flaw] = calls[0];
  EXPECT_EQ(flaw, std::nullopt);
  EXPECT_EQ(first.operation, "a.b");
  EXPECT_EQ(first.data, R"([{"n":1}])");
  EXPECT_EQ(first.ts + first.sign + first.sign_type, "17sMD5");
  EXPECT_EQ(first.app + first.workspace + first.user, "A1defaultu1");
  EXPECT_EQ(calls[1].what.ts, "") << "not that of the request, nor of its neighbour";
  EXPECT_EQ(calls[1].what.nonce, "n2");
  EXPECT_EQ(calls[1].what.version, rpc_version::v1) << "whose results are checked to be JSON";
}

TEST(batch, what_is_wrong_with_one_call_is_its_own) {
  auto calls = std::vector<batch_call>{};
  auto x = posted(R"({"calls":[{"operationType":"a b","requestData":"[]"},{"requestData":"[]"},
      {"operationType":"a"},{"operationType":"a","requestData":[]},{"operationType":"a","userId":"u2"},
      7,{"operationType":"a","requestData":"[]"}]})");
  ASSERT_EQ(read_batch(x, {}, calls), std::nullopt);
  auto flaws = std::vector<failure>{};
  for (auto& one : calls)
    flaws.push_back(one.flaw.value_or(failure{result::success, ""}));
  EXPECT_THAT(flaws, testing::ElementsAre(failure{result::malformed_request, "operationType"},
                         failure{result::operation_missing, "operationType is missing"},
                         failure{result::request_data_empty, ""},
                         failure{result::malformed_request, "requestData must be a text"},
                         failure{result::malformed_request, "a call has no field \"userId\""},
                         failure{result::malformed_request, "a call must be an object"},
                         failure{result::success, ""}));
}

TEST(batch, what_cannot_be_read_is_refused_as_a_whole) {
  constexpr auto shape = R"(the body must be {"calls": [...]})";
  for (auto* body : {"", "[]", "{", "{}", R"({"calls":{}})", R"({"calls":[1],"more":2})"})
    EXPECT_EQ(memo_of(posted(body)), shape) << body;
  EXPECT_EQ(memo_of(posted(R"({"calls":[[[[]]]]})")), shape) << "nested deeper than any batch";
  EXPECT_EQ(memo_of(posted(R"({"calls":[]})")), "calls must be 1 to 32");
  auto many = std::string{R"({"calls":[0)"};
  for (auto i = std::size_t{0}; i < max_batch_calls; ++i)
    many += ",0";
  EXPECT_EQ(memo_of(posted(many + "]}")), "calls must be 1 to 32");
  auto x = posted(R"({"calls":[0]})");
  EXPECT_EQ(memo_of(x), "nothing wrong");
  x.headers.emplace_back("Crypt", "ECC");
  EXPECT_THAT(memo_of(x), HasSubstr("crypt"));
  x.headers = {{"AppId", "A1"}};
  EXPECT_EQ(memo_of(x), "workspaceId is missing");
  x.method = "GET";
  EXPECT_EQ(memo_of(x), "method");
}

TEST(batch, answers_stand_in_the_order_of_the_calls) {
  auto x = batch_answers{3};
  EXPECT_FALSE(x.add(2, {result::success, "", "", "hi", result_form::text}));
  EXPECT_FALSE(x.add(0, {result::success, "", "", R"({"n":1})"}));
  EXPECT_TRUE(x.add(1, {result::malformed_request, "No.", "a \"field\""}));
  EXPECT_EQ(x.body(), R"({"results":[{"resultStatus":1000,"result":{"n":1}},)"
                      R"({"resultStatus":3002,"tips":"No.","memo":"a \"field\""},)"
                      R"({"resultStatus":1000,"result":"hi"}]})");
}

TEST(batch, results_that_are_too_large_together_say_so) {
  auto x = batch_answers{2};
  auto half = std::string(batch_answers::max_bytes / 2 + 1, 'x');
  x.add(0, {result::success, "", "", half, result_form::text});
  EXPECT_TRUE(x.add(1, {result::success, "", "", half, result_form::text}));
  auto body = nlohmann::json::parse(x.body());
  EXPECT_EQ(body["results"][0]["resultStatus"], 1000);
  EXPECT_EQ(body["results"][1]["resultStatus"], 4002);
  EXPECT_THAT(body["results"][1]["memo"].get<std::string>(), HasSubstr("too large"));
}

} // namespace
} // namespace shoal::mgw
