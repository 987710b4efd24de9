#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/nonce_cache.hpp"

namespace shoal {
namespace {

constexpr std::int64_t start = 1'000'000, window = 8'000;

TEST(nonce_cache, accepts_timestamps_of_its_window_only) {
  auto cache = nonce_cache{start, window};
  auto now = start + 100'000;
  EXPECT_EQ(cache.check_time(now, now), ec::none);
  EXPECT_EQ(cache.check_time(now - window, now), ec::none);
  EXPECT_EQ(cache.check_time(now + window, now), ec::none);
  EXPECT_EQ(cache.check_time(now - window - 1, now), ec::clock_skew);
  EXPECT_EQ(cache.check_time(now + window + 1, now), ec::clock_skew);
}

TEST(nonce_cache, accepts_nothing_from_before_the_start) {
  auto cache = nonce_cache{start, window};
  EXPECT_EQ(cache.check_time(start - 1, start + 10), ec::clock_skew);
  EXPECT_EQ(cache.check_time(start, start + 10), ec::none);
}

TEST(nonce_cache, lets_each_message_in_once) {
  auto cache = nonce_cache{start, window};
  EXPECT_EQ(cache.use("k", "n", start, start), ec::none);
  EXPECT_EQ(cache.use("k", "n", start, start + 1), ec::nonce_replayed);
  EXPECT_EQ(cache.use("k", "m", start, start + 1), ec::none);
  EXPECT_EQ(cache.use("other", "n", start, start + 1), ec::none);
}

TEST(nonce_cache, remembers_for_as_long_as_the_timestamp_is_accepted) {
  auto cache = nonce_cache{start, window};
  for (auto lead : {-window, -window / 2, std::int64_t{0}, window / 3, window}) {
    auto used_at = start + 10 * window;
    auto timestamp = used_at + lead;
    auto nonce = std::to_string(lead);
    ASSERT_EQ(cache.use("k", nonce, timestamp, used_at), ec::none);
    for (auto now = used_at; cache.check_time(timestamp, now) == ec::none; now += 100)
      ASSERT_EQ(cache.use("k", nonce, timestamp, now), ec::nonce_replayed)
          << lead << " " << now - used_at;
  }
}

TEST(nonce_cache, lets_nothing_in_again_when_the_clock_was_ahead_for_a_while) {
  auto cache = nonce_cache{start, window};
  auto now = start + 10 * window, ahead = now + 10 * window;
  ASSERT_EQ(cache.use("k", "n", now, now), ec::none);
  ASSERT_EQ(cache.use("k", "m", ahead, ahead), ec::none);
  EXPECT_EQ(cache.check_time(now, now + 1), ec::clock_skew) << "forgotten, so refused";
  EXPECT_EQ(cache.check_time(now + window / 4, now + window / 4), ec::none) << "others go on";
}

TEST(nonce_cache, gives_memory_back_when_the_window_is_over) {
  auto cache = nonce_cache{start, window};
  for (auto i = 0; i < 1'000; ++i)
    ASSERT_EQ(cache.use("k", std::to_string(i), start + i, start + i), ec::none);
  EXPECT_EQ(cache.size(), 1'000u);
  auto later = start + 3 * window;
  EXPECT_EQ(cache.use("k", "later", later, later), ec::none);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(nonce_cache, refuses_when_full_instead_of_forgetting) {
  auto cache = nonce_cache{start, window, 10};
  for (auto i = 0; i < 10; ++i)
    ASSERT_EQ(cache.use("k", std::to_string(i), start, start), ec::none);
  EXPECT_EQ(cache.use("k", "10", start, start), ec::overloaded);
  EXPECT_EQ(cache.use("k", "3", start, start), ec::nonce_replayed);
  auto later = start + 3 * window;
  EXPECT_EQ(cache.use("k", "10", later, later), ec::none);
}

TEST(nonce_cache, lets_one_of_many_threads_win) {
  auto cache = nonce_cache{start, window};
  auto wins = std::atomic<int>{0};
  auto threads = std::vector<std::thread>{};
  for (auto t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (auto i = 0; i < 2'000; ++i)
        wins += cache.use("k", std::to_string(i), start, start) == ec::none;
    });
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(wins, 2'000);
  EXPECT_EQ(cache.size(), 2'000u);
}

} // namespace
} // namespace shoal
