#include <gmock/gmock.h>

#include "actors/gateway/backend_request.hpp"

namespace shoal::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

class BackendRequest : public testing::Test {
protected:
  BackendRequest() {
    x.what.operation = "com.shop.get";
    x.what.app = "shop";
    x.what.workspace = "test";
    x.what.data = R"([{"_requestBody":{"a":1}}])";
    x.ip = "10.1.2.3";
    group.name = "orders";
  }

  std::string bytes() {
    auto live = make_live(group);
    auto out = backend_bytes{};
    auto wish = backend_wish{api, *live, "10.0.0.7:80", trace, principal};
    auto flaw = write_backend_request(x, wish, out);
    failed = flaw.value_or(mgw::failure{mgw::result::success, ""});
    idempotent = out.idempotent;
    return flaw ? std::string{} : out.bytes;
  }

  call x;
  api_definition api;
  api_group group;
  header_list principal;
  std::string trace = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
  mgw::failure failed;
  bool idempotent = false;
};

TEST_F(BackendRequest, ACallByOperationPostsItsBody) {
  api.backend.path = "/orders";
  group.path_prefix = "/v2";
  auto text = bytes();
  EXPECT_THAT(text, testing::StartsWith("POST /v2/orders HTTP/1.1\r\nHost: 10.0.0.7:80\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nContent-Type: application/json\r\nContent-Length: 7\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nX-Forwarded-For: 10.1.2.3\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\ntraceparent: " + trace + "\r\n"));
  EXPECT_THAT(text, testing::EndsWith("\r\n\r\n{\"a\":1}"));
  EXPECT_FALSE(idempotent);
}

