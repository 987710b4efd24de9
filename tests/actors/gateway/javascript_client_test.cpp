// The JavaScript client against the gateway's own code: signatures, envelopes and Call frames that
// two implementations of one page must agree on; and a client that shoalctl generated on top of it.
// Needs Node.js and the built package.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>

#include <gtest/gtest.h>

#include "protocol/device.pb.h"
#include "tests/protocol/mgw/keys.hpp"
#include "tests/support/gateway_fixture.hpp"

namespace shoal::test {
namespace {

class javascript_client : public GatewayFixture {
protected:
  void SetUp() override {
    if (std::string_view{SHOAL_NODE_JS}.ends_with("NOTFOUND") ||
        !std::filesystem::exists(SHOAL_SDK_JS "/node/index.js"))
      GTEST_SKIP() << "Node.js, or the built package, is not here";
    who = std::make_shared<const tls::device_identity>(
        tls::device_identity{"shop@test", "d1", "u1", false});
    allowed_calls = 32;
    settings.sign = api.need_sign = true;
    settings.secret = "test-secret";
    settings.sign_types.push_back(mgw::sign_type::md5);
    settings.decryption_keys = {{3, mgw::test::ecc_private}};
    answer_with = [](const heard& x) {
      auto at = x.head.find("UserId: ");
      auto user =
          at == std::string::npos ? "" : x.head.substr(at + 8, x.head.find('\r', at) - at - 8);
      return scripted_backend::ok(
          "{\"user\":\"" + user + "\",\"data\":" + (x.body.empty() ? "null" : x.body) + "}");
    };
  }

  /// What the script says at its end.
  std::string run(const std::string& script, const std::string& more = {}) {
    connect(); // starts the endpoint
    ::setenv("SHOAL_TEST_KEY", mgw::test::ecc_public, 1);
    return said("timeout 60 '" SHOAL_NODE_JS "' '" SHOAL_SOURCE_DIR "/tests/actors/gateway/" +
                script + "' '" SHOAL_SDK_JS "' " + std::to_string(endpoint->port()) + " " + more);
  }

  static std::string said(const std::string& command) {
    auto* pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (!pipe)
      return "cannot be started";
    auto out = std::string{};
    auto piece = std::string(4096, '\0');
    while (auto n = std::fread(piece.data(), 1, piece.size(), pipe))
      out.append(piece, 0, n);
    ::pclose(pipe);
    return out;
  }
};

TEST_F(javascript_client, signs_encrypts_and_calls_as_the_gateway_understands) {
  EXPECT_EQ(run("javascript_client.mjs"), "all calls were understood\n");
}

TEST_F(javascript_client, carries_a_generated_clients_calls_one_by_one_and_as_a_batch) {
  if (!said("command -v tsc").ends_with("tsc\n"))
    GTEST_SKIP() << "tsc is not here";
  api.operation = "com.shop.order.create"; // of the two that the script calls
  auto mutex = std::mutex{};
  auto bodies = std::multiset<std::string>{};
  answer_with = [&](const heard& x) {
    auto lock = std::lock_guard{mutex};
    bodies.insert(x.body);
    return scripted_backend::ok(x.body);
  };
  auto dir = temp_dir{};
  auto folder = dir.path().string();
  ASSERT_EQ(said("tsc --strict --target es2020 --module commonjs --outDir " + folder +
                 " " SHOAL_SOURCE_DIR "/tests/tools/shoalctl/golden/shop.ts"),
      "");
  EXPECT_EQ(run("generated_client.mjs", folder + "/shop.js"), "all calls were understood\n");
  EXPECT_EQ(bodies.count(R"({"id":"alone"})"), 1u);
  EXPECT_EQ(bodies.count(R"({"id":"first"})"), 3u) << "each way of a batch carries it once";
}

} // namespace
} // namespace shoal::test
