// Remembers signed messages so that each works once.
//
// A timestamp is accepted in [max(now - window, start), now + window]. A used message is remembered
// for as long as its own timestamp would still be accepted, in generations by timestamp (an eighth
// of the window each) that are dropped whole. Memory is bounded by `capacity`: a full cache refuses
// (`overloaded`) instead of forgetting. Only verified signatures are stored, so strangers cannot
// fill it. Thread-safe.
//
// What is forgotten stays refused even if the clock is set back, and with it at most a span of what
// was never seen. A restart forgets what was used, but nothing signed before the start is accepted.
// What remains: a message of a signer whose clock runs ahead can be repeated after a restart, until
// the server's clock has caught up with that lead.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

#include "protocol/codes.hpp"

namespace shoal {

class nonce_cache {
public:
  nonce_cache(std::int64_t start_ms, std::int64_t window_ms, std::size_t capacity = 4'000'000);

  /// `none` or `clock_skew`: may a message with this timestamp be new at all?
  ec check_time(std::int64_t timestamp_ms, std::int64_t now_ms) const;

  /// `none` the first time, then `nonce_replayed`; `overloaded` when full. Call it after
  /// `check_time` and after the signature was verified.
  ec use(
      std::string_view key, std::string_view nonce, std::int64_t timestamp_ms, std::int64_t now_ms);

  std::size_t size() const;

private:
  /// Open addressing over 64-bit hashes: 8 bytes per slot, at most three quarters full.
  class generation {
  public:
    bool contains(std::uint64_t hash) const;
    void add(std::uint64_t hash);
    std::size_t size() const { return size_; }

  private:
    std::size_t place_of(std::uint64_t hash) const;
    std::vector<std::uint64_t> slots_;
    std::size_t size_ = 0;
  };

  void forget(std::int64_t now_ms);

  std::atomic<std::int64_t> start_ms_; ///< later once something was forgotten
  const std::int64_t window_ms_, span_ms_;
  const std::size_t capacity_;
  const std::uint64_t seed_; ///< nobody can aim at collisions
  mutable std::mutex mutex_;
  std::map<std::int64_t, generation> generations_; ///< by timestamp / span
  std::size_t size_ = 0;
};

} // namespace shoal
