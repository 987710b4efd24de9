// Which calls go to another group, or to some instances of their own, from bytes to bytes. Shares
// and versions: routing_rules_test.cpp.
#include <map>

#include <gmock/gmock.h>

#include "tests/support/gateway_fixture.hpp"

namespace shoal::test {
namespace {

class GatewayMigration : public GatewayFixture {
protected:
  GatewayMigration() {
    auto other = group;
    other.name = "orders-2";
    other.id = 2;
    other.upstreams = {{fresh.address(), 1, {}}};
    add(other);
    api.migrate.enabled = true;
    api.migrate.group = "orders-2";
  }

  /// Two instances of one group; the second has version 2.
  void tag_instances() {
    group.upstreams.push_back({fresh.address(), 1, {{"version", "2"}, {"zone", "a"}}});
    api.migrate.group.clear();
    api.migrate.users = {"anna"};
    api.migrate.tags = {{"version", "2"}};
  }

  /// How many of ten calls each body came to.
  static std::map<std::string, int> bodies(tls_client& c, const std::string& what) {
    auto out = std::map<std::string, int>{};
    for (auto i = 0; i < 10; ++i)
      ++out[c.ask(what).body];
    return out;
  }

  using counts = std::map<std::string, int>;
  const std::string old_one = "{\"n\":1}", new_one = "\"new\"";
  scripted_backend fresh{[](const heard&) { return scripted_backend::ok("\"new\""); }};
};

TEST_F(GatewayMigration, NamedDevicesMove) {
  api.migrate.devices = {"d1"};
  auto c = connect();
  EXPECT_EQ(c.ask(request("Did: d1\r\n")).body, new_one);
  EXPECT_EQ(c.ask(request("Did: d2\r\n")).body, old_one);
  EXPECT_EQ(c.ask(request("UserId: d1\r\n")).body, old_one);
}

TEST_F(GatewayMigration, ARegionMoves) {
  api.migrate.regions = {"eu", "us"};
  auto c = connect();
  EXPECT_EQ(c.ask(request("Region: eu\r\n")).body, new_one);
  EXPECT_EQ(c.ask(request("region: us\r\n")).body, new_one);
  EXPECT_EQ(c.ask(request("Region: cn\r\n")).body, old_one);
  EXPECT_EQ(c.ask(request()).body, old_one);
}

/// A device has said in Hello where it is and which version runs there.
TEST_F(GatewayMigration, ADeviceMovesByWhatItsHelloSays) {
  api.migrate.regions = {"eu"};
  api.migrate.min_version = "2.0";
  auto ask = [&](const std::string& region, const std::string& version,
                 const std::map<std::string, std::string>& headers = {}) {
    who = std::make_shared<const tls::device_identity>(
        tls::device_identity{"shop@test", "d1", "u1", false, region, version});
    auto client = connect("shoal/1");
    EXPECT_EQ(client.read_frame()->type, frame_type::welcome);
    auto x = wire::Call{};
    x.set_operation("com.shop.get");
    x.set_data("[{}]");
    for (auto& [key, value] : headers)
      (*x.mutable_headers())[key] = value;
    client.send_frame(frame_type::call, x.SerializeAsString());
    auto out = wire::CallResult{};
    EXPECT_TRUE(out.ParseFromString(client.read_frame()->body));
    return out.data();
  };
  EXPECT_EQ(ask("eu", "2.1"), new_one);
  EXPECT_NE(fresh.all_heard().back().head.find("Region: eu\r\n"), std::string::npos);
  EXPECT_EQ(ask("cn", "2.1"), old_one);
  EXPECT_EQ(ask("eu", "1.9"), old_one);
  EXPECT_EQ(ask("cn", "2.1", {{"Region", "eu"}}), old_one) << "Hello's holds";
  EXPECT_EQ(ask("", "2.1", {{"Region", "eu"}}), new_one) << "unless it has none";
  EXPECT_EQ(ask("eu", "1.9", {{"ProductVersion", "2.0"}}), new_one) << "a page in the app, say";
  EXPECT_EQ(ask("e\nu", "2.1"), old_one);
  EXPECT_EQ(backend.all_heard().back().head.find("Region"), std::string::npos);
}

TEST_F(GatewayMigration, TaggedInstancesGetWhatMovesAndNothingElse) {
  tag_instances();
  auto c = connect();
  EXPECT_EQ(bodies(c, request("UserId: anna\r\n")), (counts{{new_one, 10}}));
  EXPECT_EQ(bodies(c, request("UserId: ben\r\n")), (counts{{old_one, 10}}));
}

TEST_F(GatewayMigration, WithoutTheRuleTagsMeanNothing) {
  tag_instances();
  api.migrate.enabled = false;
  auto c = connect();
  EXPECT_EQ(bodies(c, request("UserId: anna\r\n")), (counts{{new_one, 5}, {old_one, 5}}));
}

TEST_F(GatewayMigration, WhereNoInstanceHasAllTagsThereIsNone) {
  tag_instances();
  api.migrate.tags["zone"] = "b";
  auto c = connect();
  EXPECT_EQ(code(c.ask(request("UserId: anna\r\n"))), "6000");
  EXPECT_EQ(bodies(c, request("UserId: ben\r\n")), (counts{{new_one, 5}, {old_one, 5}}))
      << "nobody has what would be kept for others";
}

TEST_F(GatewayMigration, TaggedInstancesServeAllWhenThereIsNoOther) {
  tag_instances();
  group.upstreams.erase(group.upstreams.begin());
  auto c = connect();
  EXPECT_EQ(bodies(c, request("UserId: ben\r\n")), (counts{{new_one, 10}}));
}

} // namespace
} // namespace shoal::test
