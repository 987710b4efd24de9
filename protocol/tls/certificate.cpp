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

void extend(X509* certificate, int what, const std::string& value) {
  auto context = X509V3_CTX{};
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  auto extension =
      owned<X509_EXTENSION>{X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str())};
  check(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

owned<X509> make(EVP_PKEY* key, const std::vector<std::string>& names) {
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
  auto* common_name = reinterpret_cast<const unsigned char*>("shoal development");
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
  X509_set_issuer_name(raw, subject);
  extend(raw, NID_basic_constraints, "critical,CA:TRUE");
  extend(raw, NID_key_usage, "critical,digitalSignature,keyCertSign");
  extend(raw, NID_ext_key_usage, "serverAuth");
  extend(raw, NID_subject_key_identifier, "hash");
  if (!names.empty())
    extend(raw, NID_subject_alt_name, alternative_names(names));
  check(X509_sign(raw, key, EVP_sha256()) > 0, "cannot sign");
  return certificate;
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

} // namespace

void write_self_signed(const std::string& certificate_file, const std::string& key_file,
    const std::vector<std::string>& names) {
  auto key = owned<EVP_PKEY>{EVP_EC_gen("P-256")};
  check(key != nullptr, "no key");
  auto certificate = make(key.get(), names);
  write_pem(key_file, 0600, [&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  write_pem(
      certificate_file, 0644, [&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); });
}

} // namespace shoal::tls
