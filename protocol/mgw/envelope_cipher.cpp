#include "protocol/mgw/envelope_cipher.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "protocol/mgw/evp.hpp"
#include "protocol/signing.hpp"

namespace shoal::mgw {
namespace {

constexpr char version = 1;
constexpr std::size_t request_head = 6; // before the wrapped secret
constexpr std::size_t response_head = 2;
constexpr std::size_t secret_size = 32;
constexpr std::size_t point_size = 65; // of P-256, uncompressed

/// The sizes of one cipher.
struct suite {
  data_cipher id;
  const char* cipher;
  const char* hash;         // for HKDF
  std::size_t key, mac_key; // mac_key 0: the cipher authenticates
  std::size_t nonce, tag;

  std::size_t keys() const { return key + mac_key; } // of one direction
};

constexpr auto suites = std::array{
    suite{data_cipher::aes_256_gcm, "AES-256-GCM", "SHA256", 32, 0, 12, 16},
    suite{data_cipher::sm4_ctr_hmac_sm3, "SM4-CTR", "SM3", 16, 32, 16, 32},
};

const suite* find_suite(std::uint8_t number) {
  auto found = std::ranges::find(suites, static_cast<data_cipher>(number), &suite::id);
  return found == suites.end() ? nullptr : found;
}

const suite& suite_of(data_cipher x) { return *find_suite(static_cast<std::uint8_t>(x)); }

std::uint8_t byte(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}

std::optional<key_wrap> kind_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1)
    return key_wrap::rsa;
  if (EVP_PKEY_is_a(key, "SM2") == 1)
    return key_wrap::sm2;
  auto name = std::array<char, 32>{};
  if (EVP_PKEY_is_a(key, "EC") == 1 &&
      EVP_PKEY_get_group_name(key, name.data(), name.size(), nullptr) == 1 &&
      std::string_view{name.data()} == "prime256v1")
    return key_wrap::ecc;
  return {};
}

// -- wrapping the secret --------------------------------------------------------------------------

evp_ptr<EVP_PKEY_CTX> context_for(EVP_PKEY* key) {
  auto out = evp_ptr<EVP_PKEY_CTX>{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
  must(out != nullptr, "EVP_PKEY_CTX_new");
  return out;
}

bool use_oaep(EVP_PKEY_CTX* context, key_wrap kind) {
  return kind != key_wrap::rsa ||
         (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_oaep_md_name(context, "SHA256", nullptr) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, "SHA256", nullptr) == 1);
}

/// The secret of an RSA or SM2 envelope; of any other length if it is not what a client wraps.
std::string decrypt_secret(EVP_PKEY* key, key_wrap kind, std::string_view wrapped) {
  auto context = context_for(key);
  must(EVP_PKEY_decrypt_init(context.get()) == 1 && use_oaep(context.get(), kind), "decrypting");
  auto size = std::size_t{0};
  if (EVP_PKEY_decrypt(context.get(), nullptr, &size, bytes_of(wrapped), wrapped.size()) != 1)
    return {};
  auto out = std::string(size, '\0');
  if (EVP_PKEY_decrypt(context.get(), bytes_of(out), &size, bytes_of(wrapped), wrapped.size()) != 1)
    return {};
  out.resize(size);
  return out;
}

std::string encrypt_secret(EVP_PKEY* key, key_wrap kind, std::string_view secret) {
  auto context = context_for(key);
  must(EVP_PKEY_encrypt_init(context.get()) == 1 && use_oaep(context.get(), kind), "encrypting");
  auto size = std::size_t{0};
  must(EVP_PKEY_encrypt(context.get(), nullptr, &size, bytes_of(secret), secret.size()) == 1,
      "encrypting");
  auto out = std::string(size, '\0');
  must(EVP_PKEY_encrypt(context.get(), bytes_of(out), &size, bytes_of(secret), secret.size()) == 1,
      "encrypting");
  out.resize(size);
  return out;
}

