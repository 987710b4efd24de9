// How callers prove who they are: the strings that are signed, and the primitives under them.
//
// Signatures are HMAC-SHA256 with the key's secret (its text bytes) over exactly the bytes that
// were received, compared in constant time. protocol/README.md ("Handshake") and server_api.yaml
// ("Signing") give the same strings for client authors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace shoal {

std::string hmac_sha256(std::string_view secret, std::string_view text); ///< 32 bytes
std::string sha256(std::string_view text);                               ///< 32 bytes
std::string hex(std::string_view bytes);
bool unhex(std::string_view text, std::string& out);
std::string base64(std::string_view bytes);
bool unbase64(std::string_view text, std::string& out);
std::string base64url(std::string_view bytes); ///< without padding
bool unbase64url(std::string_view text, std::string& out);

/// Cryptographically random bytes. Throws if the system has none.
std::string random_bytes(std::size_t n);

/// Takes time that depends on the lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// "SHOAL1-HELLO\n" key "\n" device "\n" decimal timestamp "\n" hex(nonce)
std::string hello_string(std::string_view key, std::string_view device, std::int64_t timestamp_ms,
    std::string_view nonce);

/// "SHOAL1-REQUEST\n" METHOD "\n" path "\n" query "\n" hex(sha256(body)) "\n" decimal timestamp
/// "\n" nonce
std::string request_string(std::string_view method, std::string_view path, std::string_view query,
    std::string_view body, std::int64_t timestamp_ms, std::string_view nonce);

/// The Authorization header of a signed API call:
///   SHOAL1-HMAC-SHA256 key=ak_x,ts=1760000000000,nonce=abc,sig=hex
struct request_authorization {
  std::string key, nonce, signature; ///< signature as 32 bytes
  std::int64_t timestamp_ms = 0;
};
bool parse_authorization(std::string_view header, request_authorization& out);
std::string make_authorization(std::string_view key, std::string_view secret,
    std::string_view method, std::string_view path, std::string_view query, std::string_view body,
    std::int64_t timestamp_ms, std::string_view nonce);

} // namespace shoal
