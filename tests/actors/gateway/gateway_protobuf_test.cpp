// A client and a backend that speak JSON and protobuf, from bytes to bytes.
#include <gmock/gmock.h>

#include "tests/support/gateway_fixture.hpp"

namespace shoal::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::string_literals;

const auto as_json = R"({"cents":"250","name":"tea"})"s;
const auto as_protobuf = "\x08\xfa\x01\x12\x03tea"s;
const auto protobuf = "Content-Type: application/protobuf\r\n"s;

class GatewayConversion : public GatewayFixture {
protected:
  GatewayConversion() {
    auto types = gateway::proto_definition{};
    types.name = "shop";
    types.files = {{"shop.proto", "syntax = \"proto3\"; package shop;"
                                  "message Price { int64 cents = 1; string name = 2; }"}};
    add(types);
    api.request.message = api.response.message = "shop.Price";
    api.request.proto = api.response.proto = "shop";
  }

  void backend_speaks(const std::string& type, const std::string& answer) {
    api.backend.content_type = type;
    answer_with = [=](const heard&) {
      return say{"HTTP/1.1 200 OK\r\nContent-Type: " + type +
                 "\r\nETag: \"b\"\r\nContent-Length: " + std::to_string(answer.size()) +
                 "\r\n\r\n" + answer};
    };
  }
  std::string body_heard() const { return backend.all_heard().back().body; }
  std::string head_heard() const { return backend.all_heard().back().head; }
};

TEST_F(GatewayConversion, AJsonClientReachesAProtobufBackend) {
  backend_speaks("application/protobuf", as_protobuf);
  auto c = connect();
  auto x = c.ask(request("", "[{\"_requestBody\":" + as_json + "}]"));
  EXPECT_EQ(code(x), "1000");
  EXPECT_EQ(body_heard(), as_protobuf);
  EXPECT_THAT(head_heard(), HasSubstr("Content-Type: application/protobuf\r\n"));
  EXPECT_THAT(head_heard(), HasSubstr("Accept: application/protobuf\r\n"));
  EXPECT_EQ(x.body, as_json);
  EXPECT_EQ(field(x, "Content-Type"), "application/json");
  EXPECT_EQ(field(x, "ETag"), "(none)") << "the backend's tag is that of other bytes";
}

TEST_F(GatewayConversion, AProtobufClientReachesAJsonBackend) {
  backend_speaks("application/json", as_json);
  auto c = connect();
  auto x = c.ask(request(protobuf, as_protobuf));
  EXPECT_EQ(code(x), "1000");
  EXPECT_EQ(body_heard(), as_json);
  EXPECT_EQ(x.body, as_protobuf);
  EXPECT_EQ(field(x, "Content-Type"), "application/protobuf");
}

TEST_F(GatewayConversion, AcceptSaysWhatComesBack) {
  backend_speaks("application/json", as_json);
  auto c = connect();
  auto x =
      c.ask(request("Accept: application/x-protobuf\r\n", "[{\"_requestBody\":" + as_json + "}]"));
  EXPECT_EQ(body_heard(), as_json);
  EXPECT_EQ(x.body, as_protobuf);
  x = c.ask(request(protobuf + "Accept: text/html, application/json;q=0.9\r\n", as_protobuf));
  EXPECT_EQ(x.body, as_json);
}

TEST_F(GatewayConversion, OneFormatOnBothSidesPassesAsItIs) {
  backend_speaks("application/protobuf", as_protobuf);
  auto c = connect();
  EXPECT_EQ(c.ask(request(protobuf, as_protobuf)).body, as_protobuf);
  EXPECT_EQ(body_heard(), as_protobuf);
}

TEST_F(GatewayConversion, RestCallsAreConverted) {
  backend_speaks("application/protobuf", as_protobuf);
  api.method = "POST";
  api.path = "/price";
  auto c = connect();
  auto x = c.ask("POST /price HTTP/1.1\r\nHost: gw\r\nAppId: shop\r\nWorkspaceId: test\r\n"
                 "Content-Type: application/json\r\nContent-Length: " +
                 std::to_string(as_json.size()) + "\r\n\r\n" + as_json);
  EXPECT_EQ(x.status, 200);
  EXPECT_EQ(body_heard(), as_protobuf);
  EXPECT_EQ(x.body, as_json);
}

TEST_F(GatewayConversion, WhatTheClientSendsWrongIs3002AndNeverReachesTheBackend) {
  backend_speaks("application/protobuf", as_protobuf);
  auto c = connect();
  auto x = c.ask(request("", R"([{"_requestBody":{"cents":"many"}}])"));
  EXPECT_EQ(code(x), "3002");
  EXPECT_THAT(field(x, "Memo"), HasSubstr("cents"));
  EXPECT_EQ(code(c.ask(request("", R"([{"_requestBody":{"other":1}}])"))), "3002");
  auto deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_EQ(code(c.ask(request("", R"([{"_requestBody":)" + deep + "}]"))), "3002");
  EXPECT_EQ(backend.requests(), 0);
}

TEST_F(GatewayConversion, BytesThatAreNotTheMessageAre3002) {
  backend_speaks("application/json", as_json);
  auto c = connect();
  EXPECT_EQ(code(c.ask(request(protobuf, "\x12\x7ftea"))), "3002");
  EXPECT_EQ(backend.requests(), 0);
}

TEST_F(GatewayConversion, WhatTheBackendSendsWrongIs4002) {
  backend_speaks("application/protobuf", "\x12\x7ftea");
  auto c = connect();
  auto x = c.ask(request("", "[{\"_requestBody\":" + as_json + "}]"));
  EXPECT_EQ(code(x), "4002");
  EXPECT_THAT(field(x, "Memo"), HasSubstr("shop.Price"));
}

TEST_F(GatewayConversion, AKeptAnswerIsConvertedForEachClient) {
  backend_speaks("application/protobuf", as_protobuf);
  api.cache.enabled = true;
  api.cache.ttl_ms = 60'000;
  api.cache.key = {"user"};
  auto c = connect();
  auto data = "[{\"_requestBody\":" + as_json + "}]";
  EXPECT_EQ(c.ask(request("UserId: anna\r\n", data)).body, as_json);
  EXPECT_EQ(c.ask(request("UserId: anna\r\n" + protobuf, as_protobuf)).body, as_protobuf);
  EXPECT_EQ(c.ask(request("UserId: anna\r\n", data)).body, as_json);
  EXPECT_EQ(backend.requests(), 1);
}

} // namespace
} // namespace shoal::test
