#include "protocol/tls/certificate.hpp"

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

#include <boost/asio/ip/address.hpp>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace shoal::tls {
namespace {

constexpr long ten_years = 10L * 365 * 24 * 3600;

struct free_any {
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(BIGNUM* x) const { BN_free(x); }
};

template <class T>
using owned = std::unique_ptr<T, free_any>;

void check(bool ok, const std::string& what) {
  if (!ok)
    throw std::runtime_error{"cannot make a certificate: " + what};
}

bool is_address(const std::string& name) {
  auto error = boost::system::error_code{};
  boost::asio::ip::make_address(name, error);
  return !error;
}

/// Commas and line ends would end a name in OpenSSL's notation and start another.
std::string alternative_names(const std::vector<std::string>& names) {
  auto out = std::string{};
  for (auto& name : names) {
    check(!name.empty() && name.find_first_of(",;\r\n") == std::string::npos, "bad name");
    out += out.empty() ? "" : ",";
    out += (is_address(name) ? "IP:" : "DNS:") + name;
  }
  return out;
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  auto context = X509V3_CTX{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  auto extension =
      owned<X509_EXTENSION>{X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str())};
  check(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

/// What all kinds have in common; issued by itself until somebody says otherwise.
owned<X509> blank(EVP_PKEY* key, const std::string& subject_name) {
  auto certificate = owned<X509>{X509_new()};
  auto* raw = certificate.get();
  auto serial = owned<BIGNUM>{BN_new()};
  check(raw && serial && BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
            BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(raw)),
      "no serial number");
  X509_set_version(raw, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(raw), -3600); // a client's clock may be a little behind
  X509_gmtime_adj(X509_getm_notAfter(raw), ten_years);
  X509_set_pubkey(raw, key);
  auto* subject = X509_get_subject_name(raw);
  auto* text = reinterpret_cast<const unsigned char*>(subject_name.data());
  check(X509_NAME_add_entry_by_txt(
            subject, "CN", MBSTRING_UTF8, text, static_cast<int>(subject_name.size()), -1, 0) == 1,
      "bad name");
  X509_set_issuer_name(raw, subject);
  return certificate;
}

void sign(X509* certificate, EVP_PKEY* key) {
  check(X509_sign(certificate, key, EVP_sha256()) > 0, "cannot sign");
}

owned<X509> make_self_signed(EVP_PKEY* key, const std::vector<std::string>& names) {
  auto out = blank(key, "shoal development");
  auto* raw = out.get();
  extend(raw, raw, NID_basic_constraints, "critical,CA:TRUE");
  extend(raw, raw, NID_key_usage, "critical,digitalSignature,keyCertSign");
  extend(raw, raw, NID_ext_key_usage, "serverAuth");
  extend(raw, raw, NID_subject_key_identifier, "hash");
  if (!names.empty())
    extend(raw, raw, NID_subject_alt_name, alternative_names(names));
  sign(raw, key);
  return out;
}

owned<X509> make_authority(EVP_PKEY* key, const std::string& name) {
  auto out = blank(key, name);
  auto* raw = out.get();
  extend(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(raw, raw, NID_subject_key_identifier, "hash");
  sign(raw, key);
  return out;
}

owned<X509> make_signed(
    EVP_PKEY* key, const std::vector<std::string>& names, X509* authority, EVP_PKEY* signer) {
  check(!names.empty(), "no name");
  auto out = blank(key, names.front());
  auto* raw = out.get();
  X509_set_issuer_name(raw, X509_get_subject_name(authority));
  if (ASN1_TIME_compare(X509_get0_notAfter(raw), X509_get0_notAfter(authority)) > 0)
    X509_set1_notAfter(raw, X509_get0_notAfter(authority));
  extend(raw, authority, NID_basic_constraints, "critical,CA:FALSE");
  extend(raw, authority, NID_key_usage, "critical,digitalSignature");
  extend(raw, authority, NID_ext_key_usage, "serverAuth,clientAuth");
  extend(raw, authority, NID_subject_key_identifier, "hash");
  extend(raw, authority, NID_authority_key_identifier, "keyid:always");
  extend(raw, authority, NID_subject_alt_name, alternative_names(names));
  sign(raw, signer);
  return out;
}

owned<EVP_PKEY> new_key() {
  auto out = owned<EVP_PKEY>{EVP_EC_gen("P-256")};
  check(out != nullptr, "no key");
  return out;
}

owned<BIO> open_pem(const std::string& path) {
  auto out = owned<BIO>{BIO_new_file(path.c_str(), "r")};
  check(out != nullptr, path + " cannot be read");
  return out;
}

template <class Write>
void write_pem(const std::string& path, int mode, Write write) {
  auto memory = owned<BIO>{BIO_new(BIO_s_mem())};
  check(memory && write(memory.get()) == 1, "cannot encode");
  char* text = nullptr;
  auto size = BIO_get_mem_data(memory.get(), &text);
  // Removed first, so that a new file with the right mode is made and never a link followed.
  ::unlink(path.c_str());
  auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  auto ok = fd >= 0 && ::write(fd, text, static_cast<std::size_t>(size)) == size;
  auto error = errno;
  if (fd >= 0)
    ::close(fd);
  check(ok, path + ": " + std::generic_category().message(error));
}

void write_both(const pem_files& out, EVP_PKEY* key, X509* certificate) {
  write_pem(out.key, 0600, [&](BIO* to) {
    return PEM_write_bio_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  write_pem(out.certificate, 0644, [&](BIO* to) { return PEM_write_bio_X509(to, certificate); });
}

} // namespace

void write_self_signed(const std::string& certificate_file, const std::string& key_file,
    const std::vector<std::string>& names) {
  auto key = new_key();
  write_both({certificate_file, key_file}, key.get(), make_self_signed(key.get(), names).get());
}

void write_authority(const pem_files& out, const std::string& name) {
  auto key = new_key();
  write_both(out, key.get(), make_authority(key.get(), name).get());
}

void write_signed(
    const pem_files& out, const std::vector<std::string>& names, const pem_files& authority) {
  auto issuer = owned<X509>{
      PEM_read_bio_X509(open_pem(authority.certificate).get(), nullptr, nullptr, nullptr)};
  check(issuer != nullptr, authority.certificate + " holds no certificate");
  // A key with a passphrase must not make the process ask for it.
  auto no_passphrase = [](char*, int, int, void*) { return -1; };
  auto signer = owned<EVP_PKEY>{
      PEM_read_bio_PrivateKey(open_pem(authority.key).get(), nullptr, no_passphrase, nullptr)};
  check(signer != nullptr, authority.key + " holds no private key");
  check(X509_check_private_key(issuer.get(), signer.get()) == 1,
      authority.key + " is not the key of " + authority.certificate);
  auto key = new_key();
  write_both(out, key.get(), make_signed(key.get(), names, issuer.get(), signer.get()).get());
}

} // namespace shoal::tls
