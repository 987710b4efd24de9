// gRPC backends behind a gateway on a real loop.
#include <gmock/gmock.h>

#include "tests/support/gateway_fixture.hpp"
#include "tests/support/h2_backend.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

/// An answer with its status in the trailers; no body if `message` is null.
std::string unary(std::uint32_t stream, const std::string& message, const std::string& status) {
  auto head = h2_literal(":status", "200") + h2_literal("content-type", "application/grpc");
  auto framed = std::string(4, '\0') + static_cast<char>(message.size()) + message;
  return h2_frame(1, 4, stream, head) + h2_frame(0, 0, stream, framed) +
         h2_frame(1, 5, stream, h2_literal("grpc-status", status));
}

std::string trailers_only(std::uint32_t stream, const std::string& status) {
  return h2_frame(1, 5, stream,
      h2_literal(":status", "200") + h2_literal("content-type", "application/grpc") +
          h2_literal("grpc-status", status) + h2_literal("grpc-message", "because"));
}

class GatewayGrpc : public GatewayFixture {
protected:
  GatewayGrpc() {
    group.kind = gateway::backend_kind::grpc;
    group.protocol = gateway::backend_protocol::h2;
    group.upstreams = {{h2.address(), 1, {}}};
    group.health.eject_after = 0;
    api.backend.path = "/shop.Orders/Create";
    api.request.message = "shop.Order";
    api.request.proto = "shop";
  }

  tls_client connect_typed() {
    auto proto = gateway::proto_definition{};
    proto.name = "shop";
    proto.files["shop.proto"] =
        "syntax = \"proto3\"; package shop; message Order { int64 id = 1; string name = 2; }"
        "message Made { string number = 1; }"
        "service Orders { rpc Create(Order) returns (Made); }";
    publish();
    cell.store(std::make_shared<const gateway::registry>(
        cell.load()->with(world, gateway::make_live(std::move(proto)))));
    return connect();
  }

  h2_backend::script script = [](const http::request&, std::uint32_t stream, int) {
    return h2_backend::say{{}, unary(stream,
                                   "\x0a\x01"
                                   "7",
                                   "0")};
  };
  h2_backend h2{[this](const http::request& x, std::uint32_t stream, int number) {
    return script(x, stream, number);
  }};
};

TEST_F(GatewayGrpc, AJsonCallIsConvertedBothWays) {
  script = [](const http::request& x, std::uint32_t stream, int) {
    EXPECT_EQ(x.method, "POST");
    EXPECT_EQ(x.path, "/shop.Orders/Create");
    EXPECT_EQ(x.header("content-type"), "application/grpc");
    EXPECT_EQ(x.header("te"), "trailers");
    EXPECT_THAT(
        std::string{x.header("grpc-timeout")}, testing::MatchesRegex("[12][0-9][0-9][0-9]m|3000m"));
    EXPECT_EQ(x.body, (std::string{"\0\0\0\0\x05\x08\x05\x12\x01", 9} + "a"));
    return h2_backend::say{{}, unary(stream,
                                   "\x0a\x01"
                                   "7",
                                   "0")};
  };
  auto c = connect_typed();
  auto answer = c.ask(request("", R"([{"_requestBody":{"id":5,"name":"a"}}])"));
  EXPECT_EQ(code(answer), "1000");
  EXPECT_EQ(answer.body, R"({"number":"7"})");
}

TEST_F(GatewayGrpc, AProtobufCallGoesThrough) {
  api.request = {};
  script = [](const http::request& x, std::uint32_t stream, int) {
    EXPECT_EQ(x.body, (std::string{"\0\0\0\0\x02\x08\x05", 7}));
    return h2_backend::say{{}, unary(stream,
                                   "\x0a\x01"
                                   "7",
                                   "0")};
  };
  auto c = connect();
  auto answer = c.ask(request("Content-Type: application/protobuf\r\n", "\x08\x05"));
  EXPECT_EQ(code(answer), "1000");
  EXPECT_EQ(answer.body, "\x0a\x01"
                         "7");
}

TEST_F(GatewayGrpc, AStatusBecomesACode) {
  auto status = std::string{};
  script = [&](const http::request&, std::uint32_t stream, int) {
    return h2_backend::say{{}, trailers_only(stream, status)};
  };
  auto c = connect_typed();
  for (auto& [given, expected] : std::map<std::string, std::string>{
           {"5", "6005"}, {"16", "2000"}, {"14", "4002"}, {"4", "4001"}}) {
    status = given;
    auto answer = c.ask(request());
    EXPECT_EQ(code(answer), expected);
    EXPECT_THAT(field(answer, "Memo"), testing::HasSubstr("because"));
  }
}

TEST_F(GatewayGrpc, AnArgumentThatDoesNotFitNeverReachesTheBackend) {
  auto c = connect_typed();
  EXPECT_EQ(code(c.ask(request("", R"([{"_requestBody":{"id":"x"}}])"))), "3002");
  EXPECT_EQ(h2.requests(), 0);
}

TEST_F(GatewayGrpc, AnAnswerThatEndsInTheMiddleIsTheBackendsFault) {
  script = [](const http::request&, std::uint32_t stream, int) {
    auto all = unary(stream,
        "\x0a\x01"
        "7",
        "0");
    return h2_backend::say{{}, all.substr(0, all.size() - 5), true};
  };
  auto c = connect_typed();
  EXPECT_EQ(code(c.ask(request())), "4002");
}

TEST_F(GatewayGrpc, ACheckAsksTheHealthService) {
  auto asked = std::atomic<int>{0};
  script = [&](const http::request& x, std::uint32_t stream, int) {
    if (x.path != "/grpc.health.v1.Health/Check")
      return h2_backend::say{{}, unary(stream,
                                     "\x0a\x01"
                                     "7",
                                     "0")};
    ++asked;
    return h2_backend::say{{}, unary(stream, "\x08\x02", "0")}; // NOT_SERVING
  };
  auto well = h2_backend{[](const http::request& x, std::uint32_t stream, int) {
    auto check = x.path == "/grpc.health.v1.Health/Check";
    return h2_backend::say{{}, unary(stream,
                                   check ? "\x08\x01"
                                         : "\x0a\x01"
                                           "8",
                                   "0")};
  }};
  group.upstreams.push_back({well.address(), 1, {}});
  group.health.path = "/shop.Orders";
  group.health.interval_ms = 100;
  group.health.unhealthy_after = 1;
  auto c = connect_typed();
  auto only_well = [&] {
    return c.ask(request()).body == R"({"number":"8"})" &&
           c.ask(request()).body == R"({"number":"8"})";
  };
  EXPECT_TRUE(eventually(only_well));
  EXPECT_GE(asked, 1);
}

} // namespace
} // namespace shoal::test
