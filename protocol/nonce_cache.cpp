#include "protocol/nonce_cache.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "protocol/ids.hpp"
#include "protocol/signing.hpp"

namespace shoal {

namespace {

std::uint64_t random_seed() {
  auto bytes = random_bytes(sizeof(std::uint64_t));
  auto seed = std::uint64_t{0};
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

} // namespace

std::size_t nonce_cache::generation::place_of(std::uint64_t hash) const {
  auto mask = slots_.size() - 1;
  auto i = static_cast<std::size_t>(hash) & mask;
  while (slots_[i] != 0 && slots_[i] != hash)
    i = (i + 1) & mask;
  return i;
}

bool nonce_cache::generation::contains(std::uint64_t hash) const {
  return !slots_.empty() && slots_[place_of(hash)] == hash;
}

void nonce_cache::generation::add(std::uint64_t hash) {
  if ((size_ + 1) * 4 > slots_.size() * 3) {
    auto old = std::move(slots_);
    slots_.assign(std::max<std::size_t>(64, old.size() * 2), 0);
    for (auto x : old)
      if (x != 0)
        slots_[place_of(x)] = x;
  }
  slots_[place_of(hash)] = hash;
  ++size_;
}

nonce_cache::nonce_cache(std::int64_t start_ms, std::int64_t window_ms, std::size_t capacity)
    : start_ms_{start_ms}, window_ms_{window_ms},
      span_ms_{std::max<std::int64_t>(1, window_ms / 8)}, capacity_{capacity}, seed_{
                                                                                   random_seed()} {}

ec nonce_cache::check_time(std::int64_t timestamp_ms, std::int64_t now_ms) const {
  auto oldest = std::max(now_ms - window_ms_, start_ms_.load(std::memory_order_relaxed));
  return timestamp_ms < oldest || timestamp_ms > now_ms + window_ms_ ? ec::clock_skew : ec::none;
}

ec nonce_cache::use(
    std::string_view key, std::string_view nonce, std::int64_t timestamp_ms, std::int64_t now_ms) {
  std::string text{key};
  text.append("\n").append(std::to_string(timestamp_ms)).append("\n").append(nonce);
  auto hash = std::max<std::uint64_t>(1, stable_hash(text, seed_)); // 0 marks a free slot
  auto lock = std::lock_guard{mutex_};
  forget(now_ms);
  auto& entries = generations_[timestamp_ms / span_ms_];
  if (entries.contains(hash))
    return ec::nonce_replayed;
  if (size_ >= capacity_)
    return ec::overloaded;
  entries.add(hash);
  ++size_;
  return ec::none;
}

std::size_t nonce_cache::size() const {
  auto lock = std::lock_guard{mutex_};
  return size_;
}

void nonce_cache::forget(std::int64_t now_ms) {
  while (!generations_.empty()) {
    auto first = generations_.begin();
    if ((first->first + 1) * span_ms_ + window_ms_ > now_ms)
      return;
    size_ -= first->second.size();
    start_ms_ = std::max(start_ms_.load(), (first->first + 1) * span_ms_);
    generations_.erase(first);
  }
}

} // namespace shoal
