#include "actors/gateway/balancer.hpp"

#include <algorithm>
#include <cmath>

namespace shoal::gateway {
namespace {

/// A good mix of 64 bits (the finalizer of SplitMix64).
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

} // namespace

std::optional<std::size_t> balancer::pick(
    balancing_kind how, std::span<const candidate> from, std::uint64_t key) {
  if (from.size() == 1)
    return from[0].usable ? std::optional<std::size_t>{0} : std::nullopt;
  switch (how) {
  case balancing_kind::round_robin:
    return in_turn(from);
  case balancing_kind::least_requests:
    return least(from);
  case balancing_kind::user_hash:
    return by_hash(from, key);
  }
  return {};
}

std::optional<std::size_t> balancer::in_turn(std::span<const candidate> from) {
  credit_.resize(from.size());
  auto total = std::int64_t{0};
  auto best = std::optional<std::size_t>{};
  for (auto i = std::size_t{0}; i < from.size(); ++i) {
    if (!from[i].usable || from[i].weight == 0)
      continue;
    total += from[i].weight;
    credit_[i] += from[i].weight;
    if (!best || credit_[i] > credit_[*best])
      best = i;
  }
  if (best)
    credit_[*best] -= total;
  return best;
}

std::optional<std::size_t> balancer::least(std::span<const candidate> from) {
  auto usable = [](auto& x) { return x.usable && x.weight != 0; };
  auto count = static_cast<std::uint64_t>(std::ranges::count_if(from, usable));
  if (count == 0)
    return {};
  auto nth = [&](std::uint64_t n) {
    for (auto i = std::size_t{0};; ++i)
      if (usable(from[i]) && n-- == 0)
        return i;
  };
  auto first = random() % count;
  auto second = count == 1 ? first : (first + 1 + random() % (count - 1)) % count;
  auto a = nth(first), b = nth(second);
  auto load = [&](std::size_t i) { return std::uint64_t{from[i].under_way} + 1; };
  return load(a) * from[b].weight <= load(b) * from[a].weight ? a : b;
}

std::optional<std::size_t> balancer::by_hash(std::span<const candidate> from, std::uint64_t key) {
  auto best = std::optional<std::size_t>{};
  auto best_score = 0.0;
  for (auto i = std::size_t{0}; i < from.size(); ++i) {
    if (!from[i].usable || from[i].weight == 0)
      continue;
    // Weighted rendezvous hashing: -weight / ln(hash in (0, 1)).
    auto draw = (static_cast<double>(mixed(key ^ mixed(from[i].id_hash)) >> 11) + 0.5) / 0x1p53;
    auto score = -static_cast<double>(from[i].weight) / std::log(draw);
    if (!best || score > best_score) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

std::uint64_t balancer::random() {
  random_ += 0x9e3779b97f4a7c15ull;
  return mixed(random_);
}

} // namespace shoal::gateway