/// What both sides of P-256 compute; empty if the other's point is not one.
std::string agree(EVP_PKEY* mine, EVP_PKEY* other) {
  auto context = context_for(mine);
  auto out = std::string(secret_size, '\0');
  auto size = out.size();
  if (!other || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other) != 1 ||
      EVP_PKEY_derive(context.get(), bytes_of(out), &size) != 1)
    return {};
  return out;
}

evp_ptr<EVP_PKEY> point_of(EVP_PKEY* same_group, std::string_view point) {
  auto out = evp_ptr<EVP_PKEY>{EVP_PKEY_new()};
  if (point.size() != point_size || !out || EVP_PKEY_copy_parameters(out.get(), same_group) != 1 ||
      EVP_PKEY_set1_encoded_public_key(out.get(), bytes_of(point), point.size()) != 1)
    return nullptr;
  return out;
}

std::string encoded_point(EVP_PKEY* key) {
  auto* bytes = static_cast<unsigned char*>(nullptr);
  auto size = EVP_PKEY_get1_encoded_public_key(key, &bytes);
  must(size == point_size, "encoding a point");
  auto out = std::string{reinterpret_cast<char*>(bytes), size};
  OPENSSL_free(bytes);
  return out;
}

/// Always 32 bytes: the secret, or random ones. Which of the two is chosen without a branch.
std::string unwrap(EVP_PKEY* key, key_wrap kind, std::string_view wrapped) {
  auto instead = random_bytes(secret_size);
  auto got = kind == key_wrap::ecc ? agree(key, point_of(key, wrapped).get())
                                   : decrypt_secret(key, kind, wrapped);
  ERR_clear_error();
  auto good = static_cast<unsigned char>(0 - static_cast<unsigned>(got.size() == secret_size));
  got.resize(secret_size);
  for (auto i = std::size_t{0}; i < secret_size; ++i)
    instead[i] = static_cast<char>((got[i] & good) | (instead[i] & ~good));
  OPENSSL_cleanse(got.data(), got.size());
  return instead;
}

// -- keys and data --------------------------------------------------------------------------------

/// Keys of both directions out of the secret (RFC 5869).
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

/// "request" or "response", then what the two sides know: each with its length, so that no two
/// contexts look alike.
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

/// Appends nonce, ciphertext and tag.
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

} // namespace

std::optional<key_wrap> key_wrap_of(std::string_view name) {
  for (auto x : {key_wrap::rsa, key_wrap::ecc, key_wrap::sm2})
    if (http::same_name(name, to_string(x)))
      return x;
  return {};
}

std::string_view to_string(key_wrap x) {
  switch (x) {
  case key_wrap::rsa:
    return "RSA";
  case key_wrap::ecc:
    return "ECC";
  case key_wrap::sm2:
    return "SM2";
  }
  return "";
}

cipher_session::cipher_session(cipher_session&& other) noexcept { *this = std::move(other); }

cipher_session& cipher_session::operator=(cipher_session&& other) noexcept {
  std::swap(cipher_, other.cipher_);
  std::swap(keys_, other.keys_);
  return *this;
}

cipher_session::~cipher_session() { OPENSSL_cleanse(keys_.data(), keys_.size()); }

std::string envelope_keys::add(std::uint8_t number, std::string_view private_pem) {
  auto key = read_key(private_pem, true);
  if (!key)
    return "this is not a private key in PEM";
  auto kind = kind_of(key.get());
  if (!kind)
    return "the key must be RSA, P-256 or SM2";
  if (kind == key_wrap::rsa &&
      (EVP_PKEY_get_bits(key.get()) < 2048 || EVP_PKEY_get_bits(key.get()) > 4096))
    return "the RSA key must have 2048 to 4096 bits";
  keys_[{*kind, number}] = std::move(key);
  return {};
}

void envelope_keys::remove(key_wrap kind, std::uint8_t number) { keys_.erase({kind, number}); }

