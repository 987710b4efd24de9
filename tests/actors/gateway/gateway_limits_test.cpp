// Limits that are about somebody, and switches of a whole app, from bytes to bytes.
#include <gmock/gmock.h>

#include "protocol/mgw/envelope_cipher.hpp"
#include "tests/protocol/mgw/keys.hpp"
#include "tests/support/gateway_fixture.hpp"

namespace shoal::test {
namespace {

gateway::limit_rule per_hour(gateway::limit_by by, std::uint64_t limit) {
  auto out = gateway::limit_rule{};
  out.by = by;
  out.limit = limit;
  out.interval_ms = 3'600'000;
  return out;
}

class GatewayLimits : public GatewayFixture {
protected:
  /// The codes of so many calls in a row.
  static std::string codes(tls_client& c, const std::string& what, int count) {
    auto out = std::string{};
    for (auto i = 0; i < count; ++i)
      out += (i == 0 ? "" : " ") + code(c.ask(what));
    return out;
  }
};

TEST_F(GatewayLimits, OfADeviceAreAboutThatDevice) {
  api.limits = {per_hour(gateway::limit_by::device, 2)};
  auto c = connect();
  EXPECT_EQ(codes(c, request("Did: d1\r\n"), 3), "1000 1000 1002");
  EXPECT_EQ(codes(c, request("Did: d2\r\n"), 3), "1000 1000 1002");
  EXPECT_EQ(codes(c, request("Did: d1\r\nUserId: anna\r\n"), 1), "1002") << "whoever uses it";
}

/// Who names no device cannot get around its limit that way: all of these are one.
TEST_F(GatewayLimits, CallersWithoutADeviceShareOneLimit) {
  api.limits = {per_hour(gateway::limit_by::device, 2)};
  auto c = connect();
  EXPECT_EQ(codes(c, request("UserId: anna\r\n"), 1), "1000");
  EXPECT_EQ(codes(c, request("UserId: ben\r\n"), 2), "1000 1002");
}

TEST_F(GatewayLimits, OfADevicesConnectionAreAboutWhatItHasProved) {
  who = std::make_shared<const tls::device_identity>(
      tls::device_identity{"shop@test", "d1", "u1", false});
  api.limits = {per_hour(gateway::limit_by::device, 2)};
  auto client = connect("shoal/1");
  EXPECT_EQ(client.read_frame()->type, frame_type::welcome);
  auto got = std::vector<std::uint32_t>{};
  for (auto i = 0u; i < 3; ++i) {
    auto x = wire::Call{};
    x.set_id(i);
    x.set_operation("com.shop.get");
    x.set_data("[{}]");
    (*x.mutable_headers())["Did"] = "other-" + std::to_string(i);
    client.send_frame(frame_type::call, x.SerializeAsString());
    auto out = wire::CallResult{};
    ASSERT_TRUE(out.ParseFromString(client.read_frame()->body));
    got.push_back(out.code());
  }
  EXPECT_EQ(got, (std::vector<std::uint32_t>{1000, 1000, 1002}));
}

TEST_F(GatewayLimits, OfAnAddressAreAboutTheClientBehindTheBalancer) {
  options_.behind_balancer = true;
  api.limits = {per_hour(gateway::limit_by::ip, 2)};
  auto c = connect();
  EXPECT_EQ(codes(c, request("X-Forwarded-For: 10.0.0.1\r\n"), 3), "1000 1000 1002");
  EXPECT_EQ(codes(c, request("X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n"), 3), "1000 1000 1002");
  EXPECT_EQ(codes(c, request("X-Forwarded-For: 10.0.0.9, 10.0.0.1\r\n"), 1), "1002")
      << "what a client puts before the balancer's word does not count";
}

TEST_F(GatewayLimits, OfAnAddressCannotBeAvoidedByAHeaderOnTheOpenPort) {
  api.limits = {per_hour(gateway::limit_by::ip, 2)};
  auto c = connect();
  EXPECT_EQ(codes(c, request("X-Forwarded-For: 10.0.0.1\r\n"), 2), "1000 1000");
  EXPECT_EQ(codes(c, request("X-Forwarded-For: 10.0.0.2\r\n"), 1), "1002");
}

/// Each API without limits has the default for itself; one with limits has only its own.
TEST_F(GatewayLimits, TheAppsDefaultIsForEachApiWithoutItsOwn) {
  settings.default_limit = per_hour(gateway::limit_by::all, 2);
  auto second = api, own = api;
  second.operation = "com.shop.second";
  second.id = 2;
  own.operation = "com.shop.own";
  own.id = 3;
  own.limits = {per_hour(gateway::limit_by::all, 4)};
  add(second);
  add(own);
  auto c = connect();
  EXPECT_EQ(codes(c, request(), 3), "1000 1000 1002");
  EXPECT_EQ(codes(c, request("", "[{}]", "com.shop.second"), 3), "1000 1000 1002");
  EXPECT_EQ(codes(c, request("", "[{}]", "com.shop.own"), 5), "1000 1000 1000 1000 1002");
}

/// The lower of both wins, as a call must pass both.
TEST_F(GatewayLimits, TheAppsTotalHoldsBesideTheDefault) {
  settings.default_limit = per_hour(gateway::limit_by::all, 3);
  settings.total_limit = per_hour(gateway::limit_by::all, 4);
  auto second = api;
  second.operation = "com.shop.second";
  second.id = 2;
  add(second);
  auto c = connect();
  EXPECT_EQ(codes(c, request(), 3), "1000 1000 1000");
  EXPECT_EQ(codes(c, request("", "[{}]", "com.shop.second"), 2), "1000 1002");
}

// -- an app's switches ---------------------------------------------------------------------------

class GatewaySwitches : public GatewayLimits {};

TEST_F(GatewaySwitches, WithoutLimitsNoneHolds) {
  api.limits = {per_hour(gateway::limit_by::all, 1)};
  settings.total_limit = per_hour(gateway::limit_by::all, 1);
  settings.limit = false;
  auto c = connect();
  EXPECT_EQ(codes(c, request(), 4), "1000 1000 1000 1000");
  settings.limit = true;
  publish();
  EXPECT_EQ(codes(c, request(), 2), "1000 1002");
}

TEST_F(GatewaySwitches, WithoutMocksTheBackendAnswers) {
  api.mock.enabled = true;
  api.mock.data.text = R"({"resultStatus":1000,"tips":"","result":"mock"})";
  settings.mock = false;
  auto c = connect();
  EXPECT_EQ(c.ask(request()).body, R"({"n":1})");
  settings.mock = true;
  publish();
  EXPECT_EQ(c.ask(request()).body, "\"mock\"");
}

/// Encrypted calls are not understood, and plain ones of APIs that need encryption pass: the app
/// said so.
TEST_F(GatewaySwitches, WithoutEncryptionCallsArePlain) {
  settings.decryption_keys = {{2, mgw::test::ecc_private}};
  settings.encrypt = false;
  api.need_encrypt = true;
  auto session = mgw::cipher_session{};
  auto sealed = mgw::seal_request(mgw::test::ecc_public, 2, mgw::data_cipher::aes_256_gcm, "[{}]",
      {"com.shop.get", "shop", "test"}, session);
  ASSERT_TRUE(sealed);
  auto c = connect();
  EXPECT_EQ(code(c.ask(request("Crypt: ECC\r\n", *sealed))), "3003");
  EXPECT_EQ(code(c.ask(request())), "1000");
  settings.encrypt = true;
  publish();
  EXPECT_EQ(code(c.ask(request("Crypt: ECC\r\n", *sealed))), "1000");
  EXPECT_EQ(code(c.ask(request())), "3003");
}

} // namespace
} // namespace shoal::test
