// Is this call from the app it names? And the other direction: proving to a backend that a call
// came through the gateway.
//
// The signed text is made of the bytes that were received, never of something written again.
// Signatures are compared in constant time. Keys are prepared once and shared by all threads; each
// thread keeps its own OpenSSL contexts; a check allocates nothing for MD5, HMAC-SHA256 and SM3.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/types.h>

#include "protocol/mgw/request.hpp"
#include "protocol/nonce_cache.hpp"

namespace shoal::mgw {

enum class sign_type : std::uint8_t { md5, hmac_sha256, rsa_sha256, sm3 };

/// "MD5", "HMACSHA256", "RSASHA256", "SM3"; case does not matter.
std::optional<sign_type> sign_type_of(std::string_view name);
std::string_view to_string(sign_type x);

/// What an app signs with: a secret, an RSA key pair whose public half is here, or both.
class app_keys {
public:
  app_keys() = default;

  /// Either may be empty. Returns "" or what is wrong, and then changes nothing.
  std::string set(std::string secret, std::string_view rsa_public_pem);

  bool has_secret() const { return secret_ != nullptr; }
  bool has_rsa() const { return rsa_ != nullptr; }

private:
  friend class signature_check;
  std::shared_ptr<const std::string> secret_; // overwritten when the last copy goes
  std::shared_ptr<EVP_PKEY> rsa_;
};

struct signature_rules {
  std::int64_t window_ms = 300'000; ///< how far `Ts` may be from our clock, either way
  bool needs_nonce = false;         ///< a nonce must come, and works once
  unsigned allowed = 0xf;           ///< bit 1 << sign_type
};

/// "Operation-Type=" op "&Request-Data=" base64(data) "&Ts=" ts, and "&Nonce=" nonce if there is
/// one.
std::string call_string(const call& x);

/// Nothing if the call is signed as the rules want. `used` remembers nonces and may be null where
/// they are not needed; its window must cover the rules'.
std::optional<failure> check_signature(const call& x, const app_keys& keys,
    const signature_rules& rules, std::int64_t now_ms, nonce_cache* used);

/// What a client sends as `Sign`: lower-case hex. Not for `rsa_sha256`.
std::string sign_call(const call& x, sign_type how, std::string_view secret);

/// What a client with an RSA key sends: base64 of PKCS #1 v1.5 over SHA-256. Empty if the PEM is no
/// RSA key.
std::string sign_call_rsa(const call& x, std::string_view private_pem);

/// A request as the backend will get it.
struct backend_request {
  std::string_view method;
  std::string_view path;
  std::string_view query;
  std::string_view content_type;
  std::optional<std::string_view> body; ///< nothing is not the same as empty
};

/// METHOD "\n" Content-MD5 "\n" path "?" sorted parameters. README.md tells the details.
std::string backend_string(const backend_request& x);

enum class backend_algorithm : std::uint8_t { md5, rsa, sm3, sm2 };

/// One group's key to its backends.
class backend_signer {
public:
  /// `key`: the salt for md5 and sm3, a private PEM for rsa and sm2. Nothing if it does not fit.
  static std::optional<backend_signer> make(
      backend_algorithm how, std::string key_id, std::string key);

  /// The value of X-Mgs-Proxy-Signature.
  std::string sign(const backend_request& x) const;

  /// The value of X-Mgs-Proxy-Signature-Secret-Key.
  const std::string& key_id() const { return key_id_; }

private:
  backend_signer() = default;
  backend_algorithm how_ = backend_algorithm::md5;
  std::string key_id_;
  std::shared_ptr<const std::string> salt_;
  std::shared_ptr<EVP_PKEY> pair_;
};

} // namespace shoal::mgw
