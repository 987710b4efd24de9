#include "protocol/mgw/envelope_cipher.hpp"

#include <iterator>

#include <openssl/crypto.h>

#include "protocol/mgw/evp.hpp"
#include "protocol/mgw/key_wraps.hpp"
#include "protocol/mgw/sealed_data.hpp"
#include "protocol/signing.hpp"

namespace shoal::mgw {
namespace {

constexpr char version = 1;
constexpr std::size_t request_head = 6; // before the wrapped secret
constexpr std::size_t response_head = 2;

std::uint8_t byte(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
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

std::string envelope_steps::sealed(EVP_PKEY* key, envelope_keys::choice which, data_cipher cipher,
    std::string_view data, const cipher_context& where, cipher_session& session) {
  auto [secret, wrapped] = wrap_new_secret(key, which.kind);
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
