// The port without TLS that a node opens behind a balancer (`plain_port` of [gateway]): a real
// node, and what a balancer says about its clients.
#include <fstream>

#include <gmock/gmock.h>

#include "tests/scenarios/real_node.hpp"
#include "tests/support/scripted_backend.hpp"
#include "tools/bench/machine/child.hpp"

namespace shoal::faults {
namespace {

using testing::HasSubstr;

class plain_port : public testing::Test {
protected:
  void SetUp() override {
    std::ofstream{config_file()} << "[gateway]\nplain_port = " << port << "\n";
    node = std::make_unique<server>(
        find_shoald(), folder.path().string(), std::vector<std::string>{"--config", config_file()});
    node->start();
    auto app = create_app(*node, "shop");
    auto api = api_caller{node->port(), app.admin};
    api.must("PATCH", app.path("/gateway/settings"), R"({"enabled":true,"sign":false})");
    api.must("PUT", app.path("/gateway/groups/echo"),
        R"({"upstreams":[{"address":")" + backend.address() + R"("}]})");
    api.must("PUT", app.path("/gateway/apis/com.shop.echo"),
        R"({"group":"echo","method":"POST","path":"/echo",)"
        R"("limits":[{"by":"ip","limit":1,"interval_ms":3600000}]})");
    api.must("POST", app.path("/gateway/apis/com.shop.echo/online"));
  }

  void TearDown() override { node->stop(); }

  std::string config_file() const { return (folder.path() / "shoal.toml").string(); }

  test::tls_client balancer() const {
    auto options = test::client_options{};
    options.tls = false;
    return test::tls_client{port, options};
  }

  test::tls_client stranger() const {
    auto options = test::client_options{};
    options.alpn = {"http/1.1"};
    return test::tls_client{node->port(), options};
  }

  static std::string call_of(const std::string& client) {
    return "POST /echo HTTP/1.1\r\nHost: gw\r\nAppId: shop\r\nX-Forwarded-For: " + client +
           "\r\nContent-Length: 2\r\n\r\n{}";
  }

  test::scripted_backend backend{
      [](const auto&) { return test::scripted_backend::ok("\"echo\""); }};
  test::temp_dir folder;
  std::uint16_t port = bench::free_port();
  std::unique_ptr<server> node;
};

TEST_F(plain_port, carries_calls_of_the_clients_that_the_balancer_names) {
  auto x = balancer();
  auto first = x.ask(call_of("6.6.6.6, 10.0.0.1"));
  ASSERT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "\"echo\"");
  EXPECT_THAT(backend.all_heard().back().head, HasSubstr("X-Forwarded-For: 10.0.0.1\r\n"));
  EXPECT_EQ(x.ask(call_of("10.0.0.1")).status, 429) << "limits are about the client";
  EXPECT_EQ(x.ask(call_of("10.0.0.2")).status, 200);
}

TEST_F(plain_port, serves_as_the_open_one_does_and_comes_back_after_a_crash) {
  auto get = std::string{"GET /v1/openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n"};
  EXPECT_EQ(balancer().ask(get).status, 200);
  ASSERT_EQ(stranger().ask(call_of("10.0.0.1")).status, 200);
  EXPECT_THAT(backend.all_heard().back().head, HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"))
      << "there nobody's word counts";
  node->kill();
  node->start();
  EXPECT_EQ(balancer().ask(call_of("10.0.0.1")).status, 200);
}

TEST_F(plain_port, speaks_no_tls) {
  auto x = test::tls_client{port};
  EXPECT_FALSE(x.connected());
  EXPECT_EQ(balancer().ask(call_of("10.0.0.1")).status, 200) << "and nobody is hurt";
}

} // namespace
} // namespace shoal::faults
