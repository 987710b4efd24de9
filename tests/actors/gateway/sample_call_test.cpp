// Calls that are made up to try an API out: signed and sealed as the gateway wants them.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "actors/gateway/sample_call.hpp"
#include "protocol/mgw/signature.hpp"
#include "tests/protocol/mgw/keys.hpp"

namespace shoal::gateway {
namespace {

constexpr std::int64_t now_ms = 1'760'000'000'000;
constexpr auto data = R"([{"_requestBody":{"n":1}}])";

class SampleCall : public testing::Test {
protected:
  SampleCall() {
    settings.enabled = true;
    settings.secret = "what clients sign with";
    api.operation = "a.b";
    api.status = api_status::online;
    api.need_encrypt = true;
  }

  test_call made() {
    auto name = world_name{app_no{7}, "shop@test"};
    all = registry{}.with(name, make_live(settings));
    return make_test_call(*all.find("shop", "test"), api, data, now_ms, "n1");
  }

  /// As the gateway reads it.
  mgw::call arrived(const test_call& x) {
    auto from = http::request{};
    from.method = x.method;
    from.path = x.path;
    for (auto& [field, value] : x.headers)
      from.headers.emplace_back(field, value);
    from.body = x.body;
    auto out = mgw::call{};
    auto flaw = mgw::read_call(from, {}, out);
    EXPECT_FALSE(flaw) << flaw->memo;
    return out;
  }

  const live_settings& live() const { return all.find("shop", "test")->settings(); }

  registry all;
  app_settings settings;
  api_definition api;
};

TEST_F(SampleCall, TheGatewayOpensWhatWasSealedWithEachKindOfKey) {
  for (auto pem : {mgw::test::rsa_private, mgw::test::ecc_private, mgw::test::sm2_private}) {
    settings.decryption_keys = {{9, pem}};
    auto x = made();
    EXPECT_EQ(x.warning, "");
    ASSERT_TRUE(x.sealing);
    EXPECT_EQ(x.sealing->key_number, 9u);
    auto call = arrived(x);
    EXPECT_FALSE(check_signature(call, live().keys, live().rules, now_ms, nullptr))
        << "what is sent is what is signed";
    auto session = mgw::cipher_session{};
    EXPECT_FALSE(mgw::open_call(call, live().decryption, session)) << x.sealing->wrap;
    EXPECT_EQ(call.data, data);
    auto where = mgw::cipher_context{"a.b", "shop", "test"};
    auto answer = mgw::seal_response(session, "{}", where);
    EXPECT_EQ(mgw::open_response(std::string_view{x.sealing->answer_key}, answer, where), "{}");
  }
}

TEST_F(SampleCall, NamesInThePathAreMadeUp) {
  made();
  api.path = "/shops/{shop}/orders/{id}";
  api.params = {{"shop", "int", param_place::path, true, {"7"}, ""}};
  EXPECT_EQ(sample_request(*all.find("shop", "test"), api),
      nlohmann::json::parse(R"([{"shop":7,"id":"text"}])"));
}

TEST_F(SampleCall, ThePublicKeyIsTheOneThatClientsSealFor) {
  settings.decryption_keys = {{9, mgw::test::ecc_private}};
  auto x = made();
  auto session = mgw::cipher_session{};
  auto where = mgw::cipher_context{"a.b", "shop", "test"};
  auto sealed = mgw::seal_request(
      x.sealing->public_pem, 9, mgw::data_cipher::aes_256_gcm, "[2]", where, session);
  ASSERT_TRUE(sealed);
  auto opened = mgw::open_request(live().decryption, mgw::key_wrap::ecc, *sealed, where, session);
  EXPECT_EQ(opened, "[2]");
  EXPECT_EQ(x.sealing->public_pem.find("PRIVATE"), std::string::npos);
}

TEST_F(SampleCall, IsPlainWhereTheApiDoesNotWantEncryption) {
  settings.decryption_keys = {{9, mgw::test::ecc_private}};
  api.need_encrypt = false;
  EXPECT_FALSE(made().sealing);
  EXPECT_EQ(made().body, data);
  api.need_encrypt = true;
  settings.encrypt = false;
  EXPECT_FALSE(made().sealing);
  EXPECT_FALSE(made().headers.contains("Crypt"));
}

TEST_F(SampleCall, SaysWhatIsMissing) {
  EXPECT_EQ(made().warning, "the app has no key to decrypt with");
  api.need_encrypt = false;
  settings.secret = "";
  EXPECT_EQ(made().warning, "the app has no secret to sign with");
  api.status = api_status::offline;
  EXPECT_EQ(made().warning, "the API is offline");
}

} // namespace
} // namespace shoal::gateway
