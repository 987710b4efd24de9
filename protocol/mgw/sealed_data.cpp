#include "protocol/mgw/sealed_data.hpp"

#include <algorithm>

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "protocol/mgw/evp.hpp"
#include "protocol/signing.hpp"

namespace shoal::mgw {
namespace {

EVP_CIPHER_CTX* begin_cipher(
    const suite& with, std::string_view key, std::string_view nonce, bool sealing) {
  thread_local auto ciphers = std::array<evp_ptr<EVP_CIPHER>, suites.size()>{};
  thread_local auto context = evp_ptr<EVP_CIPHER_CTX>{EVP_CIPHER_CTX_new()};
  auto& cipher = ciphers[static_cast<std::size_t>(&with - suites.data())];
  if (!cipher)
    cipher.reset(EVP_CIPHER_fetch(nullptr, with.cipher, nullptr));
  must(cipher && context && EVP_CIPHER_CTX_reset(context.get()) == 1 &&
           EVP_CipherInit_ex2(context.get(), cipher.get(), bytes_of(key), bytes_of(nonce),
               sealing ? 1 : 0, nullptr) == 1,
      with.cipher);
  return context.get();
}

void pass_through(EVP_CIPHER_CTX* context, std::string_view in, std::string& out) {
  auto begin = out.size();
  out.resize(begin + in.size());
  auto size = 0;
  must(EVP_CipherUpdate(
           context, bytes_of(out) + begin, &size, bytes_of(in), static_cast<int>(in.size())) == 1,
      "EVP_CipherUpdate");
}

/// HMAC-SM3 over the length of what is associated, that, nonce and ciphertext.
std::string sm3_tag(std::string_view key, std::string_view known, std::string_view sealed) {
  thread_local auto hmac = evp_ptr<EVP_MAC>{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  thread_local auto context = evp_ptr<EVP_MAC_CTX>{EVP_MAC_CTX_new(hmac.get())};
  auto hash = std::array{'S', 'M', '3', '\0'};
  OSSL_PARAM settings[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash.data(), 0),
      OSSL_PARAM_construct_end()};
  auto length = std::array<unsigned char, 8>{};
  for (auto i = std::size_t{0}; i < length.size(); ++i)
    length[i] = static_cast<unsigned char>(known.size() >> (56 - 8 * i));
  auto out = std::string(32, '\0');
  auto size = std::size_t{0};
  must(context && EVP_MAC_init(context.get(), bytes_of(key), key.size(), settings) == 1 &&
           EVP_MAC_update(context.get(), length.data(), length.size()) == 1 &&
           EVP_MAC_update(context.get(), bytes_of(known), known.size()) == 1 &&
           EVP_MAC_update(context.get(), bytes_of(sealed), sealed.size()) == 1 &&
           EVP_MAC_final(context.get(), bytes_of(out), &size, out.size()) == 1,
      "HMAC-SM3");
  return out;
}

void add_known(EVP_CIPHER_CTX* context, std::string_view known) {
  auto size = 0;
  must(EVP_CipherUpdate(context, nullptr, &size, bytes_of(known), static_cast<int>(known.size())) ==
           1,
      "EVP_CipherUpdate");
}

} // namespace

const suite* find_suite(std::uint8_t number) {
  auto found = std::ranges::find(suites, static_cast<data_cipher>(number), &suite::id);
  return found == suites.end() ? nullptr : found;
}

const suite& suite_of(data_cipher x) { return *find_suite(static_cast<std::uint8_t>(x)); }

std::string draw_keys(
    const suite& with, key_wrap kind, std::string_view secret, std::string_view wrapped) {
  thread_local auto kdf = evp_ptr<EVP_KDF>{EVP_KDF_fetch(nullptr, "HKDF", nullptr)};
  thread_local auto context = evp_ptr<EVP_KDF_CTX>{EVP_KDF_CTX_new(kdf.get())};
  must(context != nullptr, "HKDF");
  EVP_KDF_CTX_reset(context.get());
  auto info = std::string{"SHOAL1-MGW"};
  info += static_cast<char>(kind);
  info += static_cast<char>(with.id);
  auto open = [](std::string_view x) { return const_cast<char*>(x.data()); };
  OSSL_PARAM settings[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, open(with.hash), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, open(secret), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, open(wrapped), wrapped.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end()};
  auto out = std::string(2 * with.keys(), '\0');
  must(EVP_KDF_derive(context.get(), bytes_of(out), out.size(), settings) == 1, "HKDF");
  return out;
}

std::string associated(
    std::string_view direction, const cipher_context& where, std::string_view head) {
  auto out = std::string{direction};
  for (auto part : {where.operation, where.app, where.workspace, head}) {
    out += static_cast<char>(part.size() >> 8);
    out += static_cast<char>(part.size() & 0xff);
    out.append(part);
  }
  return out;
}

void seal(const suite& with, std::string_view keys, std::string_view known, std::string_view data,
    std::string& out) {
  auto begin = out.size();
  auto nonce = random_bytes(with.nonce);
  out.reserve(begin + with.nonce + data.size() + with.tag);
  out += nonce;
  auto* context = begin_cipher(with, keys.substr(0, with.key), nonce, true);
  if (with.mac_key != 0) {
    pass_through(context, data, out);
    out += sm3_tag(keys.substr(with.key), known, std::string_view{out}.substr(begin));
    return;
  }
  add_known(context, known);
  pass_through(context, data, out);
  auto tag = std::string(with.tag, '\0');
  auto size = 0;
  must(EVP_CipherFinal_ex(context, bytes_of(tag), &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(
               context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) == 1,
      "sealing");
  out += tag;
}

std::optional<std::string> open(
    const suite& with, std::string_view keys, std::string_view known, std::string_view sealed) {
  if (sealed.size() < with.nonce + with.tag)
    return {};
  auto nonce = sealed.substr(0, with.nonce);
  auto data = sealed.substr(with.nonce, sealed.size() - with.nonce - with.tag);
  auto tag = std::string{sealed.substr(sealed.size() - with.tag)};
  auto out = std::string{};
  if (with.mac_key != 0) {
    auto expected =
        sm3_tag(keys.substr(with.key), known, sealed.substr(0, sealed.size() - with.tag));
    if (!equal_in_constant_time(tag, expected))
      return {};
    pass_through(begin_cipher(with, keys.substr(0, with.key), nonce, false), data, out);
    return out;
  }
  auto* context = begin_cipher(with, keys.substr(0, with.key), nonce, false);
  add_known(context, known);
  pass_through(context, data, out);
  must(EVP_CIPHER_CTX_ctrl(
           context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()), tag.data()) == 1,
      "opening");
  auto size = 0;
  auto last = std::array<unsigned char, 16>{};
  auto good = EVP_CipherFinal_ex(context, last.data(), &size) == 1;
  ERR_clear_error();
  if (good)
    return out;
  OPENSSL_cleanse(out.data(), out.size()); // nobody may see what did not authenticate
  return {};
}

} // namespace shoal::mgw
