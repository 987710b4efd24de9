#include <gtest/gtest.h>

#include "actors/scheduler/wake_rule.hpp"

namespace shoal {
namespace {

using namespace std::chrono_literals;

constexpr auto rule = wake_rule{.crowd = 4, .patience = 50us};

TEST(wake_rule, wakes_the_first_worker_for_the_first_job) { EXPECT_TRUE(rule.wakes(1, 0, 2, 0ns)); }

TEST(wake_rule, leaves_short_work_to_the_worker_that_is_awake) {
  EXPECT_FALSE(rule.wakes(1, 1, 1, 0ns));
  EXPECT_FALSE(rule.wakes(4, 1, 1, 50us));
}

TEST(wake_rule, brings_help_when_jobs_pile_up) {
  EXPECT_TRUE(rule.wakes(5, 1, 1, 0ns));
  EXPECT_FALSE(rule.wakes(8, 2, 1, 0ns));
  EXPECT_TRUE(rule.wakes(9, 2, 1, 0ns));
}

TEST(wake_rule, brings_help_when_a_job_has_waited_behind_a_long_one) {
  EXPECT_TRUE(rule.wakes(2, 1, 1, 51us));
}

TEST(wake_rule, wakes_nobody_when_all_are_awake_or_nothing_waits) {
  EXPECT_FALSE(rule.wakes(100, 2, 0, 1s));
  EXPECT_FALSE(rule.wakes(0, 0, 2, 0ns));
}

} // namespace
} // namespace shoal
