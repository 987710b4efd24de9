#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "actors/gateway/rate_gate.hpp"

namespace shoal::gateway {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t start = 100 * second;

int passed(rate_gate& gate, const rate& by, std::int64_t from, std::int64_t to, std::int64_t step) {
  auto out = 0;
  for (auto now = from; now < to; now += step)
    out += gate.pass(by, now) ? 1 : 0;
  return out;
}

TEST(RateGate, ABurstPassesAtOnceAndThenTheRateHolds) {
  auto gate = rate_gate{};
  auto by = rate::of(10, 1000, 10);
  EXPECT_EQ(passed(gate, by, start, start + 1000, 1), 10);
  EXPECT_EQ(passed(gate, by, start + 1000, start + second, second / 1000), 9);
  EXPECT_EQ(passed(gate, by, start + second, start + 2 * second, second / 1000), 10);
}

TEST(RateGate, AQuietTimeGivesNoMoreThanOneBurst) {
  auto gate = rate_gate{};
  auto by = rate::of(10, 1000, 5);
  EXPECT_EQ(passed(gate, by, start, start + 100, 1), 5);
  EXPECT_EQ(passed(gate, by, start + 3600 * second, start + 3600 * second + 100, 1), 5);
}

TEST(RateGate, RoomThatIsNewBeginsEmpty) {
  auto gate = rate_gate{};
  auto small = rate::of(100, 1000, 100, 0.1), large = rate::of(100, 1000, 100, 0.9);
  EXPECT_EQ(passed(gate, small, start, start + 4, 1), 4);
  gate.move(small, large, start + 4);
  EXPECT_EQ(passed(gate, large, start + 4, start + 100, 1), 6) << "of its 10, no more";
}

TEST(RateGate, ARateThatShrinksKeepsWhatFits) {
  auto gate = rate_gate{};
  auto large = rate::of(100, 1000, 100, 0.9), small = rate::of(100, 1000, 100, 0.1);
  EXPECT_EQ(passed(gate, large, start, start + 85, 1), 85);
  gate.move(large, small, start + 85);
  EXPECT_EQ(passed(gate, small, start + 85, start + 200, 1), 5);
  auto full = rate_gate{};
  full.move(large, small, start);
  EXPECT_EQ(passed(full, small, start, start + 200, 1), 10);
}

TEST(RateGate, ARateOfNothingMayBecomeOneAndBack) {
  auto gate = rate_gate{};
  auto none = rate::of(100, 1000, 100, 0), some = rate::of(100, 1000, 100, 0.1);
  gate.move(none, some, start);
  EXPECT_EQ(passed(gate, some, start, start + 200, 1), 0);
  gate.move(some, none, start + second);
  EXPECT_FALSE(gate.pass(none, start + 2 * second));
}

TEST(RateGate, WithoutABurstAsManyAsTheLimitMayComeAtOnce) {
  auto gate = rate_gate{};
  EXPECT_EQ(passed(gate, rate::of(7, 1000, 0), start, start + 100, 1), 7);
}

TEST(RateGate, ALimitOfZeroLetsNobodyPass) {
  auto gate = rate_gate{};
  EXPECT_EQ(passed(gate, rate::of(0, 1000, 5), start, start + 100, 1), 0);
}

TEST(RateGate, AShareIsItsPartOfRateAndBurst) {
  auto gate = rate_gate{};
  auto by = rate::of(100, 1000, 20, 0.25);
  EXPECT_EQ(passed(gate, by, start, start + 100, 1), 5);
  EXPECT_NEAR(passed(gate, by, start + 100, start + 10 * second, second / 1000), 250, 1);
}

TEST(RateGate, AChangedRateHoldsFromTheNextCallOn) {
  auto gate = rate_gate{};
  EXPECT_EQ(passed(gate, rate::of(10, 1000, 10), start, start + 100, 1), 10);
  auto more = rate::of(1000, 1000, 1000);
  EXPECT_GT(passed(gate, more, start + 100, start + second, second / 1000), 500);
}

TEST(RateGate, ThreadsTogetherGetNoMoreThanOne) {
  auto gate = rate_gate{};
  auto by = rate::of(1000, 1000, 1000);
  auto count = std::atomic<int>{0};
  auto threads = std::vector<std::thread>{};
  for (auto i = 0; i < 4; ++i)
    threads.emplace_back([&] { count += passed(gate, by, start, start + 1000, 1); });
  for (auto& x : threads)
    x.join();
  EXPECT_EQ(count, 1000);
}

} // namespace
} // namespace shoal::gateway
