#include "protocol/tls/context.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace shoal::tls {
namespace {

struct alpn_name {
  std::string_view name;
  application what;
};

/// In order of preference.
constexpr auto alpn_names = std::array{
    alpn_name{"shoal/1", application::device},
    alpn_name{"h2", application::http_2},
    alpn_name{"http/1.1", application::http_1},
};

/// `offered` is a row of names, each after a byte with its length; OpenSSL has checked that the
/// lengths fit.
int choose_application(SSL*, const unsigned char** out, unsigned char* out_size,
    const unsigned char* offered, unsigned offered_size, void*) {
  for (auto& ours : alpn_names) {
    for (auto at = 0u; at < offered_size; at += offered[at] + 1u) {
      auto name = std::string_view{reinterpret_cast<const char*>(offered + at + 1), offered[at]};
      if (name == ours.name) {
        *out = offered + at + 1;
        *out_size = offered[at];
        return SSL_TLSEXT_ERR_OK;
      }
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int keys_index() {
  static const auto index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool set_mac_key(EVP_MAC_CTX* mac, ticket_key& key) {
  auto digest = std::array{'S', 'H', 'A', '2', '5', '6', '\0'};
  auto parameters = std::array{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

/// OpenSSL's answers: 2 = fine but renew, 1 = fine, 0 = no such key (full handshake), -1 = failed.
int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
    EVP_MAC_CTX* mac, int sealing) {
  static const auto* aes = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  auto& keys = *static_cast<ticket_keys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index()));
  auto now = std::chrono::steady_clock::now();
  if (sealing) {
    auto key = keys.sealing(now);
    std::copy(key.name.begin(), key.name.end(), name);
    auto ok = RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) == 1 &&
              EVP_EncryptInit_ex(cipher, aes, nullptr, key.cipher.data(), iv) == 1 &&
              set_mac_key(mac, key);
    return ok ? 1 : -1;
  }
  auto found = keys.opening(std::span<const std::uint8_t, 16>{name, 16}, now);
  if (!found)
    return 0;
  auto ok = set_mac_key(mac, found->key) &&
            EVP_DecryptInit_ex(cipher, aes, nullptr, found->key.cipher.data(), iv) == 1;
  if (!ok)
    return -1;
  // TLS 1.3 clients use a ticket once, so they always get a new one.
  return found->renew || SSL_version(ssl) >= TLS1_3_VERSION ? 2 : 1;
}

void check(bool ok, const std::string& sentence) {
  if (!ok)
    throw std::runtime_error{sentence + ": " + take_ssl_error()};
}

void load_pair(SSL_CTX* context, const std::string& certificate_file, const std::string& key_file) {
  check(SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) == 1,
      "cannot read a certificate chain from " + certificate_file);
  check(SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) == 1,
      "cannot use the private key in " + key_file);
  check(SSL_CTX_check_private_key(context) == 1,
      "the key in " + key_file + " does not belong to the certificate in " + certificate_file);
}

} // namespace

context_ptr make_context(
    const std::string& certificate_file, const std::string& key_file, ticket_keys& keys) {
  ERR_clear_error();
  auto context = context_ptr{SSL_CTX_new(TLS_server_method()), free_ssl{}};
  check(context != nullptr, "cannot set up TLS");
  auto* raw = context.get();
  load_pair(raw, certificate_file, key_file);
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  check(SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1, "no usable cipher");
  check(SSL_CTX_set_ciphersuites(raw, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                      "TLS_CHACHA20_POLY1305_SHA256") == 1,
      "no usable TLS 1.3 cipher");
  check(SSL_CTX_set1_groups_list(raw, "X25519:P-256:P-384") == 1, "no usable key exchange");
  // Buffers of 16 KB in each direction belong to a connection only while bytes are in them; reading
  // ahead takes a record with one system call instead of two.
  // The chain is the one in the file: OpenSSL need not look for another one in every handshake.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 1);
  constexpr auto id = std::array<unsigned char, 5>{'s', 'h', 'o', 'a', 'l'};
  SSL_CTX_set_session_id_context(raw, id.data(), id.size());
  SSL_CTX_set_ex_data(raw, keys_index(), &keys);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(raw, use_ticket_key);
  SSL_CTX_set_alpn_select_cb(raw, choose_application, nullptr);
  return context;
}

application chosen_application(const SSL* ssl) {
  const unsigned char* name = nullptr;
  auto size = 0u;
  SSL_get0_alpn_selected(ssl, &name, &size);
  auto text = std::string_view{reinterpret_cast<const char*>(name), size};
  for (auto& ours : alpn_names)
    if (text == ours.name)
      return ours.what;
  return application::http_1;
}

std::string take_ssl_error() {
  auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0)
    return "unknown error";
  // A missing file is reported as a system error, whose text OpenSSL does not keep as a reason.
  if (ERR_SYSTEM_ERROR(code))
    return std::generic_category().message(ERR_GET_REASON(code));
  auto* reason = ERR_reason_error_string(code);
  return reason ? reason : "error " + std::to_string(code);
}

} // namespace shoal::tls
