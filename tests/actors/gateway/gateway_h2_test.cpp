// Backends that speak HTTP/2, good ones and bad ones, behind a gateway on a real loop.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "tests/support/byte_server.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "tests/support/h2_backend.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

constexpr std::uint32_t refused_stream = 7, internal_error = 2;

class GatewayH2 : public GatewayFixture {
protected:
  using answer_t = h2_backend::say;

  GatewayH2() {
    group.protocol = gateway::backend_protocol::h2;
    group.upstreams = {{h2.address(), 1, {}}};
    group.health.eject_after = 0;
  }

  h2_backend::script script = [](const http::request&, std::uint32_t, int) {
    return h2_backend::ok("{\"n\":1}");
  };
  h2_backend h2{[this](const http::request& x, std::uint32_t stream, int number) {
    return script(x, stream, number);
  }};
};

TEST_F(GatewayH2, CallsOfManyClientsShareAConnection) {
  script = [](const http::request& x, std::uint32_t, int) { return h2_backend::ok(x.body); };
  auto clients = std::vector<std::unique_ptr<tls_client>>{};
  connect();
  for (auto i = 0; i < 20; ++i) {
    auto options = client_options{};
    options.alpn = {"http/1.1"};
    clients.push_back(std::make_unique<tls_client>(endpoint->port(), options));
  }
  for (auto round = 0; round < 3; ++round) {
    for (auto i = 0; i < 20; ++i)
      clients[static_cast<std::size_t>(i)]->send(
          request("", "[{\"_requestBody\":" + std::to_string(i) + "}]"));
    for (auto i = 0; i < 20; ++i)
      EXPECT_EQ(clients[static_cast<std::size_t>(i)]->read_answer().body, std::to_string(i));
  }
  EXPECT_EQ(h2.connections(), 1);
  EXPECT_EQ(h2.requests(), 60);
}

TEST_F(GatewayH2, LargeBodiesPassBothWays) {
  auto large = "\"" + std::string(900'000, 'x') + "\"";
  script = [](const http::request& x, std::uint32_t, int) { return h2_backend::ok(x.body); };
  auto c = connect();
  EXPECT_TRUE(c.ask(request("", "[{\"_requestBody\":" + large + "}]")).body == large);
}

TEST_F(GatewayH2, OverTlsByAlpn) {
  auto options = tls::endpoint_options{};
  auto secure = test_endpoint{options};
  group.upstreams = {{"127.0.0.1:" + std::to_string(secure.port()), 1, {}}};
  group.tls.enabled = true;
  auto text = std::stringstream{};
  text << std::ifstream{secure.certificate_file()}.rdbuf();
  group.tls.ca_pem = text.str();
  api.backend.path = "/a";
  auto c = connect();
  EXPECT_EQ(c.ask(request("", R"([{"_requestBody":{"a":1}}])")).body, "POST /a?\n{\"a\":1}");
  EXPECT_EQ(secure->stats().http_requests, 1u);
}

TEST_F(GatewayH2, NoFallbackToHttp1) {
  answer_with = [](const heard&) { return say{"HTTP/1.1 400 Bad Request\r\n\r\n", then::close}; };
  group.upstreams = {{backend.address(), 1, {}}};
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4002");
}

TEST_F(GatewayH2, ADrainingBackendLosesNoCall) {
  // The first connection begins one request and takes no more.
  script = [](const http::request&, std::uint32_t stream, int number) {
    auto out = h2_backend::ok("{\"n\":" + std::to_string(number) + "}");
    if (number < 4)
      out.frames = h2_goodbye(stream);
    return out;
  };
  group.retry.attempts = 0; // this is none
  auto c = connect();
  for (auto i = 0; i < 8; ++i)
    EXPECT_EQ(code(c.ask(request())), "1000");
  EXPECT_EQ(h2.connections(), 5);
}

TEST_F(GatewayH2, WhatAGoodbyeLeavesOutGoesElsewhere) {
  script = [](const http::request&, std::uint32_t, int number) {
    if (number == 0)
      return answer_t{{}, h2_goodbye(0)};
    return h2_backend::ok("{}");
  };
  group.retry.attempts = 0;
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
  EXPECT_EQ(h2.requests(), 2);
}

TEST_F(GatewayH2, WhoAnswersEverythingWithAGoodbyeIsNotFollowedForEver) {
  script = [](const http::request&, std::uint32_t, int) { return answer_t{{}, h2_goodbye(0)}; };
  group.retry.attempts = 0;
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4002");
  EXPECT_EQ(h2.requests(), 6) << "five goodbyes are followed";
}

TEST_F(GatewayH2, ARefusedStreamIsRepeatedWhateverItsMethod) {
  script = [](const http::request&, std::uint32_t stream, int number) {
    if (number == 0)
      return answer_t{{}, h2_reset(stream, refused_stream)};
    return h2_backend::ok("{}");
  };
  group.retry.budget_percent = 100;
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "1000");
  EXPECT_EQ(h2.requests(), 2);
  EXPECT_EQ(h2.connections(), 1);
}

TEST_F(GatewayH2, AResetPostIsNotRepeated) {
  script = [](const http::request&, std::uint32_t stream, int number) {
    if (number == 0)
      return answer_t{{}, h2_reset(stream, internal_error)};
    return h2_backend::ok("{}");
  };
  group.retry.budget_percent = 100;
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4002");
  EXPECT_EQ(h2.requests(), 1);
  EXPECT_EQ(code(c.ask(request())), "1000") << "the connection goes on";
  EXPECT_EQ(h2.connections(), 1);
}

