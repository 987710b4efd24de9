// Remembers nonces so that a signed message works once.
//
// A timestamp is accepted in [max(now - window, start), now + window]; because nothing older than the process' start is
// accepted, a restart does not forget replays. Two generations of hashes, swapped every window: memory is bounded by
// `capacity`, and a full cache refuses (`overloaded`) instead of forgetting. Only verified signatures are stored, so
// strangers cannot fill it. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_set>

#include "protocol/codes.hpp"

namespace shoal {

class nonce_cache {
public:
  nonce_cache(std::int64_t start_ms, std::int64_t window_ms, std::size_t capacity = 1'000'000);

  /// `none` or `clock_skew`: may a message with this timestamp be new at all?
  ec check_time(std::int64_t timestamp_ms, std::int64_t now_ms) const;

  /// `none` the first time, then `nonce_replayed`; `overloaded` when full. Call it after the signature was verified.
  ec use(std::string_view key, std::string_view nonce, std::int64_t now_ms);

  std::size_t size() const;

private:
  const std::int64_t start_ms_, window_ms_;
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::int64_t swapped_ms_;
  std::unordered_set<std::uint64_t> current_, previous_;
};

} // namespace shoal
