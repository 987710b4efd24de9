#include "protocol/mgw/signature.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "protocol/mgw/evp.hpp"
#include "protocol/percent.hpp"
#include "protocol/signing.hpp"

namespace shoal::mgw {
namespace {

constexpr std::string_view form_type = "application/x-www-form-urlencoded";
constexpr std::size_t max_digest = 32;

struct digest {
  std::array<unsigned char, max_digest> bytes{};
  std::size_t size = 0;

  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), size}; }
};

/// Fetching an algorithm costs more than hashing a short text, so a thread fetches once.
class hasher {
public:
  explicit hasher(const char* name)
      : md_{EVP_MD_fetch(nullptr, name, nullptr)}, context_{EVP_MD_CTX_new()} {
    must(md_ && context_, name);
  }

  void begin() { must(EVP_DigestInit_ex2(context_.get(), md_.get(), nullptr) == 1, "hash"); }
  void add(std::string_view text) {
    must(EVP_DigestUpdate(context_.get(), text.data(), text.size()) == 1, "hash");
  }
  digest end() {
    auto out = digest{};
    auto size = 0u;
    must(EVP_DigestFinal_ex(context_.get(), out.bytes.data(), &size) == 1, "hash");
    out.size = size;
    return out;
  }

private:
  evp_ptr<EVP_MD> md_;
  evp_ptr<EVP_MD_CTX> context_;
};

class mac {
public:
  explicit mac(std::string hash) {
    auto hmac = evp_ptr<EVP_MAC>{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
    context_.reset(EVP_MAC_CTX_new(hmac.get()));
    OSSL_PARAM settings[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash.data(), 0),
        OSSL_PARAM_construct_end()};
    must(context_ && EVP_MAC_CTX_set_params(context_.get(), settings) == 1, "HMAC");
  }

  void begin(std::string_view key) {
    must(EVP_MAC_init(context_.get(), bytes_of(key), key.size(), nullptr) == 1, "HMAC");
  }
  void add(std::string_view text) {
    must(EVP_MAC_update(context_.get(), bytes_of(text), text.size()) == 1, "HMAC");
  }
  digest end() {
    auto out = digest{};
    must(EVP_MAC_final(context_.get(), out.bytes.data(), &out.size, max_digest) == 1, "HMAC");
    return out;
  }

private:
  evp_ptr<EVP_MAC_CTX> context_;
};

hasher& md5() {
  thread_local auto x = hasher{"MD5"};
  return x;
}

hasher& sm3() {
  thread_local auto x = hasher{"SM3"};
  return x;
}

mac& hmac_sha256_here() {
  thread_local auto x = mac{"SHA256"};
  return x;
}

mac& hmac_sm3() {
  thread_local auto x = mac{"SM3"};
  return x;
}

/// The signed text in pieces, so that nobody needs a copy of the data in base64.
template <class Add>
void say(const call& x, Add add) {
  constexpr std::size_t piece = 3u << 10;
  auto text = std::array<unsigned char, piece / 3 * 4 + 1>{};
  add("Operation-Type=");
  add(x.operation);
  add("&Request-Data=");
  for (auto rest = std::string_view{x.data}; !rest.empty();) {
    auto now = rest.substr(0, piece);
    rest.remove_prefix(now.size());
    auto size = EVP_EncodeBlock(text.data(), bytes_of(now), static_cast<int>(now.size()));
    add({reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)});
  }
  add("&Ts=");
  add(x.ts);
  if (!x.nonce.empty()) {
    add("&Nonce=");
    add(x.nonce);
  }
}

digest digest_of(const call& x, sign_type how, std::string_view secret) {
  if (how == sign_type::md5) {
    auto& hash = md5();
    hash.begin();
    say(x, [&](std::string_view text) { hash.add(text); });
    hash.add(secret);
    return hash.end();
  }
  auto& keyed = how == sign_type::sm3 ? hmac_sm3() : hmac_sha256_here();
  keyed.begin(secret);
  say(x, [&](std::string_view text) { keyed.add(text); });
  return keyed.end();
}

