#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/tls/timing_wheel.hpp"

namespace shoal::tls {
namespace {

struct item : timing_wheel::entry {
  explicit item(int n) : number{n} {}
  int number;
};

std::vector<int> advance(timing_wheel& wheel, std::uint64_t now) {
  auto out = std::vector<int>{};
  wheel.advance(now, [&](timing_wheel::entry& x) { out.push_back(static_cast<item&>(x).number); });
  return out;
}

TEST(timing_wheel, expires_what_is_due_and_nothing_earlier) {
  auto wheel = timing_wheel{};
  auto a = item{1}, b = item{2};
  wheel.schedule(a, 3);
  wheel.schedule(b, 5);
  EXPECT_EQ(advance(wheel, 2), std::vector<int>{});
  EXPECT_EQ(advance(wheel, 3), std::vector<int>{1});
  EXPECT_FALSE(a.scheduled());
  EXPECT_TRUE(b.scheduled());
  EXPECT_EQ(advance(wheel, 5), std::vector<int>{2});
}

TEST(timing_wheel, expires_in_the_next_tick_what_is_already_due) {
  auto wheel = timing_wheel{};
  advance(wheel, 100);
  auto a = item{1};
  wheel.schedule(a, 7);
  EXPECT_EQ(advance(wheel, 101), std::vector<int>{1});
}

TEST(timing_wheel, keeps_what_is_due_in_a_later_turn) {
  auto wheel = timing_wheel{};
  auto a = item{1};
  wheel.schedule(a, 5000);
  for (auto now = 1u; now < 5000; ++now)
    ASSERT_TRUE(advance(wheel, now).empty()) << now;
  EXPECT_EQ(advance(wheel, 5000), std::vector<int>{1});
}

TEST(timing_wheel, forgets_what_is_cancelled_or_destroyed) {
  auto wheel = timing_wheel{};
  auto a = item{1};
  wheel.schedule(a, 1);
  wheel.cancel(a);
  {
    auto b = item{2};
    wheel.schedule(b, 1);
  }
  EXPECT_TRUE(advance(wheel, 1000).empty());
}

TEST(timing_wheel, moves_what_is_scheduled_again) {
  auto wheel = timing_wheel{};
  auto a = item{1};
  wheel.schedule(a, 2);
  wheel.schedule(a, 9);
  EXPECT_TRUE(advance(wheel, 8).empty());
  EXPECT_EQ(advance(wheel, 9), std::vector<int>{1});
}

TEST(timing_wheel, lets_the_expired_schedule_itself_again) {
  auto wheel = timing_wheel{};
  auto a = item{1};
  auto times = 0;
  wheel.schedule(a, 1);
  for (auto now = 1u; now <= 10; ++now)
    wheel.advance(now, [&](timing_wheel::entry& x) { ++times, wheel.schedule(x, now + 1); });
  EXPECT_EQ(times, 10);
}

TEST(timing_wheel, lets_the_expired_destroy_a_neighbour) {
  auto wheel = timing_wheel{};
  auto a = std::make_unique<item>(1), b = std::make_unique<item>(2);
  wheel.schedule(*a, 1);
  wheel.schedule(*b, 1);
  auto times = 0;
  wheel.advance(1, [&](timing_wheel::entry& x) {
    ++times;
    (static_cast<item&>(x).number == 1 ? b : a).reset();
  });
  EXPECT_EQ(times, 1);
}

TEST(timing_wheel, misses_nothing_when_time_jumps) {
  auto wheel = timing_wheel{};
  auto items = std::vector<std::unique_ptr<item>>{};
  for (auto i = 1; i <= 2000; ++i) {
    items.push_back(std::make_unique<item>(i));
    wheel.schedule(*items.back(), static_cast<std::uint64_t>(i));
  }
  EXPECT_EQ(advance(wheel, 1500).size(), 1500u);
  EXPECT_EQ(advance(wheel, 100'000).size(), 500u);
}

TEST(timing_wheel, agrees_with_a_sorted_map) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto wheel = timing_wheel{};
  auto items = std::vector<std::unique_ptr<item>>{};
  auto due = std::map<int, std::uint64_t>{};
  for (auto i = 0; i < 300; ++i)
    items.push_back(std::make_unique<item>(i));
  for (auto now = std::uint64_t{0}; now < 20'000; now += 1 + random() % 40) {
    for (auto i = 0; i < 5; ++i) {
      auto which = static_cast<int>(random() % 300);
      auto& x = *items[static_cast<std::size_t>(which)];
      if (random() % 4 == 0) {
        wheel.cancel(x);
        due.erase(which);
      } else {
        auto when = wheel.now() + 1 + random() % 3000;
        wheel.schedule(x, when);
        due[which] = when;
      }
    }
    auto got = advance(wheel, now);
    auto expected = std::vector<int>{};
    for (auto& [which, when] : due)
      if (when <= now)
        expected.push_back(which);
    std::erase_if(due, [&](auto& x) { return x.second <= now; });
    std::ranges::sort(got);
    ASSERT_EQ(got, expected) << now;
  }
}

} // namespace
} // namespace shoal::tls
