#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/tls/unread_room.hpp"

namespace shoal::tls {
namespace {

TEST(unread_room, is_what_is_left_while_less_than_half_is_used) {
  EXPECT_EQ(unread_room(0, 1'000, 50), 1'000u);
  EXPECT_EQ(unread_room(500, 1'000, 50), 500u);
}

TEST(unread_room, is_a_part_of_what_is_left_beyond) {
  EXPECT_EQ(unread_room(600, 1'000, 4), 100u);
  EXPECT_EQ(unread_room(600, 1'000, 0), 400u);
}

TEST(unread_room, is_none_when_nothing_is_left) {
  EXPECT_EQ(unread_room(1'000, 1'000, 4), 0u);
  EXPECT_EQ(unread_room(5'000, 1'000, 4), 0u);
  EXPECT_EQ(unread_room(0, 0, 4), 0u);
}

// As the driver uses it: an answer is let in if with what waits on its connection it fits there.
TEST(unread_room, keeps_the_sum_below_the_bound_whoever_does_not_read) {
  constexpr auto most = std::size_t{1'000'000};
  for (auto seed = 1u; seed <= 20; ++seed) {
    auto random = std::mt19937{seed};
    auto waiting = std::vector<std::size_t>(1 + random() % 200);
    auto held = std::size_t{0};
    for (auto i = 0; i < 20'000; ++i) {
      auto& own = waiting[random() % waiting.size()];
      auto answer = std::size_t{random() % 50'000};
      if (own + answer <= unread_room(held, most, waiting.size())) {
        own += answer;
        held += answer;
      }
      ASSERT_LE(held, most) << "seed " << seed;
    }
    EXPECT_GT(held, most / 2) << "seed " << seed;
    EXPECT_GT(unread_room(held, most, waiting.size()), 0u) << "who reads still has some";
  }
}

} // namespace
} // namespace shoal::tls
