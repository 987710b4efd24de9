// The circuit breaker of one API on one I/O loop. Pure; time is passed in.
//
//   closed ── too many bad calls in the window ──> open ── open_s later ──> half open
//     ^                                             ^                         │ one call tries
//     └──────────────── it went well ───────────────┼─────────────────────────┘
//                                                   └── it did not ───────────┘
//
// The window is counted in ten slices, so that old calls leave it gradually.
#pragma once

#include <array>
#include <cstdint>

#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

class breaker {
public:
  /// Whether a call may go on; in the half-open state only one may. Whoever was let through tells
  /// how it ended with `on_call`, or with `on_abandoned`.
  bool allow(const breaker_rule& by, std::int64_t now_ms);

  void on_call(const breaker_rule& by, bool failed, std::int64_t cost_ms, std::int64_t now_ms);

  /// A call that was let through ended without having met the backend.
  void on_abandoned() { trying_ = false; }

  enum class state : std::uint8_t { closed, open, half_open };
  state at() const { return state_; }

private:
  static constexpr std::size_t slices = 10;
  struct slice {
    std::int64_t number = -1; // of the time it is about
    std::uint32_t calls = 0, bad = 0;
  };

  void count(const breaker_rule& by, bool bad, std::int64_t now_ms);
  bool is_bad(const breaker_rule& by, std::int64_t now_ms) const;
  static std::int64_t slice_ms(const breaker_rule& by);
  void open(const breaker_rule& by, std::int64_t now_ms);

  std::array<slice, slices> window_;
  std::int64_t open_until_ms_ = 0;
  state state_ = state::closed;
  bool trying_ = false;
};

} // namespace shoal::gateway
