// The limits of all worlds on this node, for all I/O loops: one gate per rule, and per user, device
// or address where a rule says so.
//
// Exact on the node. Over the cluster each node has a share of every limit: nodes ask nobody while
// they decide. What busy rules were asked for goes to the share exchange (`take_busy`), which says
// the shares (`set_shares`). README.md, "Limits", tells the error that leaves.
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
#include <utility>
#include <vector>

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

  /// The part of every limit that this node may use, 0 … 1, unless `set_shares` says another.
  void set_share(double x) { share_.store(x, std::memory_order_relaxed); }
  double share() const { return share_.load(std::memory_order_relaxed); }

  /// Rules, and subjects of rules, that used more than half of their burst or were refused since
  /// the last call of this, and those that have shares of their own: key and calls.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> take_busy();

  /// Shares of these rules; whatever had one and is not named gets the usual one again. One thread.
  void set_shares(const std::vector<std::pair<std::uint64_t, double>>& x);

  /// Calls that only observing rules would have refused.
  std::uint64_t observed() const { return observed_.load(std::memory_order_relaxed); }

  std::size_t size() const;

private:
  static constexpr std::size_t shard_count = 64;
  static constexpr float shared_alike = -1;
  struct gate {
    rate_gate bucket;
    float own = shared_alike; ///< share, if it has one of its own
    double used = 0;          ///< the share that the bucket is made for
    std::uint32_t asked = 0;  ///< within `tick`
    std::uint32_t tick = 0;
    bool listed = false; ///< among the busy ones of `tick`
  };
  struct shard {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, gate> gates;
    std::vector<std::uint64_t> busy;
    std::int64_t swept_ns = 0;
  };

  bool holds(const limit_rule& rule, std::uint64_t scope, const call& x, std::int64_t now_ns);
  bool pass(std::uint64_t key, const limit_rule& rule, std::int64_t now_ns);
  gate* gate_of(shard& in, std::uint64_t key, std::int64_t now_ns);
  void note(shard& in, std::uint64_t key, gate& x, bool busy);

  std::size_t per_shard_;
  std::array<shard, shard_count> shards_;
  std::atomic<double> share_{1};
  std::atomic<std::uint32_t> tick_{0};
  std::vector<std::uint64_t> with_share_; ///< keys that `set_shares` named last
  std::atomic<std::uint64_t> observed_{0};
};

} // namespace shoal::gateway