/// Signatures are public; only the comparison must not tell how much of a guess is right.
bool is_hex_of(std::string_view text, const digest& expected) {
  if (text.size() != 2 * expected.size)
    return false;
  auto nibble = [](char c) {
    auto lower = static_cast<char>(c | 0x20);
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  auto got = digest{};
  got.size = expected.size;
  for (auto i = std::size_t{0}; i < got.size; ++i) {
    auto high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    got.bytes[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return CRYPTO_memcmp(got.bytes.data(), expected.bytes.data(), got.size) == 0;
}

EVP_MD_CTX* verifying_context() {
  thread_local auto x = evp_ptr<EVP_MD_CTX>{EVP_MD_CTX_new()};
  must(x != nullptr, "EVP_MD_CTX_new");
  EVP_MD_CTX_reset(x.get());
  return x.get();
}

bool is_rsa_of(const call& x, EVP_PKEY* key) {
  auto signature = std::string{};
  if (!unbase64(x.sign, signature))
    return false;
  auto* context = verifying_context();
  must(EVP_DigestVerifyInit_ex(context, nullptr, "SHA256", nullptr, nullptr, key, nullptr) == 1,
      "EVP_DigestVerifyInit");
  say(x, [&](std::string_view text) {
    must(EVP_DigestVerifyUpdate(context, text.data(), text.size()) == 1, "EVP_DigestVerify");
  });
  auto good = EVP_DigestVerifyFinal(context, bytes_of(signature), signature.size()) == 1;
  ERR_clear_error();
  return good;
}

/// Signs with a private key: PKCS #1 v1.5 for RSA; for SM2 the standard's default identity.
std::string asymmetric(EVP_PKEY* key, const char* hash, std::string_view text) {
  auto* context = verifying_context();
  auto* key_context = static_cast<EVP_PKEY_CTX*>(nullptr);
  must(EVP_DigestSignInit_ex(context, &key_context, hash, nullptr, nullptr, key, nullptr) == 1,
      "EVP_DigestSignInit");
  auto size = std::size_t{0};
  must(EVP_DigestSign(context, nullptr, &size, bytes_of(text), text.size()) == 1, "EVP_DigestSign");
  auto out = std::string(size, '\0');
  must(EVP_DigestSign(context, bytes_of(out), &size, bytes_of(text), text.size()) == 1,
      "EVP_DigestSign");
  out.resize(size);
  return base64(out);
}

std::shared_ptr<const std::string> keep_secret(std::string text) {
  return {new std::string{std::move(text)}, [](std::string* x) {
            OPENSSL_cleanse(x->data(), x->size());
            delete x;
          }};
}

std::int64_t number_of(std::string_view digits) {
  auto out = std::int64_t{0}; // at most 15 digits: read_call has seen to it
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

std::optional<failure> check_nonce(
    const call& x, std::int64_t ts, std::int64_t now_ms, nonce_cache& used) {
  auto who = x.app;
  who.append("/").append(x.workspace);
  switch (used.use(who, x.nonce, ts, now_ms)) {
  case ec::none:
    return {};
  case ec::overloaded:
    return failure{result::limit_exceeded, "too many nonces are remembered"};
  default:
    return failure{result::signature_mismatch, "nonce was used before"};
  }
}

} // namespace

std::optional<sign_type> sign_type_of(std::string_view name) {
  for (auto x : {sign_type::md5, sign_type::hmac_sha256, sign_type::rsa_sha256, sign_type::sm3})
    if (http::same_name(name, to_string(x)))
      return x;
  return {};
}

std::string_view to_string(sign_type x) {
  switch (x) {
  case sign_type::md5:
    return "MD5";
  case sign_type::hmac_sha256:
    return "HMACSHA256";
  case sign_type::rsa_sha256:
    return "RSASHA256";
  case sign_type::sm3:
    return "SM3";
  }
  return "";
}

std::string app_keys::set(std::string secret, std::string_view rsa_public_pem) {
  auto rsa = shared_key{};
  if (!rsa_public_pem.empty()) {
    rsa = read_key(rsa_public_pem, false);
    if (!rsa || EVP_PKEY_is_a(rsa.get(), "RSA") != 1)
      return "the public key is not an RSA key in PEM";
    if (EVP_PKEY_get_bits(rsa.get()) < 2048 || EVP_PKEY_get_bits(rsa.get()) > 4096)
      return "the RSA key must have 2048 to 4096 bits";
  }
  secret_ = secret.empty() ? nullptr : keep_secret(std::move(secret));
  rsa_ = std::move(rsa);
  return {};
}

std::string call_string(const call& x) {
  auto out = std::string{};
  say(x, [&](std::string_view text) { out.append(text); });
  return out;
}

class signature_check {
public:
  static std::optional<failure> verify(const call& x, sign_type how, const app_keys& keys) {
    auto rsa = how == sign_type::rsa_sha256;
    if (rsa ? !keys.has_rsa() : !keys.has_secret())
      return failure{result::key_missing, ""};
    auto good =
        rsa ? is_rsa_of(x, keys.rsa_.get()) : is_hex_of(x.sign, digest_of(x, how, *keys.secret_));
    if (!good)
      return failure{result::signature_mismatch, ""};
    return {};
  }
};

std::optional<failure> check_signature(const call& x, const app_keys& keys,
    const signature_rules& rules, std::int64_t now_ms, nonce_cache* used) {
  if (x.sign.empty())
    return failure{result::signature_missing, ""};
  if (x.ts.empty())
    return failure{result::timestamp_missing, ""};
  auto how = sign_type_of(x.sign_type);
  if (!how || (rules.allowed >> static_cast<unsigned>(*how) & 1) == 0)
    return failure{result::signature_incomplete, "signType"};
  if (rules.needs_nonce && x.nonce.empty())
    return failure{result::signature_incomplete, "nonce"};
  auto ts = number_of(x.ts);
  if (ts < now_ms - rules.window_ms || ts > now_ms + rules.window_ms)
    return failure{result::timestamp_outside_window, std::to_string(now_ms)};
  auto remember = rules.needs_nonce && used;
  if (remember && used->check_time(ts, now_ms) != ec::none)
    return failure{result::timestamp_outside_window, std::to_string(now_ms)};
  if (auto flaw = signature_check::verify(x, *how, keys))
    return flaw;
  return remember ? check_nonce(x, ts, now_ms, *used) : std::nullopt;
}

std::string sign_call(const call& x, sign_type how, std::string_view secret) {
  return hex(digest_of(x, how, secret).view());
}

std::string sign_call_rsa(const call& x, std::string_view private_pem) {
  auto key = read_key(private_pem, true);
  if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1)
    return {};
  return asymmetric(key.get(), "SHA256", call_string(x));
}

std::string backend_string(const backend_request& x) {
  auto form = http::same_name(x.content_type.substr(0, form_type.size()), form_type);
  auto out = std::string{};
  for (auto c : x.method)
    out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  auto hashes = (out == "POST" || out == "PUT") && !form;
  out += '\n';
  if (hashes) {
    md5().begin();
    md5().add(x.body ? *x.body : "null");
    out += base64(md5().end().view());
  }
  out.append("\n").append(x.path);
  auto parameters = std::map<std::string, std::string>{};
  auto collect = [&](std::string_view text) {
    while (!text.empty()) {
      auto part = text.substr(0, text.find('&'));
      text.remove_prefix(std::min(text.size(), part.size() + 1));
      auto split = std::min(part.find('='), part.size());
      auto value = part.substr(std::min(part.size(), split + 1));
      auto decoded = [](std::string_view raw) {
        return form_decoded(raw).value_or(std::string{raw});
      };
      if (!part.empty())
        parameters.try_emplace(decoded(part.substr(0, split)), decoded(value));
    }
  };
  collect(x.query);
  if (form && x.body)
    collect(*x.body);
  auto separator = '?';
  for (auto& [name, value] : parameters) {
    out.append(1, separator).append(name).append("=").append(value);
    separator = '&';
  }
  return out;
}

std::optional<backend_signer> backend_signer::make(
    backend_algorithm how, std::string key_id, std::string key) {
  auto out = backend_signer{};
  out.how_ = how;
  out.key_id_ = std::move(key_id);
  if (how == backend_algorithm::md5 || how == backend_algorithm::sm3) {
    if (key.empty())
      return {};
    out.salt_ = keep_secret(std::move(key));
    return out;
  }
  out.pair_ = read_key(key, true);
  OPENSSL_cleanse(key.data(), key.size());
  auto wanted = how == backend_algorithm::rsa ? "RSA" : "SM2";
  if (!out.pair_ || EVP_PKEY_is_a(out.pair_.get(), wanted) != 1)
    return {};
  return out;
}

std::string backend_signer::sign(const backend_request& x) const {
  auto text = backend_string(x);
  switch (how_) {
  case backend_algorithm::rsa:
    return asymmetric(pair_.get(), "SHA256", text);
  case backend_algorithm::sm2:
    return asymmetric(pair_.get(), "SM3", text);
  case backend_algorithm::md5:
  case backend_algorithm::sm3:
    break;
  }
  auto& hash = how_ == backend_algorithm::md5 ? md5() : sm3();
  hash.begin();
  hash.add(text);
  hash.add(*salt_);
  return hex(hash.end().view());
}

} // namespace shoal::mgw
