// Rates: what actors did between two looks. Keeps what the last looks saw, and forgets it when
// nobody looks any more.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <caf/all.hpp>

namespace shoal::inspect {

class sampler {
public:
  struct point {
    caf::actor_id id = 0;
    std::uint64_t handled = 0, busy_ns = 0;
  };
  struct rates {
    double per_s = 0;
    double busy = 0; ///< share of one core
  };
  static constexpr std::uint64_t shortest_ns = 200'000'000;
  static constexpr std::uint64_t oldest_ns = 15'000'000'000;

  /// Adds a look at all actors, taken at `now_ns`.
  void add(std::uint64_t now_ns, std::vector<point> points);

  /// Nanoseconds between the newest look and the one it is compared with; 0 if there is none.
  std::uint64_t window_ns() const;
  /// What an actor did in that window; an actor that was not there began at nothing.
  rates of(const point& now) const;

private:
  struct look {
    std::uint64_t ns = 0;
    std::vector<point> points; ///< by id
  };
  const look* base() const;

  std::deque<look> looks_; ///< newest last
  std::uint64_t now_ns_ = 0;
};

} // namespace shoal::inspect
