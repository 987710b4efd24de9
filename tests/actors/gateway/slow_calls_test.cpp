#include <gtest/gtest.h>

#include "actors/gateway/slow_calls.hpp"

namespace shoal::gateway {
namespace {

constexpr std::int64_t second = 1'000'000'000;

TEST(SlowCalls, ThePartsAddUpToTheWhole) {
  auto x = phase_times{1'000};
  x.enter(phase::authorizer, 1'010);
  x.enter(phase::own, 1'030);
  x.enter(phase::queue, 1'031);
  x.enter(phase::connect, 1'100);
  x.enter(phase::backend, 1'400);
  x.enter(phase::own, 2'000);
  x.enter(phase::write, 2'005);
  x.enter(phase::own, 2'007);
  EXPECT_EQ(x.spent_us(phase::authorizer), 20);
  EXPECT_EQ(x.spent_us(phase::queue), 69);
  EXPECT_EQ(x.spent_us(phase::connect), 300);
  EXPECT_EQ(x.spent_us(phase::backend), 600);
  EXPECT_EQ(x.spent_us(phase::own), 10 + 1 + 5);
  EXPECT_EQ(x.spent_us(phase::write), 2);
  EXPECT_EQ(x.total_us(), 1'007);
}

TEST(SlowCalls, AttemptsThatFailedCountToo) {
  auto x = phase_times{0};
  for (auto begin : {0, 100}) {
    x.enter(phase::queue, begin);
    x.enter(phase::connect, begin + 10);
    x.enter(phase::backend, begin + 30);
  }
  x.enter(phase::own, 200);
  EXPECT_EQ(x.spent_us(phase::queue), 20);
  EXPECT_EQ(x.spent_us(phase::connect), 40);
  EXPECT_EQ(x.spent_us(phase::backend), 70 + 70);
}

TEST(SlowCalls, ANodeWritesSoManyLinesAndSaysHowManyItLeftOut) {
  auto gate = slow_call_gate{};
  auto written = 0;
  for (auto i = 0; i < 1'000; ++i)
    if (auto left_out = gate.admit(100 * second)) {
      ++written;
      EXPECT_EQ(*left_out, 0u);
    }
  EXPECT_EQ(written, 40);
  auto next = gate.admit(101 * second);
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, 960u);
  EXPECT_EQ(gate.admit(101 * second), 0u) << "they are told once";
}

} // namespace
} // namespace shoal::gateway
