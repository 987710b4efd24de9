#include <memory>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "protocol/signing.hpp"
#include "protocol/user_token.hpp"

namespace shoal {
namespace {

using nlohmann::json;
using key_ptr = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;

constexpr std::int64_t now_s = 1'760'000'000, now_ms = now_s * 1000;

std::string public_pem(EVP_PKEY* key) {
  auto bio = std::unique_ptr<BIO, void (*)(BIO*)>{BIO_new(BIO_s_mem()), BIO_free_all};
  PEM_write_bio_PUBKEY(bio.get(), key);
  char* data = nullptr;
  auto n = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(n)};
}

std::string sign(EVP_PKEY* key, std::string_view text) {
  auto ctx = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  auto n = std::size_t{0};
  EVP_DigestSignInit(ctx.get(), nullptr, EVP_sha256(), nullptr, key);
  EVP_DigestSign(
      ctx.get(), nullptr, &n, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::string out(n, '\0');
  EVP_DigestSign(ctx.get(), reinterpret_cast<unsigned char*>(out.data()), &n,
      reinterpret_cast<const unsigned char*>(text.data()), text.size());
  out.resize(n);
  return out;
}

// JWS wants the two numbers of an ECDSA signature side by side, OpenSSL makes DER.
std::string raw_ecdsa(const std::string& der) {
  auto p = reinterpret_cast<const unsigned char*>(der.data());
  auto sig = std::unique_ptr<ECDSA_SIG, void (*)(ECDSA_SIG*)>{
      d2i_ECDSA_SIG(nullptr, &p, static_cast<long>(der.size())), ECDSA_SIG_free};
  std::string out(64, '\0');
  BN_bn2binpad(ECDSA_SIG_get0_r(sig.get()), reinterpret_cast<unsigned char*>(out.data()), 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(sig.get()), reinterpret_cast<unsigned char*>(out.data()) + 32, 32);
  return out;
}

json claims_of(std::string_view user) {
  return {{"sub", user}, {"exp", now_s + 60}, {"iss", "https://id.example"}, {"aud", "shop"}};
}

std::string unsigned_part(std::string_view algorithm, const json& claims) {
  return base64url(json{{"alg", algorithm}, {"typ", "JWT"}}.dump()) + "." +
         base64url(claims.dump());
}

std::string hs256(
    std::string_view secret, const json& claims, std::string_view algorithm = "HS256") {
  auto text = unsigned_part(algorithm, claims);
  return text + "." + base64url(hmac_sha256(secret, text));
}

struct user_token : testing::Test {
  token_rules own_rules() {
    auto x = token_rules{};
    x.secret = "s3cret";
    return x;
  }
  token_rules jwt_rules(std::string algorithm) {
    auto x = token_rules{};
    x.how = token_rules::form::jwt;
    x.algorithm = std::move(algorithm);
    x.secret = "s3cret";
    x.issuer = "https://id.example";
    x.audience = "shop";
    return x;
  }
  ec check(const token_rules& rules, std::string_view token, std::string_view user = "u1",
      std::string_view device = "d1") {
    return verify_user_token(rules, user, device, token, now_ms);
  }
  key_ptr rsa{EVP_RSA_gen(2048), EVP_PKEY_free};
  key_ptr ec256{EVP_EC_gen("P-256"), EVP_PKEY_free};
};

TEST_F(user_token, own_token_has_the_specified_bytes) {
  EXPECT_EQ(make_user_token("s3cret", "u1", "", 1760000000),
      "eyJleHAiOjE3NjAwMDAwMDAsInVzZXIiOiJ1MSJ9."
      "e10b509ccbbbb0f52c1bebc48f4c02841c3094f6b86576c49a75df00edbf0650");
}

TEST_F(user_token, own_token_speaks_for_its_user_until_it_expires) {
  auto token = make_user_token("s3cret", "u1", "", now_s + 1);
  EXPECT_EQ(check(own_rules(), token), ec::none);
  EXPECT_EQ(check(own_rules(), token, "u2"), ec::bad_token);
  EXPECT_EQ(verify_user_token(own_rules(), "u1", "d1", token, now_ms + 1000), ec::token_expired);
}

TEST_F(user_token, own_token_for_one_device_works_on_that_device_only) {
  auto token = make_user_token("s3cret", "u1", "d1", now_s + 1);
  EXPECT_EQ(check(own_rules(), token, "u1", "d1"), ec::none);
  EXPECT_EQ(check(own_rules(), token, "u1", "d2"), ec::bad_token);
}

TEST_F(user_token, own_token_is_refused_when_forged_or_malformed) {
  auto token = make_user_token("s3cret", "u1", "", now_s + 60);
  auto signed_text = [](const std::string& text) {
    auto payload = base64url(text);
    return payload + "." + hex(hmac_sha256("s3cret", payload));
  };
  auto dot = token.find('.');
  for (const auto& bad : {
           make_user_token("other", "u1", "", now_s + 60),
           std::string{},
           std::string{"."},
           token.substr(0, dot),
           token.substr(0, dot + 1),
           token.substr(0, token.size() - 2),
           token + "00",
           token.substr(1),
           signed_text("[]"),
           signed_text("not json"),
           signed_text(R"({"user":"u1"})"),
           signed_text(R"({"user":"u1","exp":"1860000000"})"),
           signed_text(R"({"user":["u1"],"exp":1860000000})"),
           signed_text(R"({"user":"u1","exp":1860000000,"device":7})"),
           signed_text(R"({"exp":1860000000})"),
       })
    EXPECT_EQ(check(own_rules(), bad), ec::bad_token) << bad;
  auto no_secret = token_rules{};
  EXPECT_EQ(check(no_secret, make_user_token("", "u1", "", now_s + 60)), ec::bad_token);
}

TEST_F(user_token, tokens_above_8_kib_are_refused_unread) {
  auto claims = claims_of("u1");
  claims["pad"] = std::string(9'000, 'x');
  EXPECT_EQ(check(jwt_rules("HS256"), hs256("s3cret", claims)), ec::bad_token);
  claims["pad"] = std::string(4'000, 'x');
  EXPECT_EQ(check(jwt_rules("HS256"), hs256("s3cret", claims)), ec::none);
}

TEST_F(user_token, jwt_hs256_is_checked_against_all_configured_claims) {
  auto rules = jwt_rules("HS256");
  EXPECT_EQ(check(rules, hs256("s3cret", claims_of("u1"))), ec::none);
  EXPECT_EQ(check(rules, hs256("other", claims_of("u1"))), ec::bad_token);
  EXPECT_EQ(check(rules, hs256("s3cret", claims_of("u2"))), ec::bad_token);
  auto with = [&](const char* name, const json& value) {
    auto claims = claims_of("u1");
    if (value.is_discarded())
      claims.erase(name);
    else
      claims[name] = value;
    return check(rules, hs256("s3cret", claims));
  };
  auto absent = json(json::value_t::discarded);
  EXPECT_EQ(with("exp", now_s), ec::token_expired);
  EXPECT_EQ(with("exp", static_cast<double>(now_s) + 0.5), ec::none);
  EXPECT_EQ(with("exp", std::to_string(now_s + 60)), ec::bad_token);
  EXPECT_EQ(with("exp", absent), ec::bad_token);
  EXPECT_EQ(with("nbf", now_s), ec::none);
  EXPECT_EQ(with("nbf", now_s + 1), ec::bad_token);
  EXPECT_EQ(with("iss", "https://evil.example"), ec::bad_token);
  EXPECT_EQ(with("iss", absent), ec::bad_token);
  EXPECT_EQ(with("aud", "other"), ec::bad_token);
  EXPECT_EQ(with("aud", absent), ec::bad_token);
  EXPECT_EQ(with("aud", json{"other", "shop"}), ec::none);
  EXPECT_EQ(with("aud", json{"other", 7}), ec::bad_token);
  EXPECT_EQ(with("sub", absent), ec::bad_token);
}

TEST_F(user_token, jwt_without_configured_issuer_and_audience_does_not_look_at_them) {
  auto rules = jwt_rules("HS256");
  rules.issuer = rules.audience = "";
  EXPECT_EQ(check(rules, hs256("s3cret", {{"sub", "u1"}, {"exp", now_s + 60}})), ec::none);
}

TEST_F(user_token, jwt_rs256_and_es256_verify_with_the_public_key) {
  auto rules = jwt_rules("RS256");
  rules.public_key = public_pem(rsa.get());
  auto text = unsigned_part("RS256", claims_of("u1"));
  auto signature = sign(rsa.get(), text);
  EXPECT_EQ(check(rules, text + "." + base64url(signature)), ec::none);
  signature[10] ^= 1;
  EXPECT_EQ(check(rules, text + "." + base64url(signature)), ec::bad_token);

  rules = jwt_rules("ES256");
  rules.public_key = public_pem(ec256.get());
  text = unsigned_part("ES256", claims_of("u1"));
  signature = raw_ecdsa(sign(ec256.get(), text));
  EXPECT_EQ(check(rules, text + "." + base64url(signature)), ec::none);
  signature[10] ^= 1;
  EXPECT_EQ(check(rules, text + "." + base64url(signature)), ec::bad_token);
  EXPECT_EQ(check(rules, text + "." + base64url(std::string(64, '\0'))), ec::bad_token);
  EXPECT_EQ(check(rules, text + "."), ec::bad_token);
}

TEST_F(user_token, jwt_signed_with_the_public_key_as_a_secret_is_refused) {
  auto rules = jwt_rules("RS256");
  rules.secret.clear();
  rules.public_key = public_pem(rsa.get());
  EXPECT_EQ(check(rules, hs256(rules.public_key, claims_of("u1"))), ec::bad_token);
  EXPECT_EQ(check(rules, hs256(rules.public_key, claims_of("u1"), "RS256")), ec::bad_token);
  rules.algorithm = "ES256";
  rules.public_key = public_pem(ec256.get());
  EXPECT_EQ(check(rules, hs256(rules.public_key, claims_of("u1"))), ec::bad_token);
}

TEST_F(user_token, jwt_of_another_algorithm_than_configured_is_refused) {
  auto rules = jwt_rules("HS256");
  rules.public_key = public_pem(rsa.get());
  auto text = unsigned_part("RS256", claims_of("u1"));
  EXPECT_EQ(check(rules, text + "." + base64url(sign(rsa.get(), text))), ec::bad_token);
  for (auto algorithm : {"none", "None", "NONE", "", "hs256", "HS384", "HS512", "RS256"})
    EXPECT_EQ(check(rules, hs256("s3cret", claims_of("u1"), algorithm)), ec::bad_token)
        << algorithm;
  for (auto algorithm : {"none", "HS256"}) {
    EXPECT_EQ(check(rules, unsigned_part(algorithm, claims_of("u1")) + "."), ec::bad_token);
    EXPECT_EQ(check(rules, unsigned_part(algorithm, claims_of("u1"))), ec::bad_token);
  }
  rules.algorithm = "none";
  EXPECT_EQ(check(rules, unsigned_part("none", claims_of("u1")) + "."), ec::bad_token);
}

TEST_F(user_token, jwt_with_two_algorithms_in_its_header_is_refused) {
  auto rules = jwt_rules("HS256");
  auto text =
      base64url(R"({"alg":"HS256","alg":"none"})") + "." + base64url(claims_of("u1").dump());
  EXPECT_EQ(check(rules, text + "." + base64url(hmac_sha256("s3cret", text))), ec::bad_token);
}

TEST_F(user_token, jwt_that_demands_extensions_is_refused) {
  auto text = base64url(R"({"alg":"HS256","crit":["b64"],"b64":false})") + "." +
              base64url(claims_of("u1").dump());
  EXPECT_EQ(check(jwt_rules("HS256"), text + "." + base64url(hmac_sha256("s3cret", text))),
      ec::bad_token);
}

TEST_F(user_token, jwt_noise_is_refused) {
  auto good = hs256("s3cret", claims_of("u1"));
  for (const auto& bad :
      {std::string{"..."}, std::string{".."}, std::string{"a.b.c"}, good + ".x", good + "\n",
          std::string{good}.insert(3, " "), std::string("\0..", 3), std::string(8'000, '.')})
    EXPECT_EQ(check(jwt_rules("HS256"), bad), ec::bad_token) << bad;
}

TEST_F(user_token, public_keys_have_to_fit_the_algorithm) {
  auto p384 = key_ptr{EVP_EC_gen("P-384"), EVP_PKEY_free};
  auto small = key_ptr{EVP_RSA_gen(1024), EVP_PKEY_free};
  EXPECT_EQ(problem_of_public_key("RS256", public_pem(rsa.get())), "");
  EXPECT_EQ(problem_of_public_key("ES256", public_pem(ec256.get())), "");
  EXPECT_NE(problem_of_public_key("RS256", public_pem(ec256.get())), "");
  EXPECT_NE(problem_of_public_key("RS256", public_pem(small.get())), "");
  EXPECT_NE(problem_of_public_key("ES256", public_pem(rsa.get())), "");
  EXPECT_NE(problem_of_public_key("ES256", public_pem(p384.get())), "");
  EXPECT_NE(problem_of_public_key("ES256", "no key"), "");
  EXPECT_NE(problem_of_public_key("ES256", ""), "");
}

} // namespace
} // namespace shoal