bool envelope_keys::has(key_wrap kind) const {
  auto first = keys_.lower_bound({kind, 0});
  return first != keys_.end() && first->first.first == kind;
}

std::optional<envelope_keys::choice> envelope_keys::any() const {
  if (keys_.empty())
    return {};
  auto kind = keys_.begin()->first.first;
  auto last = std::prev(keys_.upper_bound({kind, std::uint8_t{255}}));
  return choice{kind, last->first.second};
}

struct envelope_steps {
  static cipher_session session_of(
      const suite& with, key_wrap kind, std::string_view secret, std::string_view wrapped) {
    auto out = cipher_session{};
    out.cipher_ = with.id;
    out.keys_ = draw_keys(with, kind, secret, wrapped);
    return out;
  }

  static EVP_PKEY* key_of(const envelope_keys& keys, key_wrap kind, std::uint8_t number) {
    auto found = keys.keys_.find({kind, number});
    return found == keys.keys_.end() ? nullptr : found->second.get();
  }

  /// Of which only answers can be opened; nothing if the text is no such key.
  static cipher_session session_of_answers(std::string_view answer_key) {
    auto out = cipher_session{};
    auto* with = answer_key.empty() ? nullptr : find_suite(byte(answer_key, 0));
    if (!with || answer_key.size() != 1 + with->keys())
      return out;
    out.cipher_ = with->id;
    out.keys_.assign(with->keys(), '\0');
    out.keys_.append(answer_key.substr(1));
    return out;
  }

  static std::string sealed(EVP_PKEY* key, envelope_keys::choice which, data_cipher cipher,
      std::string_view data, const cipher_context& where, cipher_session& session);

  static const suite& suite_in(const cipher_session& x) { return suite_of(x.cipher_); }

  static std::string_view keys_in(const cipher_session& x, bool to_server) {
    auto size = suite_in(x).keys();
    return std::string_view{x.keys_}.substr(to_server ? 0 : size, size);
  }
};

