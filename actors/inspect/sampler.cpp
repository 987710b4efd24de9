#include "actors/inspect/sampler.hpp"

#include <algorithm>

namespace shoal::inspect {

void sampler::add(std::uint64_t now_ns, std::vector<point> points) {
  while (!looks_.empty() && looks_.front().ns + oldest_ns < now_ns)
    looks_.pop_front();
  now_ns_ = now_ns;
  // Two who look at the same time must not shorten each other's window to nothing: a look that
  // comes soon after another is compared, but not kept.
  if (!looks_.empty() && now_ns - looks_.back().ns < shortest_ns)
    return;
  std::ranges::sort(points, {}, &point::id);
  looks_.push_back({now_ns, std::move(points)});
  if (looks_.size() > 2)
    looks_.pop_front();
}

const sampler::look* sampler::base() const { return looks_.size() < 2 ? nullptr : &looks_.front(); }

std::uint64_t sampler::window_ns() const {
  auto* x = base();
  return x == nullptr ? 0 : now_ns_ - x->ns;
}

sampler::rates sampler::of(const point& now) const {
  auto* x = base();
  if (x == nullptr || window_ns() == 0)
    return {};
  auto before = point{now.id, 0, 0};
  auto i = std::ranges::lower_bound(x->points, now.id, {}, &point::id);
  if (i != x->points.end() && i->id == now.id)
    before = *i;
  auto seconds = static_cast<double>(window_ns()) / 1e9;
  return {static_cast<double>(now.handled - before.handled) / seconds,
      static_cast<double>(now.busy_ns - before.busy_ns) / 1e9 / seconds};
}

} // namespace shoal::inspect
