// Groups whose instances are named in etcd, from bytes to bytes.
#include <gmock/gmock.h>

#include "actors/gateway/etcd_discovery.hpp"
#include "cluster/etcd/http.hpp"
#include "protocol/signing.hpp"
#include "tests/support/child_etcd.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

class GatewayEtcd : public GatewayFixture {
protected:
  GatewayEtcd() {
    group.discovery = {gateway::discovery_kind::etcd, "/services/orders", 1};
    options_.behind_balancer = true; // TLS of clients is not what this is about
  }

  scripted_backend other{[](const heard&) { return scripted_backend::ok("\"other\""); }};
};

TEST_F(GatewayEtcd, InstancesNamedInEtcdAreCalledInsteadOfThoseOfTheDefinition) {
  auto page = cluster::etcd_page{};
  page.problem = "not there yet";
  auto now_ms = std::int64_t{0};
  auto rules = gateway::etcd_discovery{cell, share->etcd,
      [&](const std::string&, std::size_t) { return page; }, [&] { return now_ms; }};
  auto c = connect();
  rules.step();
  EXPECT_EQ(c.ask(request()).body, "{\"n\":1}") << "while nothing is known";
  auto answer = [&](const std::vector<cluster::stored_value>& values, const std::string& problem) {
    page = {values, false, problem};
    now_ms += 10'000;
    rules.step();
  };
  answer({{"1", other.address(), 1}}, "");
  EXPECT_TRUE(eventually([&] { return c.ask(request()).body == "\"other\""; }));
  answer({}, "connection refused");
  answer({}, "connection refused");
  for (auto i = 0; i < 20; ++i)
    EXPECT_EQ(c.ask(request()).body, "\"other\"") << "etcd is down";
  answer({}, "");
  EXPECT_TRUE(eventually([&] { return c.ask(request()).body == "{\"n\":1}"; }));
}

TEST_F(GatewayEtcd, ACallWaitsForWhatEtcdSaysFirst) {
  group.upstreams.clear();
  auto page = cluster::etcd_page{{{"1", other.address(), 1}}, false, ""};
  auto rules = gateway::etcd_discovery{
      cell, share->etcd, [&](const std::string&, std::size_t) { return page; }};
  auto c = connect();
  c.send(request());
  auto d = connect(); // on the same loop: when it is answered, the call before waits
  EXPECT_EQ(code(d.ask(request("", "[{}]", "com.shop.unknown"))), "3000");
  rules.step();
  EXPECT_EQ(c.read_answer().body, "\"other\"");
}

TEST_F(GatewayEtcd, WithoutInstancesACallIs6000) {
  group.upstreams.clear();
  auto c = connect();
  EXPECT_EQ(code(c.ask(request())), "6000") << "this node knows no etcd";
  auto rules = gateway::etcd_discovery{cell, share->etcd, [&](const std::string&, std::size_t) {
                                         return cluster::etcd_page{{}, false, "is down"};
                                       }};
  rules.step();
  EXPECT_EQ(code(c.ask(request())), "6000") << "nor anybody who answers";
}

TEST_F(GatewayEtcd, FollowsARealOne) {
  if (!child_etcd::is_installed())
    GTEST_SKIP() << "etcd is not installed: tools/dev setup";
  auto etcd = child_etcd{};
  auto options = etcd.options("");
  auto members = cluster::etcd::http{options};
  auto key = base64("/services/orders/1");
  auto put = R"({"key":")" + key + R"(","value":")" +
             base64(R"({"address":")" + other.address() + "\"}") + "\"}";
  ASSERT_TRUE(members.post("/v3/kv/put", put, cluster::etcd::kind::write).arrived);
  auto asker = gateway::etcd_asker{cell, share->etcd, options};
  auto c = connect();
  EXPECT_TRUE(eventually([&] { return c.ask(request()).body == "\"other\""; }));
  auto erase = R"({"key":")" + key + "\"}";
  ASSERT_TRUE(members.post("/v3/kv/deleterange", erase, cluster::etcd::kind::write).arrived);
  EXPECT_TRUE(eventually([&] { return c.ask(request()).body == "{\"n\":1}"; }));
  ASSERT_TRUE(members.post("/v3/kv/put", put, cluster::etcd::kind::write).arrived);
  EXPECT_TRUE(eventually([&] { return c.ask(request()).body == "\"other\""; }));
  etcd.kill();
  EXPECT_TRUE(eventually([&] { return share->etcd.now().silent_since_ms != 0; }));
  EXPECT_EQ(c.ask(request()).body, "\"other\"") << "what was known serves";
}

TEST_F(GatewayEtcd, HearsOfAChangeLongBeforeItWouldAsk) {
  if (!child_etcd::is_installed())
    GTEST_SKIP() << "etcd is not installed: tools/dev setup";
  group.discovery.refresh_s = 3'600;
  auto etcd = child_etcd{};
  auto options = etcd.options("/ours");
  auto members = cluster::etcd::http{options};
  auto put = [&](const std::string& address) {
    auto text = R"({"key":")" + base64("/ours/services/orders/1") + R"(","value":")" +
                base64(address) + "\"}";
    return members.post("/v3/kv/put", text, cluster::etcd::kind::write).arrived;
  };
  ASSERT_TRUE(put(other.address()));
  auto asker = gateway::etcd_asker{cell, share->etcd, options};
  auto c = connect();
  EXPECT_TRUE(eventually([&] { return c.ask(request()).body == "\"other\""; }));
  ASSERT_TRUE(put(backend.address()));
  EXPECT_TRUE(eventually([&] { return c.ask(request()).body == "{\"n\":1}"; }));
}

} // namespace
} // namespace shoal::test
