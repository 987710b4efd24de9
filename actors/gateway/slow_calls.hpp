// Calls that took longer than their API or app allows: where their time went, and a line about each
// in the node's log, at most so many. The clock's times are passed in.
//
//   own ──> authorizer ──> queue ──> connect ──> backend ──> own ──> write
//
// `queue` is the wait for a connection to the backend (or for its name), `connect` the making of
// one, `backend` from the first byte sent to the last received, `write` the handing of the answer
// to the caller's connection, `own` the rest: checks, header rules, encryption. An attempt that
// failed counts, too, so that the parts add up to the whole.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "actors/gateway/call.hpp"
#include "actors/gateway/rate_gate.hpp"

namespace shoal::gateway {

enum class phase : std::uint8_t { own, authorizer, queue, connect, backend, write };

/// A stopwatch with one hand per phase. Times are of any steady clock, in microseconds.
class phase_times {
public:
  explicit phase_times(std::int64_t now_us) : begun_us_{now_us}, since_us_{now_us} {}

  /// What goes on from now on.
  void enter(phase next, std::int64_t now_us) {
    spent_us_[index(at_)] += now_us - since_us_;
    since_us_ = now_us;
    at_ = next;
  }

  std::int64_t begun_us() const { return begun_us_; }
  std::int64_t spent_us(phase x) const { return spent_us_[index(x)]; }

  /// Until the last `enter`.
  std::int64_t total_us() const { return since_us_ - begun_us_; }

private:
  static std::size_t index(phase x) { return static_cast<std::size_t>(x); }

  std::array<std::int64_t, 6> spent_us_{};
  std::int64_t begun_us_;
  std::int64_t since_us_;
  phase at_ = phase::own;
};

/// How many lines a node may write: 20 a second, 40 at once. For any thread.
class slow_call_gate {
public:
  /// Nothing: no line now. Else how many were left out since the line before.
  std::optional<std::uint64_t> admit(std::int64_t now_ns) {
    if (gate_.pass(rate::of(20, 1'000, 40), now_ns))
      return left_out_.exchange(0, std::memory_order_relaxed);
    left_out_.fetch_add(1, std::memory_order_relaxed);
    return {};
  }

private:
  rate_gate gate_;
  std::atomic<std::uint64_t> left_out_{0};
};

struct slow_call {
  std::string app, workspace, operation, system, trace_id;
  unsigned code = 0;
  std::uint32_t attempts = 0; ///< besides the first
};

/// "slow call" in the log, as a warning.
void log_slow_call(const slow_call& x, const phase_times& spent, std::uint64_t left_out);

} // namespace shoal::gateway
