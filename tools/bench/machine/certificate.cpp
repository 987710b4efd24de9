#include "tools/bench/machine/certificate.hpp"

#include <cstdio>
#include <memory>
#include <stdexcept>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace shoal::bench {

namespace {

using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using file_ptr = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

constexpr auto one_day = 24L * 3600;

certificate_ptr self_sign(EVP_PKEY* key) {
  auto result = certificate_ptr{X509_new(), &X509_free};
  auto* x = result.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -one_day);
  X509_gmtime_adj(X509_getm_notAfter(x), 30 * one_day);
  X509_set_pubkey(x, key);
  auto* name = X509_get_subject_name(x);
  auto common_name = reinterpret_cast<const unsigned char*>("localhost");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
  X509_set_issuer_name(x, name);
  auto* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  X509_add_ext(x, names, -1);
  X509_EXTENSION_free(names);
  if (X509_sign(x, key, EVP_sha256()) == 0)
    throw std::runtime_error{"cannot sign a certificate"};
  return result;
}

file_ptr open_for_write(const std::string& path) {
  auto file = file_ptr{std::fopen(path.c_str(), "wx"), &std::fclose};
  if (!file)
    throw std::runtime_error{"cannot write " + path};
  return file;
}

} // namespace

certificate_files make_certificate(const std::string& folder) {
  auto key = key_ptr{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  if (!key)
    throw std::runtime_error{"cannot make a key"};
  auto certificate = self_sign(key.get());
  auto files = certificate_files{folder + "/certificate.pem", folder + "/key.pem"};
  PEM_write_X509(open_for_write(files.certificate).get(), certificate.get());
  PEM_write_PrivateKey(
      open_for_write(files.key).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return files;
}

} // namespace shoal::bench
