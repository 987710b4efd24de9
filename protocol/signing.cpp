#include "protocol/signing.hpp"

#include <array>
#include <charconv>
#include <memory>
#include <stdexcept>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace shoal {

namespace {

constexpr std::string_view standard_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view scheme = "SHOAL1-HMAC-SHA256 ";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.empty() ? "" : text.data());
}

// Fetching an algorithm costs more than hashing a short text; so each thread fetches once and keys
// the context anew.
class mac_context {
public:
  mac_context() {
    auto mac = std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)>{
        EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free};
    if (mac)
      ctx_.reset(EVP_MAC_CTX_new(mac.get()));
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    if (!ctx_ || EVP_MAC_CTX_set_params(ctx_.get(), params) != 1)
      throw std::runtime_error{"OpenSSL has no HMAC-SHA256"};
  }

  std::string operator()(std::string_view secret, std::string_view text) {
    std::string out(32, '\0');
    auto n = std::size_t{0};
    if (EVP_MAC_init(ctx_.get(), bytes_of(secret), secret.size(), nullptr) != 1 ||
        EVP_MAC_update(ctx_.get(), bytes_of(text), text.size()) != 1 ||
        EVP_MAC_final(ctx_.get(), reinterpret_cast<unsigned char*>(out.data()), &n, out.size()) !=
            1 ||
        n != out.size())
      throw std::runtime_error{"HMAC-SHA256 failed"};
    return out;
  }

private:
  std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> ctx_{nullptr, EVP_MAC_CTX_free};
};

class hash_context {
public:
  hash_context() {
    if (!md_ || !ctx_)
      throw std::runtime_error{"OpenSSL has no SHA-256"};
  }

