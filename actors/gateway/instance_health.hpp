// Whether one instance of a group should get calls: what checks and calls say of it. Pure; one per
// instance and I/O loop.
//
// Active checks take an instance out after some bad answers in a row, and back in after some good
// ones. Calls that fail in a row (passive) put it aside for a while that doubles each time; it
// comes back by itself, and a good call forgets the past. A bound on how many may be out at once is
// the group's business.
#pragma once

#include <algorithm>
#include <cstdint>

#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

class instance_health {
public:
  void on_check(bool good, const health_rule& by) {
    good_ = good ? good_ + 1 : 0;
    bad_ = good ? 0 : bad_ + 1;
    if (bad_ >= std::max(1u, by.unhealthy_after))
      down_ = true;
    if (good_ >= std::max(1u, by.healthy_after))
      down_ = false;
  }

  void on_success() {
    failed_ = 0;
    ejections_ = 0;
  }

  /// True: it should be put aside now.
  bool on_failure(const health_rule& by) {
    return by.eject_after != 0 && ++failed_ >= by.eject_after;
  }

  void eject(const health_rule& by, std::int64_t now_ms) {
    constexpr auto longest = std::int64_t{300'000};
    auto doublings = std::min(ejections_, 16u);
    out_until_ms_ = now_ms + std::min(longest, std::int64_t{by.eject_ms} << doublings);
    ++ejections_;
    failed_ = 0;
  }

  bool is_out(std::int64_t now_ms) const { return now_ms < out_until_ms_; }
  bool is_down() const { return down_; }
  bool usable(std::int64_t now_ms) const { return !down_ && !is_out(now_ms); }

private:
  std::int64_t out_until_ms_ = 0;
  std::uint32_t good_ = 0, bad_ = 0; // checks in a row
  std::uint32_t failed_ = 0;         // calls in a row
  std::uint32_t ejections_ = 0;
  bool down_ = false;
};

} // namespace shoal::gateway