TEST_F(BackendRequest, ParametersGoWhereTheDefinitionPutsThem) {
  api.backend = {"GET", "/orders/{id}", "", ""};
  api.params = {{"id", "string", param_place::path, true, {}, ""},
      {"page", "int", param_place::query, false, {"1"}, ""},
      {"X-Lang", "string", param_place::header, false, {}, ""},
      {"sid", "string", param_place::cookie, false, {}, ""}};
  x.what.data = R"([{"id":"a/b \u4e2d","X-Lang":"zh","sid":"s;1"}])";
  auto text = bytes();
  EXPECT_THAT(text, testing::StartsWith("GET /orders/a%2Fb%20%E4%B8%AD?page=1 HTTP/1.1\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nX-Lang: zh\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nCookie: sid=s%3B1\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("Content-Length")));
  EXPECT_TRUE(idempotent);
}

TEST_F(BackendRequest, PositionalArgumentsFollowTheOrderOfTheParameters) {
  api.backend = {"POST", "/", "", ""};
  api.params = {{"a", "string", param_place::body, true, {}, ""},
      {"b", "int", param_place::body, true, {}, ""}};
  x.what.data = R"(["x",2])";
  EXPECT_THAT(bytes(), testing::EndsWith("\r\n\r\n{\"a\":\"x\",\"b\":2}"));
}

TEST_F(BackendRequest, ANameInThePathIsAParameterByItself) {
  api.backend = {"POST", "/shops/{shop}/orders/{id}", "", ""};
  api.params = {{"shop", "string", param_place::path, true, {}, ""}};
  x.what.data = R"([{"id":7,"shop":"a","_requestBody":{"n":1}}])";
  auto text = bytes();
  EXPECT_THAT(text, testing::StartsWith("POST /shops/a/orders/7 HTTP/1.1\r\n"));
  EXPECT_THAT(text, testing::EndsWith("\r\n\r\n{\"n\":1}"));
  x.what.data = R"(["a",7])";
  EXPECT_THAT(bytes(), testing::StartsWith("POST /shops/a/orders/7 HTTP/1.1\r\n"));
  x.what.data = R"([{"shop":"a"}])";
  bytes();
  EXPECT_EQ(failed, (mgw::failure{mgw::result::malformed_request, "id is missing"}));
}

TEST_F(BackendRequest, AMissingParameterIsNamed) {
  api.backend = {"GET", "/orders/{id}", "", ""};
  api.params = {{"id", "string", param_place::path, true, {}, ""}};
  x.what.data = "[{}]";
  bytes();
  EXPECT_EQ(failed, (mgw::failure{mgw::result::malformed_request, "id is missing"}));
  x.what.data = R"([{"id":""}])";
  bytes();
  EXPECT_EQ(failed.code, mgw::result::malformed_request) << "an empty segment is another path";
}

TEST_F(BackendRequest, NoValueLeadsOutOfItsPlaceInThePath) {
  api.backend = {"GET", "/orders/{id}", "", ""};
  api.params = {{"id", "string", param_place::path, true, {}, ""}};
  for (auto bad : {"..", ".", "a/../b", "..;a", "a\\\\b", "\\u0000"}) {
    x.what.data = R"([{"id":")" + std::string{bad} + R"("}])";
    EXPECT_EQ(bytes(), "") << bad;
    EXPECT_EQ(failed.code, mgw::result::malformed_request) << bad;
    EXPECT_THAT(failed.memo, testing::StartsWith("id: ")) << bad;
  }
  x.what.data = R"([{"id":"..a"}])";
  EXPECT_THAT(bytes(), testing::StartsWith("GET /orders/..a HTTP/1.1\r\n"));
}

TEST_F(BackendRequest, APathThatWasMadeIsLookedAtAsAWhole) {
  x.method = "GET";
  x.path = "/at/%2e";
  api.path = "/at/{id}";
  api.backend.path = "/items/{id}";
  EXPECT_EQ(bytes(), "");
  EXPECT_EQ(failed.code, mgw::result::malformed_request);
  EXPECT_EQ(failed.memo, "a segment of the path is \".\" or \"..\"");
}

TEST_F(BackendRequest, NoValueCanStartALineOfItsOwn) {
  api.backend = {"POST", "/", "", ""};
  api.params = {{"X-Lang", "string", param_place::header, false, {}, ""}};
  x.what.data = R"([{"X-Lang":"a\r\nX-Evil: 1"}])";
  bytes();
  EXPECT_EQ(failed.code, mgw::result::malformed_request);
}

TEST_F(BackendRequest, WhatIsNoArrayIsRefused) {
  x.what.data = R"({"a":1})";
  bytes();
  EXPECT_EQ(failed.code, mgw::result::malformed_request);
}

TEST_F(BackendRequest, ARestCallKeepsItsMethodPathQueryAndBody) {
  x.method = "PUT";
  x.path = "/shop/7";
  x.query = "a=1&b";
  x.what.data = "raw";
  x.headers = {{"Content-Type", "text/plain"}, {"Cookie", "c=1"}};
  api.path = "/shop/{id}";
  auto text = bytes();
  EXPECT_THAT(text, testing::StartsWith("PUT /shop/7?a=1&b HTTP/1.1\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nCookie: c=1\r\n"));
  api.backend.path = "/items/{id}/x";
  EXPECT_THAT(bytes(), testing::StartsWith("PUT /items/7/x?a=1&b HTTP/1.1\r\n"));
}

TEST_F(BackendRequest, OfTheClientsHeadersTheBackendGetsWhatIsItsBusiness) {
  x.headers = {{"X-App", "1"}, {"Sign", "secret"}, {"Connection", "close"}, {"Host", "evil"},
      {"Transfer-Encoding", "chunked"}, {"Content-Length", "9999"}, {"X-Forwarded-For", "6.6.6.6"},
      {"Accept-Language", "zh"}, {"userid", "forged"}};
  x.what.user = "anna";
  principal = {{"X-Member", "42"}};
  x.headers.emplace_back("x-member", "forged");
  auto text = bytes();
  EXPECT_THAT(text, HasSubstr("\r\nX-App: 1\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nAccept-Language: zh\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nUserId: anna\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nX-Member: 42\r\n"));
  for (auto no : {"secret", "close", "evil", "chunked", "9999", "6.6.6.6", "forged"})
    EXPECT_THAT(text, Not(HasSubstr(no))) << no;
}

TEST_F(BackendRequest, WhatTheAuthorizerSaysReplacesWhatTheClientClaims) {
  x.what.user = "ben";
  principal = {{"UserId", "anna"}};
  auto text = bytes();
  EXPECT_THAT(text, HasSubstr("\r\nUserId: anna\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("ben")));
}

TEST_F(BackendRequest, RulesSetAddAndRemoveHeaders) {
  x.headers = {{"X-A", "client"}, {"X-B", "client"}, {"X-C", "client"}};
  x.what.user = "anna";
  api.headers = {{"X-A", header_place::request, header_action::set, "${user}@${ip}"},
      {"X-B", header_place::request, header_action::remove, ""},
      {"X-C", header_place::request, header_action::add, "more ${trace_id} ${what}"},
      {"X-D", header_place::response, header_action::set, "not for requests"}};
  auto text = bytes();
  EXPECT_THAT(text, HasSubstr("\r\nX-A: anna@10.1.2.3\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("X-A: client")));
  EXPECT_THAT(text, Not(HasSubstr("X-B")));
  EXPECT_THAT(text, HasSubstr("\r\nX-C: client\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nX-C: more 0123456789abcdef0123456789abcdef ${what}\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("X-D")));
}

TEST_F(BackendRequest, TheGroupsSignatureIsThatOfTheRequestAsItIsSent) {
  group.signing = {signing_kind::md5, "k1", "salt"};
  api.backend = {"POST", "/test/testSign", "", ""};
  api.params = {};
  x.what.data = R"([{"_requestBody":{"a":1}}])";
  auto expected = mgw::backend_signer::make(mgw::backend_algorithm::md5, "k1", "salt")
                      ->sign({"POST", "/test/testSign", "", "application/json", R"({"a":1})"});
  auto text = bytes();
  EXPECT_THAT(text, HasSubstr("\r\nX-Mgs-Proxy-Signature: " + expected + "\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\nX-Mgs-Proxy-Signature-Secret-Key: k1\r\n"));
}

} // namespace
} // namespace shoal::gateway