TEST_F(GatewayH2, ACallWhoseTimeIsOverLeavesTheOthersAlone) {
  script = [](const http::request& x, std::uint32_t, int) {
    return x.path == "/slow" ? answer_t{} : h2_backend::ok("{}");
  };
  auto slow = api;
  slow.timeout_ms = 500;
  slow.operation = "com.shop.slow";
  slow.id = 2;
  slow.backend.path = "/slow";
  publish();
  add(slow);
  auto stuck = connect();
  auto other = connect();
  stuck.send(request("", "[{}]", "com.shop.slow"));
  EXPECT_TRUE(eventually([&] { return h2.requests() == 1; }));
  EXPECT_EQ(code(other.ask(request())), "1000");
  EXPECT_EQ(code(stuck.read_answer()), "4001");
  EXPECT_EQ(code(other.ask(request())), "1000");
  EXPECT_EQ(h2.connections(), 1);
}

TEST_F(GatewayH2, ASilentConnectionGetsNoMoreCalls) {
  // Takes everything, says nothing, not even to pings.
  auto mute = byte_server{[](auto&) { return byte_server::say{}; }};
  group.upstreams = {{mute.address(), 1, {}}};
  group.timeout_ms = 100;
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "4001");
  EXPECT_EQ(code(c.ask(request())), "4001");
  EXPECT_TRUE(eventually([&] { return mute.connections() == 2; }));
}

TEST_F(GatewayH2, AFaultOfTheConnectionIsA4002) {
  auto faults = std::vector<answer_t>{
      {{}, "", true},                                                // ended
      {{}, "", false, true},                                         // reset
      {{}, std::string{"\0\0\x08\x01\x04\0\0\0\x01half", 13}, true}, // half a frame
      {{}, h2_frame(1, 4, 1, "\xff\xff\xff\xff\xff")},               // no HPACK
      {{}, h2_frame(0, 0, 0, "data of no stream")},
      {{}, h2_frame(1, 4, 2, h2_literal(":status", "200"))}, // of a stream that nobody opened
      {{}, h2_frame(0, 1, 1, std::string(20'000, 'x'))},     // longer than a frame may be
      {{}, h2_goodbye(1, internal_error), true},
  };
  script = [&](const http::request& x, std::uint32_t, int) {
    if (x.path == "/good")
      return h2_backend::ok("{}");
    return faults[std::stoul(x.path.substr(1))];
  };
  group.retry.attempts = 0;
  auto c = connect();
  for (auto i = std::size_t{0}; i < faults.size(); ++i) {
    api.backend.path = "/" + std::to_string(i);
    publish();
    EXPECT_EQ(code(c.ask(request())), "4002") << i;
    api.backend.path = "/good";
    publish();
    EXPECT_EQ(code(c.ask(request())), "1000") << "after " << i;
  }
}

TEST_F(GatewayH2, AnAnswerThatIsNoneCostsItsOwnCallAtOnce) {
  auto faults = std::vector<std::string>{h2_literal("a", "b"), // no status
      h2_literal(":status", "200") + h2_literal("content-length", "9"),
      h2_literal(":status", "200") + h2_literal("connection", "close")};
  script = [&](const http::request& x, std::uint32_t stream, int) {
    auto end_of_stream_and_head = 5;
    return x.path == "/good" ? h2_backend::ok("{}")
                             : answer_t{{}, h2_frame(1, end_of_stream_and_head, stream,
                                                faults[std::stoul(x.path.substr(1))])};
  };
  group.retry.attempts = 0;
  auto c = connect();
  for (auto i = std::size_t{0}; i < faults.size(); ++i) {
    api.backend.path = "/" + std::to_string(i);
    publish();
    EXPECT_EQ(code(c.ask(request())), "4002") << i << ": not the 4001 of a call without an answer";
  }
  api.backend.path = "/good";
  publish();
  EXPECT_EQ(code(c.ask(request())), "1000");
  EXPECT_EQ(h2.connections(), 1) << "the others on the connection are not concerned";
}

TEST_F(GatewayH2, ChecksTakeAnInstanceOutAndBringItBack) {
  auto ill = std::atomic<bool>{true};
  script = [&](const http::request& x, std::uint32_t, int) {
    return x.path == "/health" && ill ? answer_t{http::response{500, "", {}, ""}}
                                      : h2_backend::ok("\"h2\"");
  };
  auto well = h2_backend{[](auto&, auto, auto) { return h2_backend::ok("\"other\""); }};
  group.upstreams.push_back({well.address(), 1, {}});
  group.health.path = "/health";
  group.health.interval_ms = 100;
  group.health.unhealthy_after = 1;
  group.health.healthy_after = 1;
  auto c = connect();
  auto only_other = [&] {
    return c.ask(request()).body == "\"other\"" && c.ask(request()).body == "\"other\"";
  };
  EXPECT_TRUE(eventually(only_other));
  ill = false;
  EXPECT_TRUE(eventually([&] { return !only_other(); }));
}

TEST_F(GatewayH2, TheEndpointCanStopWhileCallsAreUnderWay) {
  script = [](const http::request&, std::uint32_t, int) { return answer_t{}; };
  auto c = connect();
  c.send(request());
  EXPECT_TRUE(eventually([&] { return h2.requests() == 1; }));
  endpoint->stop();
  EXPECT_EQ(c.read_to_end(), "");
}

} // namespace
} // namespace shoal::test
