// Health of instances, retry budgets, and which traffic moves.
#include <gmock/gmock.h>

#include "actors/gateway/instance_health.hpp"
#include "actors/gateway/retry_budget.hpp"
#include "actors/gateway/split.hpp"

namespace shoal::gateway {
namespace {

TEST(InstanceHealth, ChecksTakeItOutAndBringItBack) {
  auto x = instance_health{};
  auto by = health_rule{};
  x.on_check(false, by);
  x.on_check(false, by);
  EXPECT_FALSE(x.is_down());
  x.on_check(false, by);
  EXPECT_TRUE(x.is_down());
  x.on_check(true, by);
  EXPECT_TRUE(x.is_down());
  x.on_check(true, by);
  EXPECT_FALSE(x.is_down());
}

TEST(InstanceHealth, FailedCallsInARowPutItAsideForLongerEachTime) {
  auto x = instance_health{};
  auto by = health_rule{};
  for (auto i = 0; i < 4; ++i)
    EXPECT_FALSE(x.on_failure(by));
  x.on_success();
  for (auto i = 0; i < 4; ++i)
    EXPECT_FALSE(x.on_failure(by));
  EXPECT_TRUE(x.on_failure(by));
  x.eject(by, 0);
  EXPECT_FALSE(x.usable(9'999));
  EXPECT_TRUE(x.usable(10'000));
  x.eject(by, 10'000);
  EXPECT_FALSE(x.usable(29'999));
  EXPECT_TRUE(x.usable(30'000));
  for (auto i = 0; i < 40; ++i)
    x.eject(by, 0);
  EXPECT_TRUE(x.usable(300'000)) << "never longer than five minutes";
}

TEST(RetryBudget, ASmallPartOfTheCallsMayBeRepeated) {
  auto x = retry_budget{};
  auto repeated = 0;
  for (auto i = 0; i < 1000; ++i) {
    x.on_call(20);
    repeated += x.take() ? 1 : 0;
  }
  EXPECT_NEAR(repeated, 200, 2);
}

TEST(RetryBudget, QuietTimesSaveOnlySoMuch) {
  auto x = retry_budget{};
  for (auto i = 0; i < 10'000; ++i)
    x.on_call(20);
  auto repeated = 0;
  while (x.take())
    ++repeated;
  EXPECT_EQ(repeated, 10);
}

call of_user(std::string user, std::string version = "") {
  auto x = call{};
  x.what.user = std::move(user);
  x.what.product_version = std::move(version);
  return x;
}

TEST(Split, AShareOfTheUsersMovesAndTheSameOnesEachTime) {
  auto rule = migrate_rule{};
  rule.enabled = true;
  rule.flow_percent = 30;
  auto moved = 0;
  for (auto i = 0; i < 10'000; ++i) {
    auto x = of_user("user" + std::to_string(i));
    moved += is_moved(rule, x) ? 1 : 0;
    EXPECT_EQ(is_moved(rule, x), is_moved(rule, x));
  }
  EXPECT_NEAR(moved, 3000, 200);
}

TEST(Split, NamedCallersMoveAndVersionsAreABound) {
  auto rule = migrate_rule{};
  rule.enabled = true;
  rule.users = {"anna"};
  EXPECT_TRUE(is_moved(rule, of_user("anna")));
  EXPECT_FALSE(is_moved(rule, of_user("ben")));
  rule.min_version = "2.9";
  EXPECT_TRUE(is_moved(rule, of_user("anna", "2.10.1")));
  EXPECT_FALSE(is_moved(rule, of_user("anna", "2.8")));
  EXPECT_FALSE(is_moved(rule, of_user("anna")));
  rule.complete = true;
  EXPECT_TRUE(is_moved(rule, of_user("ben")));
  rule.enabled = false;
  EXPECT_FALSE(is_moved(rule, of_user("anna", "2.10.1")));
}

TEST(Split, VersionsCompareAsNumbers) {
  EXPECT_LT(compare_versions("1.9", "1.10"), 0);
  EXPECT_EQ(compare_versions("1.0", "1"), 0);
  EXPECT_GT(compare_versions("1.0.1", "1"), 0);
  EXPECT_LT(compare_versions("1.0-a", "1.0-b"), 0);
}

} // namespace
} // namespace shoal::gateway
