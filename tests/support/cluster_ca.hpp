// A certificate authority for tests: makes a cluster's CA and certificates of nodes, as PEM files
// in a folder of the test's.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace shoal::test {

struct node_identity {
  std::string certificate, key; ///< files
};

class cluster_ca {
public:
  /// Writes `<label>-ca.pem` into `folder`.
  explicit cluster_ca(std::filesystem::path folder, const std::string& label = "cluster")
      : folder_{std::move(folder)}, label_{label}, key_{EVP_EC_gen("P-256"), &EVP_PKEY_free},
        root_{make(label + " ca", key_.get(), true)} {
    write(file(), [&](std::FILE* out) { return PEM_write_X509(out, root_.get()); });
  }

  std::string file() const { return (folder_ / (label_ + "-ca.pem")).string(); }

  /// A certificate whose DNS name is `name`, for both ends of a link. `days` may be negative.
  node_identity issue(const std::string& name, int days = 30) {
    auto key = key_ptr{EVP_EC_gen("P-256"), &EVP_PKEY_free};
    auto certificate = make(name, key.get(), false, days);
    auto stem = (folder_ / (label_ + "-" + name)).string();
    auto out = node_identity{stem + ".pem", stem + ".key"};
    write(out.certificate, [&](std::FILE* to) { return PEM_write_X509(to, certificate.get()); });
    write(out.key, [&](std::FILE* to) {
      return PEM_write_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return out;
  }

private:
  using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;

  static void check(bool ok) {
    if (!ok)
      throw std::runtime_error{"cannot make a certificate for a test"};
  }

  template <class Write>
  static void write(const std::string& name, Write write_pem) {
    auto file = std::unique_ptr<std::FILE, int (*)(std::FILE*)>{
        std::fopen(name.c_str(), "w"), &std::fclose};
    check(file && write_pem(file.get()) == 1);
  }

  certificate_ptr make(const std::string& name, EVP_PKEY* key, bool authority, int days = 30) {
    auto out = certificate_ptr{X509_new(), &X509_free};
    auto* raw = out.get();
    X509_set_version(raw, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(raw), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(raw), -60 * 24 * 3600);
    X509_gmtime_adj(X509_getm_notAfter(raw), 24L * 3600 * days);
    X509_set_pubkey(raw, key);
    auto* common = reinterpret_cast<const unsigned char*>(name.c_str());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_ASC, common, -1, -1, 0);
    auto* issuer = authority ? raw : root_.get();
    X509_set_issuer_name(raw, X509_get_subject_name(issuer));
    auto context = X509V3_CTX{};
    X509V3_set_ctx(&context, issuer, raw, nullptr, nullptr, 0);
    auto extend = [&](int what, const std::string& value) {
      auto* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
      check(extension && X509_add_ext(raw, extension, -1) == 1);
      X509_EXTENSION_free(extension);
    };
    if (authority) {
      extend(NID_basic_constraints, "critical,CA:TRUE");
      extend(NID_key_usage, "critical,keyCertSign");
    } else {
      extend(NID_ext_key_usage, "serverAuth,clientAuth");
      extend(NID_subject_alt_name, "DNS:" + name);
    }
    check(X509_sign(raw, key_.get(), EVP_sha256()) > 0);
    return out;
  }

  std::filesystem::path folder_;
  std::string label_;
  long serial_ = 0;
  key_ptr key_;
  certificate_ptr root_;
};

} // namespace shoal::test
