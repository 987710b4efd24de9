// Encrypted calls from bytes to bytes: sealed by a client, read by a backend, answered sealed.
#include <set>

#include <gmock/gmock.h>

#include "actors/clock.hpp"
#include "actors/gateway/sample_call.hpp"
#include "protocol/mgw/envelope_cipher.hpp"
#include "tests/protocol/mgw/keys.hpp"
#include "tests/support/gateway_fixture.hpp"

namespace shoal::test {
namespace {

using mgw::data_cipher;

struct pair_of_keys {
  const char* name;
  const char* private_pem;
  const char* public_pem;
  std::uint8_t number;
};

constexpr pair_of_keys pairs[] = {
    {"RSA", mgw::test::rsa_private, mgw::test::rsa_public, 1},
    {"ECC", mgw::test::ecc_private, mgw::test::ecc_public, 2},
    {"SM2", mgw::test::sm2_private, mgw::test::sm2_public, 3},
};

constexpr mgw::cipher_context here{"com.shop.get", "shop", "test"};

class GatewayEncryption : public GatewayFixture {
protected:
  GatewayEncryption() {
    for (auto& x : pairs)
      settings.decryption_keys.push_back({x.number, x.private_pem});
    api.need_encrypt = true;
  }

  static std::string fields_of(const pair_of_keys& x) {
    return "Crypt: " + std::string{x.name} + "\r\n";
  }

  /// All that a caller can learn from an answer; when it came is no secret.
  static std::string told_by(const http_answer& x) {
    auto head = x.head;
    if (auto from = head.find("\r\nDate: "); from != std::string::npos)
      head.erase(from, head.find("\r\n", from + 2) - from);
    return head + x.body;
  }
};

TEST_F(GatewayEncryption, EveryWrapAndCipherCarriesACallAndItsAnswer) {
  auto c = connect();
  for (auto& x : pairs)
    for (auto cipher : {data_cipher::aes_256_gcm, data_cipher::sm4_ctr_hmac_sm3}) {
      auto session = mgw::cipher_session{};
      auto sealed = mgw::seal_request(
          x.public_pem, x.number, cipher, R"([{"_requestBody":{"secret":1}}])", here, session);
      ASSERT_TRUE(sealed) << x.name;
      auto got = c.ask(request(fields_of(x), *sealed));
      EXPECT_EQ(code(got), "1000") << x.name;
      EXPECT_EQ(backend.all_heard().back().body, R"({"secret":1})");
      EXPECT_EQ(got.body.find("\"n\""), std::string::npos) << "the answer is readable";
      EXPECT_EQ(mgw::open_response(session, got.body, here), R"({"n":1})") << x.name;
    }
}

/// The bytes that `shoalctl gateway api test` sends, and what it opens.
TEST_F(GatewayEncryption, AMadeUpCallIsAnsweredAndItsAnswerOpensWithTheKeyThatCameWithIt) {
  settings.sign = true;
  settings.secret = "what clients sign with";
  auto c = connect();
  auto made = gateway::make_test_call(*cell.load()->find("shop", "test"), api,
      R"([{"_requestBody":{"secret":1}}])", wall_clock_ms(), "n1");
  ASSERT_TRUE(made.sealing);
  auto fields = std::string{};
  for (auto& [name, value] : made.headers)
    fields.append(name).append(": ").append(value).append("\r\n");
  auto got = c.ask(made.method + " " + made.path + " HTTP/1.1\r\nHost: gw\r\n" + fields +
                   "Content-Length: " + std::to_string(made.body.size()) + "\r\n\r\n" + made.body);
  EXPECT_EQ(code(got), "1000");
  EXPECT_EQ(backend.all_heard().back().body, R"({"secret":1})");
  EXPECT_EQ(got.body.find("\"n\""), std::string::npos) << "the answer is readable";
  auto key = std::string_view{made.sealing->answer_key};
  EXPECT_EQ(mgw::open_response(key, got.body, here), R"({"n":1})");
}

/// Bytes flipped one after the other, keys that are not there, the wrong wrap, a plain call: the
/// caller learns nothing but 3003.
TEST_F(GatewayEncryption, AllFailuresAreOneAnswer) {
  auto c = connect();
  auto answers = std::set<std::string>{};
  auto try_out = [&](const pair_of_keys& x, const std::string& data) {
    auto got = c.ask(request(fields_of(x), data));
    EXPECT_EQ(code(got), "3003");
    answers.insert(told_by(got));
  };
  for (auto& x : pairs) {
    auto session = mgw::cipher_session{};
    auto sealed =
        mgw::seal_request(x.public_pem, x.number, data_cipher::aes_256_gcm, "[{}]", here, session);
    ASSERT_TRUE(sealed);
    auto step = std::max<std::size_t>(1, sealed->size() / 24);
    for (auto i = std::size_t{0}; i < sealed->size(); i += step) {
      auto broken = *sealed;
      broken[i] = static_cast<char>(broken[i] ^ 1);
      try_out(x, broken);
    }
    try_out(x, sealed->substr(0, sealed->size() / 2));
    auto elsewhere = mgw::seal_request(x.public_pem, x.number, data_cipher::aes_256_gcm, "[{}]",
        {"com.shop.other", "shop", "test"}, session);
    try_out(x, *elsewhere);
    auto unknown =
        mgw::seal_request(x.public_pem, 99, data_cipher::aes_256_gcm, "[{}]", here, session);
    try_out(x, *unknown);
  }
  answers.insert(told_by(c.ask(request())));
  EXPECT_EQ(answers.size(), 1u);
  EXPECT_EQ(backend.requests(), 0);
}

} // namespace
} // namespace shoal::test
