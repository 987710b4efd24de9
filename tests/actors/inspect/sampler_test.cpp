#include <gtest/gtest.h>

#include "actors/inspect/sampler.hpp"

namespace shoal::inspect {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

TEST(sampler, knows_no_rate_before_the_second_look) {
  sampler x;
  x.add(second, {{1, 100, 0}});
  EXPECT_EQ(x.window_ns(), 0u);
  EXPECT_EQ(x.of({1, 200, 0}).per_s, 0);
}

TEST(sampler, tells_what_happened_between_two_looks) {
  sampler x;
  x.add(10 * second, {{2, 50, 0}, {1, 100, 0}});
  x.add(12 * second, {{1, 300, second}, {2, 50, 0}});
  EXPECT_EQ(x.window_ns(), 2 * second);
  EXPECT_DOUBLE_EQ(x.of({1, 300, second}).per_s, 100);
  EXPECT_DOUBLE_EQ(x.of({1, 300, second}).busy, 0.5);
  EXPECT_DOUBLE_EQ(x.of({2, 50, 0}).per_s, 0);
}

TEST(sampler, takes_a_new_actor_as_one_that_began_at_nothing) {
  sampler x;
  x.add(second, {});
  x.add(2 * second, {{9, 7, 0}});
  EXPECT_DOUBLE_EQ(x.of({9, 7, 0}).per_s, 7);
}

TEST(sampler, keeps_a_useful_window_when_two_look_at_the_same_time) {
  sampler x;
  x.add(10 * second, {{1, 0, 0}});
  x.add(12 * second, {{1, 200, 0}});
  x.add(12 * second + 1'000'000, {{1, 200, 0}});
  EXPECT_GT(x.window_ns(), second);
  EXPECT_NEAR(x.of({1, 200, 0}).per_s, 100, 1);
}

TEST(sampler, forgets_looks_that_are_old) {
  sampler x;
  x.add(second, {{1, 100, 0}});
  x.add(100 * second, {{1, 200, 0}});
  EXPECT_EQ(x.window_ns(), 0u);
}

} // namespace
} // namespace shoal::inspect