  std::string operator()(std::string_view text) {
    std::string out(32, '\0');
    if (EVP_DigestInit_ex2(ctx_.get(), md_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(ctx_.get(), text.data(), text.size()) != 1 ||
        EVP_DigestFinal_ex(ctx_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr) != 1)
      throw std::runtime_error{"SHA-256 failed"};
    return out;
  }

private:
  std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> md_{
      EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> ctx_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

int nibble(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

std::string encode64(std::string_view bytes, std::string_view alphabet) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  auto held = 0u;
  auto bits = 0;
  for (auto c : bytes) {
    held = (held << 8 | static_cast<unsigned char>(c)) & 0xffff;
    for (bits += 8; bits >= 6; bits -= 6)
      out += alphabet[held >> (bits - 6) & 63];
  }
  if (bits > 0)
    out += alphabet[held << (6 - bits) & 63];
  return out;
}

std::array<signed char, 256> reverse_of(std::string_view alphabet) {
  std::array<signed char, 256> table;
  table.fill(-1);
  for (auto i = std::size_t{0}; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
  return table;
}

// Only the one canonical spelling of each byte string is accepted.
bool decode64(std::string_view text, const std::array<signed char, 256>& table, std::string& out) {
  out.clear();
  if (text.size() % 4 == 1)
    return false;
  out.reserve(text.size() / 4 * 3 + 2);
  auto held = 0u;
  auto bits = 0;
  for (auto c : text) {
    auto value = table[static_cast<unsigned char>(c)];
    if (value < 0)
      return false;
    held = (held << 6 | static_cast<unsigned>(value)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(held >> bits & 0xff);
    }
  }
  return (held & ((1u << bits) - 1)) == 0;
}

bool plain_word(std::string_view text) {
  if (text.empty() || text.size() > 128)
    return false;
  for (auto c : text)
    if (c <= ' ' || c > '~' || c == ',' || c == '"')
      return false;
  return true;
}

bool read_timestamp(std::string_view text, std::int64_t& out) {
  if (text.empty() || text.size() > 15 || text.front() == '-')
    return false;
  auto [end, err] = std::from_chars(text.data(), text.data() + text.size(), out);
  return err == std::errc{} && end == text.data() + text.size();
}

} // namespace

std::string hmac_sha256(std::string_view secret, std::string_view text) {
  thread_local mac_context mac;
  return mac(secret, text);
}

std::string sha256(std::string_view text) {
  thread_local hash_context hash;
  return hash(text);
}

std::string hex(std::string_view bytes) {
  constexpr auto digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (auto c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

bool unhex(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() % 2 != 0)
    return false;
  out.reserve(text.size() / 2);
  for (auto i = std::size_t{0}; i < text.size(); i += 2) {
    auto high = nibble(text[i]), low = nibble(text[i + 1]);
    if (high < 0 || low < 0)
      return false;
    out += static_cast<char>(high << 4 | low);
  }
  return true;
}

std::string base64(std::string_view bytes) {
  auto out = encode64(bytes, standard_alphabet);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

bool unbase64(std::string_view text, std::string& out) {
  static const auto table = reverse_of(standard_alphabet);
  out.clear();
  if (text.size() % 4 != 0)
    return false;
  for (auto i = 0; i < 2 && text.ends_with('='); ++i)
    text.remove_suffix(1);
  return decode64(text, table, out);
}

std::string base64url(std::string_view bytes) { return encode64(bytes, url_alphabet); }

bool unbase64url(std::string_view text, std::string& out) {
  static const auto table = reverse_of(url_alphabet);
  return decode64(text, table, out);
}

std::string random_bytes(std::size_t n) {
  std::string out(n, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(n)) != 1)
    throw std::runtime_error{"the system has no random numbers"};
  return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hello_string(std::string_view key, std::string_view device, std::int64_t timestamp_ms,
    std::string_view nonce) {
  std::string out = "SHOAL1-HELLO\n";
  out.append(key).append("\n").append(device).append("\n");
  out.append(std::to_string(timestamp_ms)).append("\n").append(hex(nonce));
  return out;
}

std::string request_string(std::string_view method, std::string_view path, std::string_view query,
    std::string_view body, std::int64_t timestamp_ms, std::string_view nonce) {
  std::string out = "SHOAL1-REQUEST\n";
  out.reserve(160 + path.size() + query.size());
  out.append(method).append("\n").append(path).append("\n").append(query).append("\n");
  out.append(hex(sha256(body))).append("\n").append(std::to_string(timestamp_ms)).append("\n");
  return out.append(nonce);
}

bool parse_authorization(std::string_view header, request_authorization& out) {
  if (!header.starts_with(scheme) || header.size() > 512)
    return false;
  header.remove_prefix(scheme.size());
  auto seen = 0u;
  while (!header.empty()) {
    auto part = header.substr(0, header.find(','));
    header.remove_prefix(part.size() == header.size() ? part.size() : part.size() + 1);
    while (part.starts_with(' '))
      part.remove_prefix(1);
    auto split = part.find('=');
    if (split == std::string_view::npos)
      return false;
    auto name = part.substr(0, split), value = part.substr(split + 1);
    auto bit = 0u;
    auto good = false;
    if (name == "key") {
      bit = 1;
      good = plain_word(value);
      out.key = value;
    } else if (name == "ts") {
      bit = 2;
      good = read_timestamp(value, out.timestamp_ms);
    } else if (name == "nonce") {
      bit = 4;
      good = plain_word(value);
      out.nonce = value;
    } else if (name == "sig") {
      bit = 8;
      good = value.size() == 64 && unhex(value, out.signature);
    }
    if (!good || (seen & bit) != 0)
      return false;
    seen |= bit;
  }
  return seen == 15;
}

std::string make_authorization(std::string_view key, std::string_view secret,
    std::string_view method, std::string_view path, std::string_view query, std::string_view body,
    std::int64_t timestamp_ms, std::string_view nonce) {
  auto signature =
      hmac_sha256(secret, request_string(method, path, query, body, timestamp_ms, nonce));
  std::string out{scheme};
  out.append("key=").append(key).append(",ts=").append(std::to_string(timestamp_ms));
  return out.append(",nonce=").append(nonce).append(",sig=").append(hex(signature));
}

} // namespace shoal
