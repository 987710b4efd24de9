// What an envelope does with data once both sides have a secret: keys are drawn from it, and data
// is sealed and opened with one of two ciphers (README, "Encryption"). For this folder only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/mgw/envelope_cipher.hpp"

namespace shoal::mgw {

/// The sizes of one cipher.
struct suite {
  data_cipher id;
  const char* cipher;
  const char* hash;         // for HKDF
  std::size_t key, mac_key; // mac_key 0: the cipher authenticates
  std::size_t nonce, tag;

  std::size_t keys() const { return key + mac_key; } // of one direction
};

inline constexpr auto suites = std::array{
    suite{data_cipher::aes_256_gcm, "AES-256-GCM", "SHA256", 32, 0, 12, 16},
    suite{data_cipher::sm4_ctr_hmac_sm3, "SM4-CTR", "SM3", 16, 32, 16, 32},
};

/// Null if there is none of this number.
const suite* find_suite(std::uint8_t number);
const suite& suite_of(data_cipher x);

/// Keys of both directions out of the secret (RFC 5869).
std::string draw_keys(
    const suite& with, key_wrap kind, std::string_view secret, std::string_view wrapped);

/// "request" or "response", then what the two sides know: each with its length, so that no two
/// contexts look alike.
std::string associated(
    std::string_view direction, const cipher_context& where, std::string_view head);

/// Appends nonce, ciphertext and tag.
void seal(const suite& with, std::string_view keys, std::string_view known, std::string_view data,
    std::string& out);

/// Nothing if it was not sealed with these keys, or something else is known.
std::optional<std::string> open(
    const suite& with, std::string_view keys, std::string_view known, std::string_view sealed);

} // namespace shoal::mgw
