// OpenSSL's objects with owners, and keys out of PEM. Inside protocol/mgw only.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>

namespace shoal::mgw {

struct free_evp {
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(EVP_PKEY_CTX* x) const { EVP_PKEY_CTX_free(x); }
  void operator()(EVP_MD* x) const { EVP_MD_free(x); }
  void operator()(EVP_MD_CTX* x) const { EVP_MD_CTX_free(x); }
  void operator()(EVP_MAC* x) const { EVP_MAC_free(x); }
  void operator()(EVP_MAC_CTX* x) const { EVP_MAC_CTX_free(x); }
  void operator()(EVP_CIPHER* x) const { EVP_CIPHER_free(x); }
  void operator()(EVP_CIPHER_CTX* x) const { EVP_CIPHER_CTX_free(x); }
  void operator()(EVP_KDF* x) const { EVP_KDF_free(x); }
  void operator()(EVP_KDF_CTX* x) const { EVP_KDF_CTX_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
};

template <class T>
using evp_ptr = std::unique_ptr<T, free_evp>;

/// May be used by several threads at once.
using shared_key = std::shared_ptr<EVP_PKEY>;

inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.empty() ? "" : text.data());
}

inline unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

/// For what can only fail if the machine does: no memory, no such algorithm in this OpenSSL.
inline void must(bool ok, const char* what) {
  if (ok)
    return;
  ERR_clear_error();
  throw std::runtime_error{std::string{what} + " failed in OpenSSL"};
}

/// Null if the text holds no such key, or one behind a passphrase.
inline shared_key read_key(std::string_view pem, bool secret) {
  auto in = evp_ptr<BIO>{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  must(in != nullptr, "BIO_new_mem_buf");
  auto no_passphrase = [](char*, int, int, void*) { return -1; };
  auto* key = secret ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr)
                     : PEM_read_bio_PUBKEY(in.get(), nullptr, no_passphrase, nullptr);
  ERR_clear_error();
  return {key, free_evp{}};
}

} // namespace shoal::mgw
