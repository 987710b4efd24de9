#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "protocol/mgw/signature.hpp"
#include "protocol/signing.hpp"
#include "tests/protocol/mgw/keys.hpp"

namespace shoal::mgw {
namespace {

constexpr auto now = std::int64_t{1'760'000'000'000};
constexpr auto minute = std::int64_t{60'000};
constexpr auto secret = "test-secret";

call a_call() {
  auto x = call{};
  x.operation = "com.example.get";
  x.app = "A1";
  x.workspace = "default";
  x.data = "[{\"a\":\"\u4e2d\"}]";
  x.ts = std::to_string(now);
  return x;
}

call signed_call(sign_type how = sign_type::hmac_sha256) {
  auto x = a_call();
  x.sign_type = to_string(how);
  x.sign = sign_call(x, how, secret);
  return x;
}

app_keys keys_with(std::string text, std::string_view rsa = {}) {
  auto out = app_keys{};
  EXPECT_EQ(out.set(std::move(text), rsa), "");
  return out;
}

result check(const call& x, const signature_rules& rules = {}, std::int64_t at = now,
    nonce_cache* used = nullptr) {
  auto flaw = check_signature(x, keys_with(secret, test::rsa_public), rules, at, used);
  return flaw ? flaw->code : result::success;
}

// The expected values come from another implementation (Node.js crypto).
TEST(call_string, is_this_text) {
  EXPECT_EQ(call_string(a_call()), "Operation-Type=com.example.get&Request-Data="
                                   "W3siYSI6IuS4rSJ9XQ==&Ts=1760000000000");
  auto x = a_call();
  x.nonce = "n1";
  EXPECT_TRUE(call_string(x).ends_with("&Ts=1760000000000&Nonce=n1"));
}

TEST(call_string, encodes_large_data_as_one_text) {
  auto x = a_call();
  for (auto size : {3071u, 3072u, 3073u, 10'000u}) {
    x.data = std::string(size, 'x');
    EXPECT_EQ(call_string(x),
        "Operation-Type=com.example.get&Request-Data=" + base64(x.data) + "&Ts=1760000000000");
  }
}

TEST(sign_call, has_the_documented_values) {
  EXPECT_EQ(sign_call(a_call(), sign_type::md5, secret), "c8fa738582b982cb14ae322199b5d9b7");
  EXPECT_EQ(sign_call(a_call(), sign_type::hmac_sha256, secret),
      "548e0d8a684a17a0e36d2a3545fe546ed60ecc0dd9155ec59f85fcf0eecadc99");
  EXPECT_EQ(sign_call(a_call(), sign_type::sm3, secret),
      "220f47f948a75f71d002dc641a4fbd23fbd19adbac91f2219f411785d2749a70");
  auto x = a_call();
  x.nonce = "n1";
  EXPECT_EQ(sign_call(x, sign_type::hmac_sha256, secret),
      "0c797a031de6e2620b079a37a0afe1f5c88cbbf3f6b36a42213761ad7432e676");
}

TEST(check_signature, takes_every_kind) {
  for (auto how : {sign_type::md5, sign_type::hmac_sha256, sign_type::sm3}) {
    auto x = signed_call(how);
    EXPECT_EQ(check(x), result::success) << x.sign_type;
    for (auto& c : x.sign)
      c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(check(x), result::success) << "in capitals";
  }
  auto x = a_call();
  x.sign_type = "RSASHA256";
  x.sign = test::rsa_signature;
  EXPECT_EQ(check(x), result::success);
  EXPECT_EQ(sign_call_rsa(x, test::rsa_private), test::rsa_signature);
}

TEST(check_signature, refuses_a_change_of_anything_that_is_signed) {
  for (auto how : {sign_type::md5, sign_type::hmac_sha256, sign_type::rsa_sha256, sign_type::sm3}) {
    auto original = a_call();
    original.sign_type = to_string(how);
    original.sign = how == sign_type::rsa_sha256 ? sign_call_rsa(original, test::rsa_private)
                                                 : sign_call(original, how, secret);
    auto x = original;
    x.operation += "x";
    EXPECT_EQ(check(x), result::signature_mismatch);
    x = original;
    x.data += " ";
    EXPECT_EQ(check(x), result::signature_mismatch);
    x = original;
    x.ts.back() = '1';
    EXPECT_EQ(check(x), result::signature_mismatch);
    x = original;
    x.nonce = "n";
    EXPECT_EQ(check(x), result::signature_mismatch);
    x = original;
    x.sign.front() = x.sign.front() == '0' ? '1' : '0';
    EXPECT_EQ(check(x), result::signature_mismatch);
    x = original;
    x.sign.pop_back();
    EXPECT_EQ(check(x), result::signature_mismatch);
    x = original;
    x.sign.back() = '*';
    EXPECT_EQ(check(x), result::signature_mismatch);
  }
}

TEST(check_signature, refuses_another_secret) {
  auto flaw = check_signature(signed_call(), keys_with("other"), {}, now, nullptr);
  EXPECT_EQ(flaw, (failure{result::signature_mismatch, ""}));
}

TEST(check_signature, tells_what_is_missing) {
  auto x = signed_call();
  x.sign.clear();
  EXPECT_EQ(check(x), result::signature_missing);
  x = signed_call();
  x.ts.clear();
  EXPECT_EQ(check(x), result::timestamp_missing);
  x = signed_call();
  x.sign_type.clear();
  EXPECT_EQ(check(x), result::signature_incomplete);
  x.sign_type = "SHA1";
  EXPECT_EQ(check(x), result::signature_incomplete);
}

TEST(check_signature, wants_a_key_of_the_kind_that_was_used) {
  auto none = check_signature(signed_call(), app_keys{}, {}, now, nullptr);
  EXPECT_EQ(none->code, result::key_missing);
  auto only_rsa = keys_with("", test::rsa_public);
  EXPECT_EQ(check_signature(signed_call(), only_rsa, {}, now, nullptr)->code, result::key_missing);
  auto x = a_call();
  x.sign_type = "RSASHA256";
  x.sign = test::rsa_signature;
  EXPECT_EQ(check_signature(x, keys_with(secret), {}, now, nullptr)->code, result::key_missing);
  EXPECT_EQ(check_signature(x, only_rsa, {}, now, nullptr), std::nullopt);
}

TEST(check_signature, takes_only_the_kinds_that_are_allowed) {
  auto strong = signature_rules{.allowed = 1u << unsigned(sign_type::hmac_sha256)};
  EXPECT_EQ(check(signed_call(), strong), result::success);
  EXPECT_EQ(check(signed_call(sign_type::md5), strong), result::signature_incomplete);
}

TEST(check_signature, keeps_to_the_window_on_both_sides) {
  auto rules = signature_rules{.window_ms = minute};
  EXPECT_EQ(check(signed_call(), rules, now + minute), result::success);
  EXPECT_EQ(check(signed_call(), rules, now - minute), result::success);
  EXPECT_EQ(check(signed_call(), rules, now + minute + 1), result::timestamp_outside_window);
  EXPECT_EQ(check(signed_call(), rules, now - minute - 1), result::timestamp_outside_window);
}

TEST(check_signature, takes_a_nonce_once) {
  auto used = nonce_cache{now - 10 * minute, 5 * minute};
  auto rules = signature_rules{.needs_nonce = true};
  auto x = a_call();
  EXPECT_EQ(check(signed_call(), rules, now, &used), result::signature_incomplete);
  x.sign_type = "HMACSHA256";
  x.nonce = "n1";
  x.sign = sign_call(x, sign_type::hmac_sha256, "wrong");
  EXPECT_EQ(check(x, rules, now, &used), result::signature_mismatch);
  EXPECT_EQ(used.size(), 0u) << "strangers fill no memory";
  x.sign = sign_call(x, sign_type::hmac_sha256, secret);
  EXPECT_EQ(check(x, rules, now, &used), result::success);
  EXPECT_EQ(check(x, rules, now, &used), result::signature_mismatch);
  EXPECT_EQ(check(x, {}, now, &used), result::success) << "where nonces are not asked for";
  x.workspace = "other";
  EXPECT_EQ(check(x, rules, now, &used), result::success) << "another world";
}

TEST(check_signature, refuses_what_was_signed_before_the_start) {
  auto used = nonce_cache{now + 1, 5 * minute};
  auto x = a_call();
  x.sign_type = "MD5";
  x.nonce = "n1";
  x.sign = sign_call(x, sign_type::md5, secret);
  EXPECT_EQ(check(x, {.needs_nonce = true}, now + 2, &used), result::timestamp_outside_window);
}

TEST(check_signature, refuses_rather_than_forgets_nonces) {
  auto used = nonce_cache{now - minute, 5 * minute, 1};
  auto rules = signature_rules{.needs_nonce = true};
  auto x = a_call();
  x.sign_type = "MD5";
  for (auto expected : {result::success, result::limit_exceeded}) {
    x.nonce += "n";
    x.sign = sign_call(x, sign_type::md5, secret);
    EXPECT_EQ(check(x, rules, now, &used), expected);
  }
}

TEST(app_keys, takes_only_rsa_keys_worth_the_name) {
  auto x = app_keys{};
  EXPECT_NE(x.set("s", test::ecc_public), "");
  EXPECT_NE(x.set("s", test::rsa_private), "");
  EXPECT_NE(x.set("s", "no key"), "");
  EXPECT_FALSE(x.has_secret()) << "nothing changes";
  EXPECT_EQ(x.set("s", ""), "");
  EXPECT_TRUE(x.has_secret());
  EXPECT_FALSE(x.has_rsa());
  EXPECT_EQ(sign_call_rsa(a_call(), test::ecc_private), "");
}

TEST(sign_type, is_known_by_its_name) {
  for (auto how : {sign_type::md5, sign_type::hmac_sha256, sign_type::rsa_sha256, sign_type::sm3})
    EXPECT_EQ(sign_type_of(to_string(how)), how);
  EXPECT_EQ(sign_type_of("hmacsha256"), sign_type::hmac_sha256);
  EXPECT_EQ(sign_type_of(""), std::nullopt);
}

// -- to backends ----------------------------------------------------------------------------------

TEST(backend_string, is_the_documented_example) {
  auto form = "application/x-www-form-urlencoded";
  EXPECT_EQ(backend_string({"post", "/test/testSign", "c=3&a=1", form, "b=2&d=4"}),
      "POST\n\n/test/testSign?a=1&b=2&c=3&d=4");
  EXPECT_EQ(backend_string({"GET", "/test/testSign", "c=3&a=1", "", std::nullopt}),
      "GET\n\n/test/testSign?a=1&c=3");
}

TEST(backend_string, covers_the_body_of_post_and_put) {
  EXPECT_EQ(backend_string({"POST", "/p", "", "application/json", "{\"a\":1}"}),
      "POST\nu2y1xo30ZSlByvZSo2by2A==\n/p");
  EXPECT_EQ(backend_string({"PUT", "/p", "", "application/json", std::nullopt}),
      "PUT\nN6YlnMDB2uKZp4Zkid/wvQ==\n/p")
      << "no body is the text null";
  EXPECT_EQ(backend_string({"POST", "/p", "", "application/json", ""}),
      "POST\n1B2M2Y8AsgTpgAmY7PhCfg==\n/p");
  EXPECT_EQ(backend_string({"DELETE", "/p", "", "application/json", "{}"}), "DELETE\n\n/p");
}

TEST(backend_string, takes_the_first_of_equal_names_decoded) {
  auto form = "application/x-www-form-urlencoded; charset=UTF-8";
  EXPECT_EQ(backend_string({"PUT", "/p", "b=%E4%B8%AD&a&&b=2", form, "b=3&c=x+y&d=%zz"}),
      "PUT\n\n/p?a=&b=\u4e2d&c=x y&d=%zz");
}

TEST(backend_signer, has_the_documented_values) {
  auto x = backend_request{"POST", "/test/testSign", "c=3&a=1", "application/json", "{\"a\":1}"};
  auto md5 = backend_signer::make(backend_algorithm::md5, "k1", "salt");
  auto sm3 = backend_signer::make(backend_algorithm::sm3, "k2", "salt");
  ASSERT_TRUE(md5 && sm3);
  EXPECT_EQ(md5->sign(x), "c90c07d02b22f559d6fd4df6a3793463");
  EXPECT_EQ(sm3->sign(x), "46b406868cdaad8e471469b7d793a450fd608633ffa8e739b523670bf1129c2f");
  EXPECT_EQ(sm3->key_id(), "k2");
}

bool verifies(const char* pem, const char* hash, std::string_view text, std::string_view sign) {
  auto* in = BIO_new_mem_buf(pem, -1);
  auto* key = PEM_read_bio_PUBKEY(in, nullptr, nullptr, nullptr);
  auto* context = EVP_MD_CTX_new();
  auto bytes = std::string{};
  auto good =
      unbase64(sign, bytes) &&
      EVP_DigestVerifyInit_ex(context, nullptr, hash, nullptr, nullptr, key, nullptr) == 1 &&
      EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(in);
  return good;
}

TEST(backend_signer, signs_so_that_the_public_key_agrees) {
  auto x = backend_request{"GET", "/p", "a=1", "", std::nullopt};
  auto rsa = backend_signer::make(backend_algorithm::rsa, "k", test::rsa_private);
  auto sm2 = backend_signer::make(backend_algorithm::sm2, "k", test::sm2_private);
  ASSERT_TRUE(rsa && sm2);
  EXPECT_TRUE(verifies(test::rsa_public, "SHA256", backend_string(x), rsa->sign(x)));
  EXPECT_TRUE(verifies(test::sm2_public, "SM3", backend_string(x), sm2->sign(x)));
  EXPECT_FALSE(verifies(test::sm2_public, "SM3", "other", sm2->sign(x)));
}

TEST(backend_signer, refuses_keys_that_do_not_fit) {
  EXPECT_FALSE(backend_signer::make(backend_algorithm::md5, "k", ""));
  EXPECT_FALSE(backend_signer::make(backend_algorithm::rsa, "k", test::sm2_private));
  EXPECT_FALSE(backend_signer::make(backend_algorithm::sm2, "k", test::ecc_private));
  EXPECT_FALSE(backend_signer::make(backend_algorithm::sm2, "k", "no key"));
}

} // namespace
} // namespace shoal::mgw