std::string envelope_keys::public_pem(choice which) const {
  auto* key = envelope_steps::key_of(*this, which.kind, which.number);
  if (!key)
    return {};
  auto out = evp_ptr<BIO>{BIO_new(BIO_s_mem())};
  must(out && PEM_write_bio_PUBKEY(out.get(), key) == 1, "PEM_write_bio_PUBKEY");
  char* text = nullptr;
  auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::optional<std::string> open_request(const envelope_keys& keys, key_wrap expected,
    std::string_view envelope, const cipher_context& where, cipher_session& session) {
  // What follows up to `unwrap` looks only at what everybody on the way can see.
  if (envelope.size() < request_head || envelope[0] != version)
    return {};
  auto* with = find_suite(byte(envelope, 2));
  auto size = static_cast<std::size_t>(byte(envelope, 4) << 8 | byte(envelope, 5));
  auto* key = envelope_steps::key_of(keys, expected, byte(envelope, 3));
  if (byte(envelope, 1) != static_cast<std::uint8_t>(expected) || !with || !key ||
      envelope.size() - request_head < size)
    return {};
  auto wrapped = envelope.substr(request_head, size);
  auto secret = unwrap(key, expected, wrapped);
  auto made = envelope_steps::session_of(*with, expected, secret, wrapped);
  OPENSSL_cleanse(secret.data(), secret.size());
  auto head = envelope.substr(0, request_head + size);
  auto data = open(*with, envelope_steps::keys_in(made, true), associated("request", where, head),
      envelope.substr(head.size()));
  if (data)
    session = std::move(made);
  return data;
}

std::string seal_response(
    const cipher_session& session, std::string_view data, const cipher_context& where) {
  auto& with = envelope_steps::suite_in(session);
  auto out = std::string{version, static_cast<char>(with.id)};
  auto known = associated("response", where, out);
  seal(with, envelope_steps::keys_in(session, false), known, data, out);
  return out;
}

std::optional<std::string> seal_request(std::string_view public_pem, std::uint8_t key_number,
    data_cipher cipher, std::string_view data, const cipher_context& where,
    cipher_session& session) {
  auto key = read_key(public_pem, false);
  auto kind = key ? kind_of(key.get()) : std::nullopt;
  if (!kind)
    return {};
  return envelope_steps::sealed(key.get(), {*kind, key_number}, cipher, data, where, session);
}

std::optional<std::string> seal_request(const envelope_keys& keys, envelope_keys::choice which,
    data_cipher cipher, std::string_view data, const cipher_context& where,
    cipher_session& session) {
  auto* key = envelope_steps::key_of(keys, which.kind, which.number);
  if (!key)
    return {};
  return envelope_steps::sealed(key, which, cipher, data, where, session);
}

/// Of the key, only the public half is used.
std::string envelope_steps::sealed(EVP_PKEY* key, envelope_keys::choice which, data_cipher cipher,
    std::string_view data, const cipher_context& where, cipher_session& session) {
  auto secret = random_bytes(secret_size);
  auto wrapped = std::string{};
  if (which.kind == key_wrap::ecc) {
    auto mine = evp_ptr<EVP_PKEY>{EVP_EC_gen("P-256")};
    must(mine != nullptr, "EVP_EC_gen");
    wrapped = encoded_point(mine.get());
    secret = agree(mine.get(), key);
  } else {
    wrapped = encrypt_secret(key, which.kind, secret);
  }
  session = session_of(suite_of(cipher), which.kind, secret, wrapped);
  OPENSSL_cleanse(secret.data(), secret.size());
  auto out = std::string{version, static_cast<char>(which.kind), static_cast<char>(cipher),
      static_cast<char>(which.number), static_cast<char>(wrapped.size() >> 8),
      static_cast<char>(wrapped.size() & 0xff)};
  out += wrapped;
  auto known = associated("request", where, out);
  seal(suite_of(cipher), keys_in(session, true), known, data, out);
  return out;
}

std::optional<std::string> open_response(
    const cipher_session& session, std::string_view envelope, const cipher_context& where) {
  auto& with = envelope_steps::suite_in(session);
  if (!session || envelope.size() < response_head || envelope[0] != version ||
      byte(envelope, 1) != static_cast<std::uint8_t>(with.id))
    return {};
  return open(with, envelope_steps::keys_in(session, false),
      associated("response", where, envelope.substr(0, response_head)),
      envelope.substr(response_head));
}

std::string answer_key(const cipher_session& session) {
  if (!session)
    return {};
  auto out = std::string{static_cast<char>(envelope_steps::suite_in(session).id)};
  return out.append(envelope_steps::keys_in(session, false));
}

std::optional<std::string> open_response(
    std::string_view answer_key, std::string_view envelope, const cipher_context& where) {
  return open_response(envelope_steps::session_of_answers(answer_key), envelope, where);
}

std::optional<failure> open_call(call& x, const envelope_keys& keys, cipher_session& session) {
  if (x.encryption.empty())
    return {};
  auto kind = key_wrap_of(x.encryption);
  auto bytes = std::string{};
  if (!kind || (x.data_in_field && !unbase64(x.data, bytes)))
    return failure{result::decryption_failed, ""};
  auto data = open_request(keys, *kind, x.data_in_field ? std::string_view{bytes} : x.data,
      {x.operation, x.app, x.workspace}, session);
  if (!data)
    return failure{result::decryption_failed, ""};
  x.data = std::move(*data);
  if (x.data.empty())
    return failure{result::request_data_empty, ""};
  return {};
}

void seal_answer(answer& x, const cipher_session& session, const cipher_context& where) {
  if (x.result_data.empty())
    return;
  x.result_data = seal_response(session, x.result_data, where);
  x.form = result_form::bytes;
  x.content_type = "application/octet-stream";
}

} // namespace shoal::mgw
