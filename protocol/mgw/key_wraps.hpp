// How the secret of an envelope is wrapped for a key: RSA-OAEP, ECDH on P-256, SM2 (README,
// "Encryption"). For this folder only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/mgw/envelope_cipher.hpp"
#include "protocol/mgw/evp.hpp"

namespace shoal::mgw {

constexpr std::size_t secret_size = 32;

/// Nothing if envelopes know no such keys.
std::optional<key_wrap> kind_of(const EVP_PKEY* key);

/// Always 32 bytes: the secret, or random ones. Which of the two is chosen without a branch.
std::string unwrap(EVP_PKEY* key, key_wrap kind, std::string_view wrapped);

struct wrapped_secret {
  std::string secret, wrapped;
};

/// A new secret, for the owner of the key. Of that, only the public half is used.
wrapped_secret wrap_new_secret(EVP_PKEY* key, key_wrap kind);

} // namespace shoal::mgw
