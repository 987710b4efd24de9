#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include "actors/device/going_away.hpp"
#include "actors/node/send_off.hpp"

namespace shoal {
namespace {

using namespace std::chrono_literals;
using connections = std::vector<send_off::connection>;

const send_off::clock::time_point start{1h};

connections numbered(std::size_t count) {
  auto out = connections(count);
  std::iota(out.begin(), out.end(), 1);
  return out;
}

TEST(send_off, asks_everybody_who_is_there_when_the_drain_begins) {
  auto x = send_off{};
  EXPECT_FALSE(x.begun());
  EXPECT_EQ(x.due({7, 8, 9}, start), (connections{7, 8, 9}));
  EXPECT_TRUE(x.begun());
  EXPECT_EQ(x.asked(), 3u);
}

TEST(send_off, asks_a_connection_once) {
  auto x = send_off{};
  x.due({7, 8}, start);
  EXPECT_EQ(x.due({7, 8}, start + 1s), connections{}) << "its Close is on the way";
  EXPECT_EQ(x.due({7}, start + 1h), connections{});
}

TEST(send_off, asks_no_more_than_others_can_take_in_a_second) {
  auto x = send_off{{100, 60s}};
  auto all = numbered(250);
  auto asked = std::vector<std::size_t>{};
  for (auto at : {0ms, 250ms, 500ms, 1000ms, 2000ms, 3000ms})
    asked.push_back(x.due(all, start + at).size());
  EXPECT_EQ(asked, (std::vector<std::size_t>{100, 25, 25, 50, 50, 0}));
  EXPECT_EQ(x.asked(), 250u);
}

TEST(send_off, does_not_make_up_for_a_late_look_with_a_crowd) {
  auto x = send_off{{100, 60s}};
  auto all = numbered(1000);
  x.due(all, start);
  EXPECT_EQ(x.due(all, start + 5min).size(), 100u);
}

TEST(send_off, lets_those_who_come_meanwhile_stay_for_a_while) {
  auto x = send_off{{100, 60s}};
  x.due({7}, start);
  EXPECT_EQ(x.due({8}, start + 10s), connections{}) << "it may have found no other node";
  EXPECT_EQ(x.due({8}, start + 69s), connections{});
  EXPECT_EQ(x.due({8}, start + 70s), connections{8});
  EXPECT_EQ(x.due({9}, start + 80s), connections{}) << "the same device, on its next connection";
  EXPECT_EQ(x.due({9}, start + 140s), connections{9});
}

TEST(send_off, begins_anew_with_the_next_drain) {
  auto x = send_off{};
  x.due({7}, start);
  x.due({8}, start + 1s);
  x.end();
  EXPECT_FALSE(x.begun());
  EXPECT_EQ(x.due({8}, start + 2s), connections{8});
  EXPECT_EQ(x.asked(), 1u);
}

TEST(send_off, spreads_the_return_over_five_seconds) {
  auto least = std::uint32_t{UINT32_MAX}, most = std::uint32_t{0};
  for (auto random : {0u, 1u, 4'999u, 5'000u, 12'345u, UINT32_MAX}) {
    least = std::min(least, absence_ms(random));
    most = std::max(most, absence_ms(random));
  }
  EXPECT_EQ(least, 500u);
  EXPECT_EQ(most, 5'499u);
}

} // namespace
} // namespace shoal
