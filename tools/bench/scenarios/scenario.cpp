#include "tools/bench/scenarios/scenario.hpp"

#include <algorithm>

namespace shoal::bench {

std::vector<scenario> all_scenarios() {
  return {idle_scenario(), connect_scenario(), broadcast_scenario(), burst_scenario(),
      sync_scenario(), latency_scenario(), replay_scenario(), start_scenario(), cluster_scenario(),
      gateway_scenario(), soak_scenario()};
}

std::string make_payload(std::size_t size) {
  constexpr auto alphabet = std::string_view{"0123456789abcdefghijklmnopqrstuvwxyz"};
  auto result = std::string(std::max(size, stamp_size), '0');
  auto state = 12345u; // the same text in every run
  for (auto i = stamp_size; i < result.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    result[i] = alphabet[(state >> 16) % alphabet.size()];
  }
  return result;
}

double percentile(std::vector<std::int64_t>& values, double share) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  return static_cast<double>(values[at]);
}

double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

} // namespace shoal::bench
