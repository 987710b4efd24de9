// Proof that a connection may speak for a user: Shoal's own short token, or a JWT of the app's
// identity provider.
//
// Own token: base64url(json) "." hex(hmac_sha256(secret, base64url(json))), json =
// {"user":…,"exp":unix seconds, "device":… optional}. JWT: `sub` is the user, `exp` is required,
// `nbf`/`iss`/`aud` are checked when configured; the algorithm is the app's, never the token's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/codes.hpp"

namespace shoal {

struct token_rules {
  enum class form : std::uint8_t { own, jwt } how = form::own;
  std::string secret;     ///< own, HS256
  std::string algorithm;  ///< HS256, RS256, ES256
  std::string public_key; ///< PEM, RS256 and ES256
  std::string issuer, audience;
};

/// `none`, `bad_token` or `token_expired`. Never says more: callers learn nothing from the
/// difference between failures.
ec verify_user_token(const token_rules& rules, std::string_view user, std::string_view device,
    std::string_view token, std::int64_t now_ms);

/// Makes an own token; for business servers in C++, tests and the demo.
std::string make_user_token(std::string_view secret, std::string_view user, std::string_view device,
    std::int64_t expires_s);

/// "" if the key fits the algorithm (RS256: RSA of 2048 bits or more, ES256: P-256), else a
/// sentence for people.
std::string problem_of_public_key(std::string_view algorithm, std::string_view pem);

} // namespace shoal
