#include "protocol/mgw/key_wraps.hpp"

#include <array>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "protocol/signing.hpp"

namespace shoal::mgw {
namespace {

constexpr std::size_t point_size = 65; // of P-256, uncompressed

evp_ptr<EVP_PKEY_CTX> context_for(EVP_PKEY* key) {
  auto out = evp_ptr<EVP_PKEY_CTX>{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  must(out != nullptr, "EVP_PKEY_CTX_new");
  return out;
}

bool use_oaep(EVP_PKEY_CTX* context, key_wrap kind) {
  return kind != key_wrap::rsa ||
         (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_oaep_md_name(context, "SHA256", nullptr) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, "SHA256", nullptr) == 1);
}

/// The secret of an RSA or SM2 envelope; of any other length if it is not what a client wraps.
std::string decrypt_secret(EVP_PKEY* key, key_wrap kind, std::string_view wrapped) {
  auto context = context_for(key);
  must(EVP_PKEY_decrypt_init(context.get()) == 1 && use_oaep(context.get(), kind), "decrypting");
  auto size = std::size_t{0};
  if (EVP_PKEY_decrypt(context.get(), nullptr, &size, bytes_of(wrapped), wrapped.size()) != 1)
    return {};
  auto out = std::string(size, '\0');
  if (EVP_PKEY_decrypt(context.get(), bytes_of(out), &size, bytes_of(wrapped), wrapped.size()) != 1)
    return {};
  out.resize(size);
  return out;
}

std::string encrypt_secret(EVP_PKEY* key, key_wrap kind, std::string_view secret) {
  auto context = context_for(key);
  must(EVP_PKEY_encrypt_init(context.get()) == 1 && use_oaep(context.get(), kind), "encrypting");
  auto size = std::size_t{0};
  must(EVP_PKEY_encrypt(context.get(), nullptr, &size, bytes_of(secret), secret.size()) == 1,
      "encrypting");
  auto out = std::string(size, '\0');
  must(EVP_PKEY_encrypt(context.get(), bytes_of(out), &size, bytes_of(secret), secret.size()) == 1,
      "encrypting");
  out.resize(size);
  return out;
}

/// What both sides of P-256 compute; empty if the other's point is not one.
std::string agree(EVP_PKEY* mine, EVP_PKEY* other) {
  auto context = context_for(mine);
  auto out = std::string(secret_size, '\0');
  auto size = out.size();
  if (!other || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other) != 1 ||
      EVP_PKEY_derive(context.get(), bytes_of(out), &size) != 1)
    return {};
  return out;
}

evp_ptr<EVP_PKEY> point_of(EVP_PKEY* same_group, std::string_view point) {
  auto out = evp_ptr<EVP_PKEY>{EVP_PKEY_new()};
  if (point.size() != point_size || !out || EVP_PKEY_copy_parameters(out.get(), same_group) != 1 ||
      EVP_PKEY_set1_encoded_public_key(out.get(), bytes_of(point), point.size()) != 1)
    return nullptr;
  return out;
}

std::string encoded_point(EVP_PKEY* key) {
  auto* bytes = static_cast<unsigned char*>(nullptr);
  auto size = EVP_PKEY_get1_encoded_public_key(key, &bytes);
  must(size == point_size, "encoding a point");
  auto out = std::string{reinterpret_cast<char*>(bytes), size};
  OPENSSL_free(bytes);
  return out;
}

} // namespace

std::optional<key_wrap> kind_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1)
    return key_wrap::rsa;
  if (EVP_PKEY_is_a(key, "SM2") == 1)
    return key_wrap::sm2;
  auto name = std::array<char, 32>{};
  if (EVP_PKEY_is_a(key, "EC") == 1 &&
      EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) == 1 &&
      std::string_view{name.data()} == "prime256v1")
    return key_wrap::ecc;
  return {};
}

std::string unwrap(EVP_PKEY* key, key_wrap kind, std::string_view wrapped) {
  auto instead = random_bytes(secret_size);
  auto got = kind == key_wrap::ecc ? agree(key, point_of(key, wrapped).get())
                                   : decrypt_secret(key, kind, wrapped);
  ERR_clear_error();
  auto good = static_cast<unsigned char>(0 - static_cast<unsigned>(got.size() == secret_size));
  got.resize(secret_size);
  for (auto i = std::size_t{0}; i < secret_size; ++i)
    instead[i] = static_cast<char>((got[i] & good) | (instead[i] & ~good));
  OPENSSL_cleanse(got.data(), got.size());
  return instead;
}

wrapped_secret wrap_new_secret(EVP_PKEY* key, key_wrap kind) {
  auto out = wrapped_secret{random_bytes(secret_size), {}};
  if (kind == key_wrap::ecc) {
    auto mine = evp_ptr<EVP_PKEY>{EVP_EC_gen("P-256")};
    must(mine != nullptr, "EVP_EC_gen");
    out.wrapped = encoded_point(mine.get());
    out.secret = agree(mine.get(), key);
  } else {
    out.wrapped = encrypt_secret(key, kind, out.secret);
  }
  return out;
}

} // namespace shoal::mgw
