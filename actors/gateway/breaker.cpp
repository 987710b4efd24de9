#include "actors/gateway/breaker.hpp"

#include <algorithm>

namespace shoal::gateway {

bool breaker::allow(const breaker_rule& by, std::int64_t now_ms) {
  if (state_ == state::closed)
    return true;
  if (state_ == state::open) {
    if (now_ms < open_until_ms_)
      return false;
    state_ = state::half_open;
    trying_ = false;
  }
  // A trial that never came back must not keep the breaker half open for ever.
  if (trying_ && now_ms < open_until_ms_ + std::int64_t{1000} * by.open_s)
    return false;
  open_until_ms_ = now_ms;
  trying_ = true;
  return true;
}

void breaker::on_call(
    const breaker_rule& by, bool failed, std::int64_t cost_ms, std::int64_t now_ms) {
  auto bad = by.model == breaker_model::errors ? failed : failed || cost_ms > by.slow_ms;
  if (state_ == state::half_open) {
    if (!trying_)
      return; // began before the breaker opened
    trying_ = false;
    if (bad)
      return open(by, now_ms);
    state_ = state::closed;
    window_ = {};
    return;
  }
  if (state_ == state::open)
    return;
  count(by, bad, now_ms);
  if (bad && is_bad(by, now_ms))
    open(by, now_ms);
}

void breaker::open(const breaker_rule& by, std::int64_t now_ms) {
  state_ = state::open;
  open_until_ms_ = now_ms + std::int64_t{1000} * std::max(1u, by.open_s);
}

std::int64_t breaker::slice_ms(const breaker_rule& by) {
  return std::max<std::int64_t>(1, std::int64_t{1000} * by.window_s / std::int64_t{slices});
}

void breaker::count(const breaker_rule& by, bool bad, std::int64_t now_ms) {
  auto number = now_ms / slice_ms(by);
  auto& x = window_[static_cast<std::size_t>(number) % slices];
  if (x.number != number)
    x = {number, 0, 0};
  ++x.calls;
  x.bad += bad ? 1 : 0;
}

bool breaker::is_bad(const breaker_rule& by, std::int64_t now_ms) const {
  auto oldest = now_ms / slice_ms(by) - std::int64_t{slices} + 1;
  auto calls = std::uint64_t{0}, bad = std::uint64_t{0};
  for (auto& x : window_)
    if (x.number >= oldest) {
      calls += x.calls;
      bad += x.bad;
    }
  auto threshold = by.model == breaker_model::errors ? by.error_threshold : by.slow_ratio_threshold;
  return calls >= std::max(1u, by.min_calls) && bad * 100 >= calls * threshold;
}

} // namespace shoal::gateway
