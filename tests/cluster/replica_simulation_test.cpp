#include <algorithm>
#include <iostream>
#include <thread>

#include <gtest/gtest.h>

#include "tests/cluster/replica_simulation.hpp"

namespace shoal::cluster {
namespace {

#ifdef NDEBUG
constexpr auto histories = std::uint64_t{2000};
#else
constexpr auto histories = std::uint64_t{100}; // with sanitizers or without optimization
#endif
constexpr auto enough_for_a_mutation = std::uint64_t{2000};

simulation_summary run(std::uint64_t count, const replica_rules& rules) {
  auto plan = simulation_plan{};
  plan.histories = count;
  plan.rules = rules;
  plan.threads = std::max(1u, std::thread::hardware_concurrency());
  return simulate(plan);
}

std::string story(std::uint64_t seed) {
  auto result = simulate(simulation_options{seed, {}, 60});
  auto out = "seed " + std::to_string(seed) + "; replay with shoal-replica-sim --replay\n";
  for (const auto& line : result.trace)
    out += line + "\n";
  return out + (result.broken ? result.broken->rule + ": " + result.broken->what : "");
}

TEST(replica_simulation, finds_no_broken_rule) {
  auto summary = run(histories, {});
  EXPECT_FALSE(summary.first_broken) << story(*summary.first_broken);
  std::cout << summary.histories << " histories from seed 1: " << to_string(summary.counts) << "\n";
}

TEST(replica_simulation, meets_every_kind_of_trouble) {
  auto c = run(100, {}).counts;
  for (auto n : {c.acknowledged, c.unknown, c.refused, c.lost_messages, c.views, c.epochs_served,
           c.member_changes, c.hand_overs, c.crashes, c.pauses, c.cuts, c.clock_jumps, c.slow_disks,
           c.meta_outages, c.damages, c.quarantines, c.checkpoints, c.truncations, c.suspensions,
           c.fetches})
    EXPECT_GT(n, 0u) << to_string(c);
}

TEST(replica_simulation, replays_a_seed_exactly) {
  for (auto seed : {7u, 8u, 9u}) {
    auto first = simulate(simulation_options{seed, {}, 1'000'000});
    auto second = simulate(simulation_options{seed, {}, 1'000'000});
    EXPECT_EQ(first.trace, second.trace);
    EXPECT_GT(first.trace.size(), 100u);
  }
}

class replica_mutation : public testing::TestWithParam<named_mutation> {};

TEST_P(replica_mutation, is_found) {
  auto summary = run(enough_for_a_mutation, GetParam().rules);
  ASSERT_TRUE(summary.first_broken);
  auto seed = *summary.first_broken;
  std::cout << "seed " << seed << ": " << summary.broken.begin()->first << "\n";
  EXPECT_FALSE(simulate(simulation_options{seed, {}, 0}).broken) << "without the bug too";
}

INSTANTIATE_TEST_SUITE_P(each, replica_mutation, testing::ValuesIn(replica_mutations()),
    [](const testing::TestParamInfo<named_mutation>& x) {
      auto name = x.param.name;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

} // namespace
} // namespace shoal::cluster
