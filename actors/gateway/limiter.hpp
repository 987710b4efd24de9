// The limits of all worlds on this node, for all I/O loops: one gate per rule, and per user, device
// or address where a rule says so.
//
// Exact on the node. Over the cluster each node has a share of every limit (`set_share`): nodes ask
// nobody while they decide. README.md, "Limits", tells the error that leaves.
//
// Bounded: `capacity` gates. Gates that nobody has used for their burst are forgotten first, which
// changes nothing; if there are none such, calls with a new subject pass uncounted, because the
// limits above them (API, app) still hold and refusing strangers would let one caller lock out
// all.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"
#include "actors/gateway/rate_gate.hpp"
#include "actors/gateway/registry.hpp"

namespace shoal::gateway {

class limiter {
public:
  explicit limiter(std::size_t capacity = 1'000'000) : per_shard_{capacity / shard_count + 1} {}

  /// Null if the call may go on, else the rule that refuses it. The rules of the API, or else the
  /// app's default for each API; then the app's total.
  const limit_rule* refusal_of(
      const call& x, const world& in, const api_definition& api, std::int64_t now_ns);

  /// The part of every limit that this node may use, 0 … 1.
  void set_share(double x) { share_.store(x, std::memory_order_relaxed); }
  double share() const { return share_.load(std::memory_order_relaxed); }

  /// Calls that only observing rules would have refused.
  std::uint64_t observed() const { return observed_.load(std::memory_order_relaxed); }

  std::size_t size() const;

private:
  static constexpr std::size_t shard_count = 64;
  struct shard {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, rate_gate> gates;
    std::int64_t swept_ns = 0;
  };

  bool holds(const limit_rule& rule, std::uint64_t scope, const call& x, std::int64_t now_ns);
  bool pass(std::uint64_t key, const rate& by, std::int64_t now_ns);

  std::size_t per_shard_;
  std::array<shard, shard_count> shards_;
  std::atomic<double> share_{1};
  std::atomic<std::uint64_t> observed_{0};
};

} // namespace shoal::gateway
