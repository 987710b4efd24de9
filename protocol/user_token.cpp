#include "protocol/user_token.hpp"

#include <memory>

#include <jwt.h>
#include <nlohmann/json.hpp>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "protocol/signing.hpp"

namespace shoal {

namespace {

using nlohmann::json;

constexpr std::size_t max_token = 8 * 1024;

json parse_object(std::string_view base64url_text) {
  std::string text;
  if (!unbase64url(base64url_text, text))
    return {};
  auto out = json::parse(text, nullptr, false);
  return out.is_object() ? out : json{};
}

bool text_is(const json& object, const char* field, std::string_view expected) {
  auto i = object.find(field);
  return i != object.end() && i->is_string() && i->get_ref<const std::string&>() == expected;
}

ec verify_own(const token_rules& rules, std::string_view user, std::string_view device,
    std::string_view token, std::int64_t now_ms) {
  auto dot = token.find('.');
  std::string signature;
  if (rules.secret.empty() || dot == std::string_view::npos ||
      !unhex(token.substr(dot + 1), signature))
    return ec::bad_token;
  auto payload = token.substr(0, dot);
  if (!equal_in_constant_time(signature, hmac_sha256(rules.secret, payload)))
    return ec::bad_token;
  auto claims = parse_object(payload);
  if (!text_is(claims, "user", user) ||
      (claims.contains("device") && !text_is(claims, "device", device)))
    return ec::bad_token;
  auto expires = claims.find("exp");
  if (expires == claims.end() || !expires->is_number_integer())
    return ec::bad_token;
  return expires->get<std::int64_t>() <= now_ms / 1000 ? ec::token_expired : ec::none;
}

// The library believes the token's own header about the algorithm. So the header is compared with
// the configuration before it sees the token, and its own reading once more afterwards.
bool signature_holds(const token_rules& rules, std::string_view token) {
  if (token.find_first_not_of(
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") !=
      std::string_view::npos)
    return false;
  auto pinned = rules.algorithm == "HS256"   ? JWT_ALG_HS256
                : rules.algorithm == "RS256" ? JWT_ALG_RS256
                : rules.algorithm == "ES256" ? JWT_ALG_ES256
                                             : JWT_ALG_NONE;
  const auto& key = pinned == JWT_ALG_HS256 ? rules.secret : rules.public_key;
  auto header = parse_object(token.substr(0, token.find('.')));
  if (pinned == JWT_ALG_NONE || key.empty() || !text_is(header, "alg", rules.algorithm) ||
      header.contains("crit"))
    return false;
  jwt_t* raw = nullptr;
  auto failed = jwt_decode(&raw, std::string{token}.c_str(),
      reinterpret_cast<const unsigned char*>(key.data()), static_cast<int>(key.size()));
  auto decoded = std::unique_ptr<jwt_t, void (*)(jwt_t*)>{raw, jwt_free};
  return failed == 0 && decoded && jwt_get_alg(decoded.get()) == pinned;
}

bool audience_holds(const json& claims, std::string_view expected) {
  auto i = claims.find("aud");
  if (i == claims.end())
    return false;
  if (!i->is_array())
    return text_is(claims, "aud", expected);
  for (const auto& x : *i)
    if (x.is_string() && x.get_ref<const std::string&>() == expected)
      return true;
  return false;
}

ec verify_jwt(
    const token_rules& rules, std::string_view user, std::string_view token, std::int64_t now_ms) {
  auto first = token.find('.');
  auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos ||
      !signature_holds(rules, token))
    return ec::bad_token;
  auto claims = parse_object(token.substr(first + 1, second - first - 1));
  if (!text_is(claims, "sub", user) ||
      (!rules.issuer.empty() && !text_is(claims, "iss", rules.issuer)) ||
      (!rules.audience.empty() && !audience_holds(claims, rules.audience)))
    return ec::bad_token;
  auto now_s = static_cast<double>(now_ms) / 1000;
  auto expires = claims.find("exp"), not_before = claims.find("nbf");
  if (expires == claims.end() || !expires->is_number())
    return ec::bad_token;
  if (not_before != claims.end() && (!not_before->is_number() || not_before->get<double>() > now_s))
    return ec::bad_token;
  return expires->get<double>() <= now_s ? ec::token_expired : ec::none;
}

} // namespace

ec verify_user_token(const token_rules& rules, std::string_view user, std::string_view device,
    std::string_view token, std::int64_t now_ms) {
  if (token.empty() || token.size() > max_token || user.empty())
    return ec::bad_token;
  return rules.how == token_rules::form::own ? verify_own(rules, user, device, token, now_ms)
                                             : verify_jwt(rules, user, token, now_ms);
}

std::string make_user_token(std::string_view secret, std::string_view user, std::string_view device,
    std::int64_t expires_s) {
  auto claims = json{{"user", user}, {"exp", expires_s}};
  if (!device.empty())
    claims["device"] = device;
  auto payload = base64url(claims.dump());
  return payload + "." + hex(hmac_sha256(secret, payload));
}

std::string problem_of_public_key(std::string_view algorithm, std::string_view pem) {
  auto bio = std::unique_ptr<BIO, void (*)(BIO*)>{
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free_all};
  auto key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>{
      bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr) : nullptr, EVP_PKEY_free};
  if (!key)
    return "public_key is not a PEM public key (\"-----BEGIN PUBLIC KEY-----\")";
  if (algorithm == "RS256")
    return EVP_PKEY_is_a(key.get(), "RSA") != 1  ? "public_key is not an RSA key, RS256 needs one"
           : EVP_PKEY_get_bits(key.get()) < 2048 ? "public_key has fewer than 2048 bits"
                                                 : "";
  char group[32] = "";
  EVP_PKEY_get_utf8_string_param(
      key.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, nullptr);
  return EVP_PKEY_is_a(key.get(), "EC") == 1 && std::string_view{group} == "prime256v1"
             ? ""
             : "public_key is not a key on the curve P-256, ES256 needs one";
}

} // namespace shoal
