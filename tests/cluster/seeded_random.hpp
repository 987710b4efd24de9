// Random numbers that are the same everywhere for a seed; the standard distributions are not.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace shoal::cluster {

class seeded_random {
public:
  explicit seeded_random(std::uint64_t seed) : state_{seed * 0x9e3779b97f4a7c15 + 1} {}

  std::uint64_t next() {
    auto z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  /// 0 .. bound-1; `bound` is at least 1.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + below(high - low + 1);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool chance(double p) { return unit() < p; }

  template <class T>
  const T& pick(const std::vector<T>& xs) {
    return xs[below(xs.size())];
  }

  template <class T>
  void shuffle(std::vector<T>& xs) {
    for (auto i = xs.size(); i > 1; --i)
      std::swap(xs[i - 1], xs[below(i)]);
  }

private:
  std::uint64_t state_;
};

} // namespace shoal::cluster
