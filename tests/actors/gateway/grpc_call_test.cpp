#include <gmock/gmock.h>

#include "actors/gateway/grpc_call.hpp"

namespace shoal::gateway {
namespace {

using std::chrono::milliseconds;

http::reply reply(std::string body, std::string status, int of_http = 200) {
  auto out = http::reply{};
  out.status = of_http;
  out.body = std::move(body);
  out.add("content-type", "application/grpc+proto");
  if (!status.empty())
    out.trailers.emplace_back("grpc-status", std::move(status));
  return out;
}

class GrpcCall : public testing::Test {
protected:
  GrpcCall() {
    auto made = mgw::message_schema::from_files({{"shop.proto",
        "syntax = \"proto3\"; package shop; message Order { int64 id = 1; string name = 2; }"
        "message Made { string number = 1; }"
        "service Orders { rpc Create(Order) returns (Made); }"}});
    schema = std::get<std::shared_ptr<const mgw::message_schema>>(made);
    types = {schema.get(), "shop.Order", schema.get(), "shop.Made"};
  }

  mgw::result code(http::reply x) const {
    return answer_of_grpc(std::move(x), from, types).what.code;
  }

  std::shared_ptr<const mgw::message_schema> schema;
  grpc_types types;
  call from;
};

TEST_F(GrpcCall, AJsonArgumentBecomesOneFramedMessage) {
  from.what.data = R"([{"_requestBody":{"id":"5","name":"a"}}])";
  auto out = std::string{};
  EXPECT_EQ(write_grpc_message(from, types, out), std::nullopt);
  EXPECT_EQ(out, (std::string{"\0\0\0\0\x05\x08\x05\x12\x01", 9} + "a"));
}

TEST_F(GrpcCall, NoArgumentIsAnEmptyMessage) {
  for (auto data : {"[]", "[{}]", R"([{"_requestBody":{}}])"}) {
    from.what.data = data;
    auto out = std::string{};
    EXPECT_EQ(write_grpc_message(from, types, out), std::nullopt) << data;
    EXPECT_EQ(out, std::string(5, '\0')) << data;
  }
}

TEST_F(GrpcCall, ProtobufGoesThroughWithoutTypes) {
  from.what.format = mgw::data_format::protobuf;
  from.what.data = "abc";
  auto out = std::string{};
  EXPECT_EQ(write_grpc_message(from, {}, out), std::nullopt);
  EXPECT_EQ(out, (std::string{"\0\0\0\0\x03", 5} + "abc"));
  auto answer = answer_of_grpc(reply(out, "0"), from, {});
  EXPECT_EQ(answer.what.result_data, "abc");
  EXPECT_EQ(answer.what.content_type, "application/protobuf");
}

TEST_F(GrpcCall, AnArgumentThatDoesNotFitIsTheCallersFault) {
  auto out = std::string{};
  from.what.data = R"([{"_requestBody":{"id":"x"}}])";
  EXPECT_EQ(write_grpc_message(from, types, out)->code, mgw::result::malformed_request);
  from.what.data = "no array";
  EXPECT_EQ(write_grpc_message(from, types, out)->code, mgw::result::malformed_request);
  from.what.data = "[{}]";
  EXPECT_EQ(write_grpc_message(from, {}, out)->code, mgw::result::target_service_missing);
}

TEST_F(GrpcCall, AnAnswerBecomesJson) {
  auto answer =
      answer_of_grpc(reply(std::string{"\0\0\0\0\x03\x0a\x01", 7} + "7", "0"), from, types);
  EXPECT_EQ(answer.what.code, mgw::result::success);
  EXPECT_EQ(answer.what.result_data, R"({"number":"7"})");
}

TEST_F(GrpcCall, EveryStatusHasItsCode) {
  auto codes = std::vector<int>{};
  auto faults = std::vector<int>{};
  for (auto i = 0; i < 18; ++i) {
    codes.push_back(static_cast<int>(code(reply(std::string(5, '\0'), std::to_string(i)))));
    if (is_grpc_fault(reply("", std::to_string(i))))
      faults.push_back(i);
  }
  EXPECT_THAT(codes, testing::ElementsAre(1000, 4002, 4002, 3002, 4001, 6005, 6006, 1001, 1002,
                         6009, 6010, 6011, 6000, 4002, 4002, 4002, 2000, 4002));
  EXPECT_THAT(faults, testing::ElementsAre(2, 4, 13, 14, 15, 17));
}

TEST_F(GrpcCall, AnAnswerThatIsNoneIsTheBackendsFault) {
  auto five = std::string(5, '\0');
  for (auto bad : {"", "x", "-1", "0x", "99999999999999999999"}) {
    EXPECT_EQ(code(reply(five, bad)), mgw::result::backend_failed) << bad;
    EXPECT_TRUE(is_grpc_fault(reply(five, bad))) << bad;
  }
  for (auto& body :
      {std::string{}, std::string(4, '\0'), five + "x", five + five, std::string{"\x01\0\0\0\0", 5},
          std::string{"\0\xff\xff\xff\xff", 5}, std::string{"\0\0\0\0\x01\xff", 6}})
    EXPECT_EQ(code(reply(body, "0")), mgw::result::backend_failed);
  EXPECT_EQ(code(reply(five, "0", 503)), mgw::result::backend_failed);
  auto html = http::reply{};
  html.status = 200;
  html.add("content-type", "text/html");
  EXPECT_EQ(code(std::move(html)), mgw::result::backend_failed);
}

TEST_F(GrpcCall, AStatusWithoutBodyIsInTheHead) {
  auto x = reply("", "");
  x.add("grpc-status", "5");
  x.add("grpc-message", "no%20such+order");
  auto answer = answer_of_grpc(std::move(x), from, types);
  EXPECT_EQ(static_cast<int>(answer.what.code), 6005);
  EXPECT_EQ(answer.what.memo, "grpc-status 5: no such+order");
}

TEST_F(GrpcCall, ARestCallGetsTheStatusOfHttp) {
  from.path = "/orders";
  EXPECT_EQ(answer_of_grpc(reply("", "5"), from, types).status, 404);
  EXPECT_EQ(answer_of_grpc(reply("", "14"), from, types).status, 503);
  EXPECT_EQ(answer_of_grpc(reply(std::string(5, '\0'), "0"), from, types).status, 200);
}

TEST_F(GrpcCall, ADeadlineIsAtLeastAMillisecondAndAtMostEightDigits) {
  EXPECT_EQ(grpc_timeout(milliseconds{2998}), "2998m");
  EXPECT_EQ(grpc_timeout(milliseconds{-5}), "1m");
  EXPECT_EQ(grpc_timeout(milliseconds{1'000'000'000}), "99999999m");
}

TEST_F(GrpcCall, AHealthCheckAsksAndUnderstands) {
  EXPECT_THAT(grpc_health_request("a:1", "shop.Orders"),
      testing::EndsWith(
          "Content-Length: 18\r\n\r\n" + std::string{"\0\0\0\0\x0d\x0a\x0b", 7} + "shop.Orders"));
  EXPECT_TRUE(is_serving(reply(std::string{"\0\0\0\0\x02\x08\x01", 7}, "0")));
  EXPECT_FALSE(is_serving(reply(std::string{"\0\0\0\0\x02\x08\x02", 7}, "0")));
  EXPECT_FALSE(is_serving(reply("", "5")));
}

} // namespace
} // namespace shoal::gateway
