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

key_ptr make_key() {
  auto key = key_ptr{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  if (!key)
    throw std::runtime_error{"cannot make a key"};
  return key;
}

void extend(X509* x, int what, const std::string& value) {
  auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
  X509_add_ext(x, extension, -1);
  X509_EXTENSION_free(extension);
}

/// Not signed yet, issued by nobody yet.
certificate_ptr draft(EVP_PKEY* key, const std::string& name, long serial) {
  auto result = certificate_ptr{X509_new(), &X509_free};
  auto* x = result.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
  X509_gmtime_adj(X509_getm_notBefore(x), -one_day);
  X509_gmtime_adj(X509_getm_notAfter(x), 30 * one_day);
  X509_set_pubkey(x, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return result;
}

void sign(X509* x, X509* issuer, EVP_PKEY* key) {
  X509_set_issuer_name(x, X509_get_subject_name(issuer));
  if (X509_sign(x, key, EVP_sha256()) == 0)
    throw std::runtime_error{"cannot sign a certificate"};
}

file_ptr open_for_write(const std::string& path) {
  auto file = file_ptr{std::fopen(path.c_str(), "wx"), &std::fclose};
  if (!file)
    throw std::runtime_error{"cannot write " + path};
  return file;
}

void write(const certificate_files& files, X509* certificate, EVP_PKEY* key) {
  PEM_write_X509(open_for_write(files.certificate).get(), certificate);
  PEM_write_PrivateKey(open_for_write(files.key).get(), key, nullptr, nullptr, 0, nullptr, nullptr);
}

} // namespace

certificate_files make_certificate(const std::string& folder) {
  auto key = make_key();
  auto certificate = draft(key.get(), "localhost", 1);
  extend(certificate.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  sign(certificate.get(), certificate.get(), key.get());
  auto files = certificate_files{folder + "/certificate.pem", folder + "/key.pem"};
  write(files, certificate.get(), key.get());
  return files;
}

void make_cluster_certificates(const std::string& folder, const std::vector<std::string>& nodes) {
  auto ca_key = make_key();
  auto ca = draft(ca_key.get(), "shoal-bench", 1);
  extend(ca.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(ca.get(), NID_key_usage, "critical,keyCertSign");
  sign(ca.get(), ca.get(), ca_key.get());
  PEM_write_X509(open_for_write(folder + "/ca.pem").get(), ca.get());
  auto serial = 1L;
  for (auto& name : nodes) {
    auto key = make_key();
    auto certificate = draft(key.get(), name, ++serial);
    extend(certificate.get(), NID_subject_alt_name, "DNS:" + name + ",DNS:localhost,IP:127.0.0.1");
    extend(certificate.get(), NID_ext_key_usage, "serverAuth,clientAuth");
    sign(certificate.get(), ca.get(), ca_key.get());
    write(
        {folder + "/" + name + ".pem", folder + "/" + name + ".key"}, certificate.get(), key.get());
  }
}

} // namespace shoal::bench
