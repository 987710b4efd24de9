#include <gmock/gmock.h>

#include "actors/gateway/breaker.hpp"

namespace shoal::gateway {
namespace {

breaker_rule rule() {
  auto x = breaker_rule{};
  x.enabled = true;
  x.error_threshold = 50;
  x.min_calls = 10;
  x.window_s = 10;
  x.open_s = 5;
  return x;
}

constexpr std::int64_t start = 1'000'000;

void fail(breaker& b, const breaker_rule& by, int times, std::int64_t now) {
  for (auto i = 0; i < times; ++i)
    b.on_call(by, true, 1, now);
}

TEST(Breaker, OpensWhenTooManyCallsFailAndNotBeforeThereAreEnough) {
  auto b = breaker{};
  fail(b, rule(), 9, start);
  EXPECT_TRUE(b.allow(rule(), start));
  fail(b, rule(), 1, start);
  EXPECT_FALSE(b.allow(rule(), start));
  EXPECT_FALSE(b.allow(rule(), start + 4999));
}

TEST(Breaker, FailuresBelowTheThresholdDoNotOpenIt) {
  auto b = breaker{};
  for (auto i = 0; i < 1000; ++i)
    b.on_call(rule(), i % 3 == 2, 1, start + i);
  EXPECT_EQ(b.at(), breaker::state::closed);
}

TEST(Breaker, OldFailuresAreForgotten) {
  auto b = breaker{};
  fail(b, rule(), 9, start);
  fail(b, rule(), 9, start + 11'000);
  EXPECT_EQ(b.at(), breaker::state::closed);
}

TEST(Breaker, AfterAWhileOneCallTriesAndClosesIt) {
  auto b = breaker{};
  fail(b, rule(), 10, start);
  EXPECT_TRUE(b.allow(rule(), start + 5000));
  EXPECT_FALSE(b.allow(rule(), start + 5001)) << "only one";
  b.on_call(rule(), false, 1, start + 5010);
  EXPECT_EQ(b.at(), breaker::state::closed);
  EXPECT_TRUE(b.allow(rule(), start + 5011));
  fail(b, rule(), 9, start + 5012);
  EXPECT_EQ(b.at(), breaker::state::closed) << "it begins with an empty window";
}

TEST(Breaker, ATrialThatFailsKeepsItOpen) {
  auto b = breaker{};
  fail(b, rule(), 10, start);
  EXPECT_TRUE(b.allow(rule(), start + 5000));
  b.on_call(rule(), true, 1, start + 5010);
  EXPECT_FALSE(b.allow(rule(), start + 10'009));
  EXPECT_TRUE(b.allow(rule(), start + 10'010));
}

TEST(Breaker, ATrialThatNeverReachedTheBackendLeavesItsPlace) {
  auto b = breaker{};
  fail(b, rule(), 10, start);
  EXPECT_TRUE(b.allow(rule(), start + 5000));
  b.on_abandoned();
  EXPECT_TRUE(b.allow(rule(), start + 5001));
}

TEST(Breaker, LateAnswersOfCallsFromBeforeDoNotDecideTheTrial) {
  auto b = breaker{};
  fail(b, rule(), 10, start);
  b.on_call(rule(), false, 1, start + 100);
  EXPECT_EQ(b.at(), breaker::state::open);
}

TEST(Breaker, SlowCallsCountWhenTheModelSaysSo) {
  auto by = rule();
  by.model = breaker_model::slow_ratio;
  by.slow_ms = 100;
  by.slow_ratio_threshold = 50;
  auto b = breaker{};
  for (auto i = 0; i < 20; ++i)
    b.on_call(by, false, 100, start);
  EXPECT_EQ(b.at(), breaker::state::closed);
  for (auto i = 0; i < 20; ++i)
    b.on_call(by, false, 101, start);
  EXPECT_EQ(b.at(), breaker::state::open);
}

} // namespace
} // namespace shoal::gateway
