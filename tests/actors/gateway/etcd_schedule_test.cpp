#include <gtest/gtest.h>

#include "actors/gateway/etcd_schedule.hpp"

namespace shoal::gateway {
namespace {

std::string due(const etcd_schedule& x, std::int64_t now_ms) {
  auto* found = x.due(now_ms);
  return found ? *found : "(none)";
}

TEST(EtcdSchedule, ANewPrefixIsDueAtOnceAndThenEachTimeItsRefreshIsOver) {
  auto x = etcd_schedule{};
  EXPECT_EQ(due(x, 0), "(none)");
  EXPECT_EQ(x.idle_ms(0, 250), 250);
  x.follow({{"a", 2}}, 100);
  EXPECT_EQ(due(x, 100), "a");
  EXPECT_EQ(x.idle_ms(100, 250), 0);
  x.answered("a", 110);
  EXPECT_EQ(due(x, 2'109), "(none)");
  EXPECT_EQ(x.idle_ms(2'009, 250), 101);
  EXPECT_EQ(due(x, 2'110), "a");
}

TEST(EtcdSchedule, TheOneThatWaitsLongestIsFirst) {
  auto x = etcd_schedule{};
  x.follow({{"a", 1}, {"b", 1}}, 0);
  EXPECT_EQ(due(x, 0), "a");
  x.answered("a", 5);
  EXPECT_EQ(due(x, 5), "b");
  x.answered("b", 9);
  EXPECT_EQ(due(x, 2'000), "a");
}

TEST(EtcdSchedule, FollowsDefinitions) {
  auto x = etcd_schedule{};
  x.follow({{"a", 60}, {"b", 60}}, 0);
  x.answered("a", 0);
  x.answered("b", 0);
  x.follow({{"b", 1}, {"c", 60}}, 10);
  EXPECT_EQ(due(x, 10), "c");
  x.answered("c", 10);
  x.answered("a", 10); // nobody wants it any more
  EXPECT_EQ(due(x, 1'009), "(none)");
  EXPECT_EQ(due(x, 1'010), "b") << "its refresh is shorter now";
}

TEST(EtcdSchedule, OneFailureHoldsUpNobodyElse) {
  auto x = etcd_schedule{};
  x.follow({{"a", 1}, {"b", 1}}, 0);
  x.failed("a", 1);
  EXPECT_FALSE(x.looks_down());
  EXPECT_EQ(due(x, 1), "b");
  x.answered("b", 2);
  EXPECT_EQ(due(x, 1'001), "a");
}

TEST(EtcdSchedule, AnEtcdThatIsDownIsAskedLessAndLessOften) {
  auto x = etcd_schedule{};
  auto many = std::map<std::string, std::uint32_t>{};
  for (auto i = 0; i < 20; ++i) // there is always one that is due
    many.emplace("p" + std::to_string(i), 1);
  x.follow(many, 0);
  auto now = std::int64_t{0};
  for (auto pause : {0, 250, 500, 1'000, 2'000, 4'000, 5'000, 5'000}) {
    ASSERT_NE(x.due(now), nullptr) << pause;
    x.failed(due(x, now), now);
    EXPECT_EQ(x.idle_ms(now, 60'000), pause);
    if (pause > 0) {
      EXPECT_EQ(x.due(now + pause - 1), nullptr);
    }
    now += pause;
  }
  EXPECT_TRUE(x.looks_down());
  x.answered(due(x, now), now);
  EXPECT_FALSE(x.looks_down());
  EXPECT_NE(x.due(now), nullptr) << "all others at once";
}

TEST(EtcdSchedule, WhoHurriesIsDueSoonerAndNeverLater) {
  auto x = etcd_schedule{};
  x.follow({{"a", 60}, {"b", 1}}, 0);
  x.answered("a", 0);
  x.answered("b", 500);
  x.hurry(500);
  EXPECT_EQ(x.due(999), nullptr);
  EXPECT_EQ(due(x, 1'000), "a");
  x.answered("a", 1'000);
  EXPECT_EQ(x.due(1'499), nullptr);
  EXPECT_EQ(due(x, 1'500), "b") << "as without the hurry";
  x.answered("b", 1'500);
  EXPECT_EQ(due(x, 2'500), "b") << "it was for once";
}

TEST(EtcdSchedule, ManyThatHurryLeaveEtcdTimeForOthers) {
  auto x = etcd_schedule{};
  auto many = std::map<std::string, std::uint32_t>{};
  for (auto i = 0; i < 1'000; ++i)
    many.emplace("p" + std::to_string(i), 3'600);
  x.follow(many, 0);
  for (auto& [prefix, refresh_s] : many)
    x.answered(prefix, 0);
  x.hurry(1);
  EXPECT_EQ(x.due(19'999), nullptr);
  EXPECT_NE(x.due(20'000), nullptr);
}

} // namespace
} // namespace shoal::gateway
