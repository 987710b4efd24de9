#include "protocol/tls/ticket_keys.hpp"

#include <algorithm>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/rand.h>

namespace shoal::tls {
namespace {

void fill(std::span<std::uint8_t> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error{"no random bytes for a session ticket key"};
}

ticket_key new_key() {
  auto key = ticket_key{};
  fill(key.name);
  fill(key.cipher);
  fill(key.mac);
  return key;
}

} // namespace

ticket_keys::ticket_keys(std::chrono::seconds lifetime, time_point now)
    : lifetime_{lifetime}, made_at_{now}, current_{new_key()} {}

ticket_keys::~ticket_keys() {
  OPENSSL_cleanse(&current_, sizeof(current_));
  if (previous_)
    OPENSSL_cleanse(&*previous_, sizeof(*previous_));
}

ticket_key ticket_keys::sealing(time_point now) {
  auto guard = std::lock_guard{mutex_};
  rotate_if_due(now);
  return current_;
}

std::optional<ticket_keys::opened> ticket_keys::opening(
    std::span<const std::uint8_t, 16> name, time_point now) {
  auto guard = std::lock_guard{mutex_};
  rotate_if_due(now);
  if (std::ranges::equal(name, current_.name))
    return opened{current_, false};
  if (previous_ && std::ranges::equal(name, previous_->name))
    return opened{*previous_, true};
  return std::nullopt;
}

void ticket_keys::rotate(time_point now) {
  auto guard = std::lock_guard{mutex_};
  previous_ = current_;
  current_ = new_key();
  made_at_ = now;
}

void ticket_keys::rotate_if_due(time_point now) {
  auto age = now - made_at_;
  if (age < lifetime_)
    return;
  if (age < 2 * lifetime_)
    previous_ = current_;
  else
    previous_.reset();
  current_ = new_key();
  made_at_ = now;
}

} // namespace shoal::tls
