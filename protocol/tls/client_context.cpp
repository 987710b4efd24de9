#include "protocol/tls/client_context.hpp"

#include <stdexcept>
#include <string_view>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace shoal::tls {
namespace {

struct free_pem {
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
};
template <class T>
using owned = std::unique_ptr<T, free_pem>;

void check(bool ok, const char* sentence) {
  if (!ok)
    throw std::runtime_error{sentence};
}

owned<BIO> reader_of(const std::string& pem) {
  auto out = owned<BIO>{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  check(out != nullptr, "no memory for TLS");
  return out;
}

/// A key with a passphrase cannot be used, and nobody is to be asked for it.
int no_passphrase(char*, int, int, void*) { return -1; }

template <class F>
std::size_t each_certificate(const std::string& pem, F f) {
  auto from = reader_of(pem);
  auto count = std::size_t{0};
  for (auto x = owned<X509>{PEM_read_bio_X509_AUX(from.get(), nullptr, no_passphrase, nullptr)}; x;
       x.reset(PEM_read_bio_X509(from.get(), nullptr, no_passphrase, nullptr)), ++count)
    f(x.get());
  ERR_clear_error(); // "no start line" is how the list ends
  return count;
}

void trust(SSL_CTX* context, const client_tls_options& x) {
  if (!x.verify)
    return SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (x.ca_pem.empty())
    return check(SSL_CTX_set_default_verify_paths(context) == 1, "no system certificates");
  auto* store = SSL_CTX_get_cert_store(context);
  auto added = true;
  auto count = each_certificate(
      x.ca_pem, [&](X509* one) { added = X509_STORE_add_cert(store, one) == 1 && added; });
  check(count != 0 && added, "ca_pem holds no certificate in PEM");
  // A certificate of the list is believed itself: an intermediate authority, or one server's own.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
}

void identify(SSL_CTX* context, const client_tls_options& x) {
  if (x.certificate_pem.empty() && x.key_pem.empty())
    return;
  auto used = true;
  auto first = true;
  auto count = each_certificate(x.certificate_pem, [&](X509* one) {
    auto done = std::exchange(first, false) ? SSL_CTX_use_certificate(context, one)
                                            : SSL_CTX_add1_chain_cert(context, one);
    used = used && done == 1;
  });
  check(count != 0 && used, "certificate_pem holds no certificate in PEM");
  auto from = reader_of(x.key_pem);
  auto key = owned<EVP_PKEY>{PEM_read_bio_PrivateKey(from.get(), nullptr, no_passphrase, nullptr)};
  check(key != nullptr, "key_pem holds no private key in PEM without passphrase");
  check(SSL_CTX_use_PrivateKey(context, key.get()) == 1 && SSL_CTX_check_private_key(context) == 1,
      "key_pem does not belong to certificate_pem");
}

int keeper_index() {
  static const auto index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// 1: the session is ours now.
int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* keep = static_cast<session_ptr*>(SSL_get_ex_data(ssl, keeper_index()));
  if (!keep)
    return 0;
  keep->reset(session);
  return 1;
}

bool is_address(const std::string& name) {
  auto error = boost::system::error_code{};
  boost::asio::ip::make_address(name, error);
  return !error;
}

std::string_view alpn_of(application x) {
  return x == application::http_2 ? std::string_view{"\x02h2"} : std::string_view{"\x08http/1.1"};
}

} // namespace

context_ptr make_client_context(const client_tls_options& x) {
  ERR_clear_error();
  auto out = context_ptr{SSL_CTX_new(TLS_client_method()), free_ssl{}};
  check(out != nullptr, "no memory for TLS");
  auto* raw = out.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(raw, 1);
  trust(raw, x);
  identify(raw, x);
  auto names = alpn_of(x.speaks);
  SSL_CTX_set_alpn_protos(raw, reinterpret_cast<const unsigned char*>(names.data()),
      static_cast<unsigned>(names.size()));
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, keep_session);
  ERR_clear_error();
  return out;
}

ssl_ptr begin_client(const client_security& by, session_ptr& keep) {
  auto ssl = ssl_ptr{SSL_new(by.context.get())};
  if (!ssl)
    return {};
  SSL_set_ex_data(ssl.get(), keeper_index(), &keep);
  if (is_address(by.server_name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), by.server_name.c_str());
  } else {
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // Without a name nothing would be compared: then nobody may pass.
    if (SSL_set1_host(ssl.get(), by.server_name.c_str()) != 1 || by.server_name.empty())
      return {};
    SSL_set_tlsext_host_name(ssl.get(), by.server_name.c_str());
  }
  if (keep)
    SSL_set_session(ssl.get(), keep.get());
  // A ticket of TLS 1.3 is shown once (RFC 8446, C.4): each handshake brings a new one.
  if (keep && SSL_SESSION_get_protocol_version(keep.get()) >= TLS1_3_VERSION)
    keep.reset();
  return ssl;
}

bool speaks_as_agreed(const SSL* ssl, const client_security& by) {
  return chosen_application(ssl) == by.speaks;
}

const char* handshake_flaw(const SSL* ssl) {
  auto verdict = SSL_get_verify_result(ssl);
  return verdict == X509_V_OK ? "TLS could not be agreed" : X509_verify_cert_error_string(verdict);
}

} // namespace shoal::tls
