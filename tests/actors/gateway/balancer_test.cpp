#include <map>

#include <gmock/gmock.h>

#include "actors/gateway/balancer.hpp"

namespace shoal::gateway {
namespace {

std::vector<candidate> three() {
  return {{0xaaaa, 1, 0, true}, {0xbbbb, 1, 0, true}, {0xcccc, 1, 0, true}};
}

TEST(Balancer, RoundRobinVisitsAllInTurnByWeight) {
  auto b = balancer{};
  auto from = three();
  from[0].weight = 2;
  auto counts = std::map<std::size_t, int>{};
  auto last = std::size_t{9};
  for (auto i = 0; i < 40; ++i) {
    auto x = *b.pick(balancing_kind::round_robin, from, 0);
    EXPECT_NE(x, last) << "a heavy one does not come twice in a row while others wait";
    last = x == 0 ? 9 : x; // weight 2 of 4: its turns may touch at the end of a round
    ++counts[x];
  }
  EXPECT_EQ(counts[0], 20);
  EXPECT_EQ(counts[1], 10);
  EXPECT_EQ(counts[2], 10);
}

TEST(Balancer, NobodyUsableIsNobody) {
  auto b = balancer{};
  auto from = three();
  for (auto& x : from)
    x.usable = false;
  for (auto how :
      {balancing_kind::round_robin, balancing_kind::least_requests, balancing_kind::user_hash})
    EXPECT_FALSE(b.pick(how, from, 1));
  EXPECT_FALSE(b.pick(balancing_kind::round_robin, {}, 1));
}

TEST(Balancer, LeastRequestsAvoidsTheBusy) {
  auto b = balancer{7};
  auto from = three();
  from[1].under_way = 100;
  auto counts = std::map<std::size_t, int>{};
  for (auto i = 0; i < 300; ++i)
    ++counts[*b.pick(balancing_kind::least_requests, from, 0)];
  EXPECT_EQ(counts[1], 0) << "two are drawn, and the other one of them is always better";
  EXPECT_GT(counts[0], 100);
  EXPECT_GT(counts[2], 100);
}

TEST(Balancer, AUserStaysWhereHeIs) {
  auto b = balancer{};
  auto from = three();
  auto before = std::vector<std::size_t>{};
  auto counts = std::map<std::size_t, int>{};
  for (auto key = std::uint64_t{0}; key < 3000; ++key) {
    before.push_back(*b.pick(balancing_kind::user_hash, from, key));
    ++counts[before.back()];
    EXPECT_EQ(*b.pick(balancing_kind::user_hash, from, key), before.back());
  }
  for (auto i = std::size_t{0}; i < 3; ++i)
    EXPECT_NEAR(counts[i], 1000, 150);
  from[2].usable = false;
  for (auto key = std::uint64_t{0}; key < 3000; ++key) {
    auto now = *b.pick(balancing_kind::user_hash, from, key);
    if (before[key] != 2)
      EXPECT_EQ(now, before[key]) << "only users of the one that went move";
    else
      EXPECT_NE(now, 2u);
  }
}

} // namespace
} // namespace shoal::gateway
