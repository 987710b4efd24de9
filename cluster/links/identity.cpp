#include "cluster/links/identity.hpp"

#include <memory>
#include <stdexcept>
#include <string_view>

#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace shoal::cluster::links {
namespace {

constexpr unsigned char alpn[] = "\x0cshoal-node/1";
constexpr auto alpn_size = static_cast<unsigned>(sizeof alpn - 1);
constexpr auto name_rules = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;
constexpr std::size_t read_buffer = 64 * 1024;

void check(bool ok, const std::string& sentence) {
  if (!ok)
    throw std::runtime_error{sentence + ": " + tls::take_ssl_error()};
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
    const unsigned char* offered, unsigned offered_size, void*) {
  auto* chosen = const_cast<unsigned char**>(out);
  auto found = SSL_select_next_proto(chosen, out_size, alpn, alpn_size, offered, offered_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool names(X509* certificate, const std::string& name) {
  return X509_check_host(certificate, name.data(), name.size(), name_rules, nullptr) == 1;
}

/// What the peers will check, checked before anybody dials.
void check_own(SSL_CTX* context, const link_options& options) {
  auto* own = SSL_CTX_get0_certificate(context);
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context, &chain);
  for (auto purpose : {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT}) {
    auto store = std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)>{
        X509_STORE_CTX_new(), &X509_STORE_CTX_free};
    check(
        store && X509_STORE_CTX_init(store.get(), SSL_CTX_get_cert_store(context), own, chain) == 1,
        "cannot check a certificate");
    X509_STORE_CTX_set_purpose(store.get(), purpose);
    if (X509_verify_cert(store.get()) != 1)
      throw std::runtime_error{
          "the certificate in " + options.certificate + " does not pass the CA in " + options.ca +
          ": " + X509_verify_cert_error_string(X509_STORE_CTX_get_error(store.get()))};
  }
  if (!names(own, options.self))
    throw std::runtime_error{"the certificate in " + options.certificate + " does not name node " +
                             options.self + " (it needs the DNS name " + options.self + ")"};
}

tls::context_ptr make_context(const link_options& x) {
  if (x.certificate.empty() || x.key.empty() || x.ca.empty())
    throw std::runtime_error{
        "links between nodes need a certificate, its key and the cluster's CA"};
  ERR_clear_error();
  auto out = tls::context_ptr{SSL_CTX_new(TLS_method()), tls::free_ssl{}};
  auto* raw = out.get();
  check(raw && SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1, "cannot set up TLS");
  check(SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                      "TLS_CHACHA20_POLY1305_SHA256") == 1,
      "no usable cipher");
  check(SSL_CTX_use_certificate_chain_file(raw, x.certificate.c_str()) == 1,
      "cannot read a certificate from " + x.certificate);
  check(SSL_CTX_use_PrivateKey_file(raw, x.key.c_str(), SSL_FILETYPE_PEM) == 1,
      "cannot use the private key in " + x.key);
  check(SSL_CTX_check_private_key(raw) == 1,
      "the key in " + x.key + " does not belong to the certificate in " + x.certificate);
  check(SSL_CTX_load_verify_file(raw, x.ca.c_str()) == 1, "cannot read the CA in " + x.ca);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_alpn_protos(raw, alpn, alpn_size);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_default_read_buffer_len(raw, read_buffer);
  check_own(raw, x);
  return out;
}

} // namespace

identity::identity(const link_options& options)
    : options_{options}, stamps_{read_stamps()}, context_{make_context(options)} {}

identity::stamps identity::read_stamps() const {
  auto out = stamps{};
  for (auto* file : {&options_.certificate, &options_.key, &options_.ca}) {
    auto error = std::error_code{};
    out.push_back(std::filesystem::last_write_time(*file, error));
  }
  return out;
}

void identity::reload_if_changed() {
  auto now = read_stamps();
  if (now == stamps_)
    return;
  stamps_ = std::move(now);
  try {
    context_ = make_context(options_);
  } catch (const std::runtime_error&) {
    ERR_clear_error(); // files are half replaced: the last one to change brings us here again
  }
}

tls::ssl_ptr identity::for_accepting() {
  reload_if_changed();
  return tls::ssl_ptr{SSL_new(context_.get())};
}

tls::ssl_ptr identity::for_dialing(const std::string& peer) {
  reload_if_changed();
  auto out = tls::ssl_ptr{SSL_new(context_.get())};
  if (!out)
    return out;
  SSL_set_hostflags(out.get(), name_rules);
  if (SSL_set1_host(out.get(), peer.c_str()) != 1)
    out.reset();
  return out;
}

bool certificate_names(const SSL* ssl, const std::string& name) {
  auto* certificate = SSL_get0_peer_certificate(ssl);
  return certificate && names(certificate, name);
}

bool speaks_node_protocol(const SSL* ssl) {
  const unsigned char* name = nullptr;
  auto size = 0u;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return std::string_view{reinterpret_cast<const char*>(name), size} == "shoal-node/1";
}

std::string verification_error(const SSL* ssl) {
  auto code = SSL_get_verify_result(ssl);
  return code == X509_V_OK ? "" : X509_verify_cert_error_string(code);
}

} // namespace shoal::cluster::links
