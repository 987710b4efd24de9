// Requests that only the gateway can read, and answers that only the caller can: a session secret
// under one of the server's public keys, data under keys drawn from it. README.md has the bytes.
//
// Every way in which opening can fail gives the same answer, by the same way through the code: a
// secret that does not unwrap is replaced by a random one, with which the data then does not
// authenticate. Keys are prepared once and shared by all threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/types.h>

#include "protocol/mgw/request.hpp"

namespace shoal::mgw {

enum class key_wrap : std::uint8_t { rsa = 1, ecc = 2, sm2 = 3 };
enum class data_cipher : std::uint8_t { aes_256_gcm = 1, sm4_ctr_hmac_sm3 = 2 };

/// "RSA", "ECC", "SM2", as in the `Crypt` header; case does not matter.
std::optional<key_wrap> key_wrap_of(std::string_view name);
std::string_view to_string(key_wrap x);

/// What is authenticated with the data without being sent: an envelope of one call opens in no
/// other.
struct cipher_context {
  std::string_view operation, app, workspace;
};

/// The keys of one call, both ways. Overwritten when destroyed.
class cipher_session {
public:
  cipher_session() = default;
  cipher_session(cipher_session&& other) noexcept;
  cipher_session& operator=(cipher_session&& other) noexcept;
  ~cipher_session();

  explicit operator bool() const { return !keys_.empty(); }

private:
  friend struct envelope_steps;
  data_cipher cipher_ = data_cipher::aes_256_gcm;
  std::string keys_; // to the server, then to the client
};

/// The private keys of one app in one workspace, by kind and number. Several numbers of a kind are
/// how keys are changed: clients with the old public key go on until the number is removed.
class envelope_keys {
public:
  /// RSA of 2048 to 4096 bits, P-256 or SM2, as PKCS #8 or traditional PEM. Returns "" or what is
  /// wrong.
  std::string add(std::uint8_t number, std::string_view private_pem);
  void remove(key_wrap kind, std::uint8_t number);
  bool has(key_wrap kind) const;

  /// One that clients may seal for: the highest number of the first kind there is.
  struct choice {
    key_wrap kind = key_wrap::rsa;
    std::uint8_t number = 0;
  };
  std::optional<choice> any() const;

  /// The half that clients have, as PEM; empty if there is no such key.
  std::string public_pem(choice which) const;

private:
  friend struct envelope_steps;
  std::map<std::pair<key_wrap, std::uint8_t>, std::shared_ptr<EVP_PKEY>> keys_;
};

/// The data of a request, and in `session` what its answer is sealed with.
std::optional<std::string> open_request(const envelope_keys& keys, key_wrap expected,
    std::string_view envelope, const cipher_context& where, cipher_session& session);

std::string seal_response(
    const cipher_session& session, std::string_view data, const cipher_context& where);

/// The client's half. Nothing if the PEM is not a public key of a kind that wraps.
std::optional<std::string> seal_request(std::string_view public_pem, std::uint8_t key_number,
    data_cipher cipher, std::string_view data, const cipher_context& where,
    cipher_session& session);

/// The same with the public half of a key that is kept here; nothing if there is no such key.
std::optional<std::string> seal_request(const envelope_keys& keys, envelope_keys::choice which,
    data_cipher cipher, std::string_view data, const cipher_context& where,
    cipher_session& session);

std::optional<std::string> open_response(
    const cipher_session& session, std::string_view envelope, const cipher_context& where);

/// What opens the answers of a session, and nothing else of it: for whoever asked somebody else to
/// seal a call. Secret.
std::string answer_key(const cipher_session& session);

/// Nothing, too, if the key is none.
std::optional<std::string> open_response(
    std::string_view answer_key, std::string_view envelope, const cipher_context& where);

/// Replaces the call's data by what is inside. A call that is not encrypted stays as it is.
std::optional<failure> open_call(call& x, const envelope_keys& keys, cipher_session& session);

/// Seals the result, if there is one, for the call that `session` belongs to. Code and texts stay
/// readable: limits and logs on the way need them, and they hold nothing of the business.
void seal_answer(answer& x, const cipher_session& session, const cipher_context& where);

} // namespace shoal::mgw
