#include <gtest/gtest.h>

#include "actors/inspect/replica_lag.hpp"

namespace shoal::inspect {
namespace {

using namespace std::chrono_literals;
using cluster::replica_role;

constexpr auto p1 = partition_no{1}, p2 = partition_no{2};

/// A leader that has heard n2, which has everything up to `has`.
cluster::replica_status leads(std::uint64_t committed, std::uint64_t has) {
  cluster::replica_status x;
  x.role = replica_role::serving;
  x.committed = committed;
  cluster::peer_status n2;
  n2.name = "n2";
  n2.durable = has;
  n2.heard = 1s;
  x.peers = {n2};
  return x;
}

TEST(replica_lag, is_nothing_while_followers_have_what_is_committed) {
  replica_lag lag;
  lag.look(p1, leads(10, 10), 1s);
  lag.look(p2, leads(10, 12), 1s); // has what only the leader has not committed yet
  ASSERT_EQ(lag.followers().size(), 1u);
  auto x = lag.followers()[0];
  EXPECT_EQ(x.node, "n2");
  EXPECT_EQ(x.replicas, 2u);
  EXPECT_EQ(x.behind, 0u);
  EXPECT_EQ(x.records, 0u);
  EXPECT_EQ(x.since, 0s);
}

TEST(replica_lag, counts_records_and_time_of_one_that_stands_still) {
  replica_lag lag;
  lag.look(p1, leads(10, 10), 1s);
  lag.look(p1, leads(30, 10), 2s);
  lag.look(p1, leads(500, 10), 5s);
  lag.look(p2, leads(8, 1), 5s);
  auto x = lag.followers()[0];
  EXPECT_EQ(x.behind, 2u);
  EXPECT_EQ(x.records, 497u);
  EXPECT_EQ(x.most, 490u);
  EXPECT_EQ(x.since, 3s) << "it lacks since 2 s what was committed then";
}

TEST(replica_lag, of_one_that_keeps_up_under_load_does_not_grow) {
  replica_lag lag;
  for (auto i = 1u; i < 100; ++i) {
    lag.look(p1, leads(i * 1000, i * 1000 - 7), i * 1s);
    EXPECT_EQ(lag.followers()[0].records, 7u);
    EXPECT_EQ(lag.followers()[0].since, 0s) << "it has what was committed a look ago";
  }
}

TEST(replica_lag, ends_when_it_has_caught_up) {
  replica_lag lag;
  lag.look(p1, leads(30, 10), 2s);
  lag.look(p1, leads(30, 20), 4s);
  EXPECT_EQ(lag.followers()[0].since, 2s) << "a part is not all";
  lag.look(p1, leads(30, 30), 5s);
  EXPECT_EQ(lag.followers()[0].since, 0s);
  EXPECT_EQ(lag.followers()[0].behind, 0u);
}

TEST(replica_lag, says_of_one_that_was_never_heard_that_nobody_knows) {
  replica_lag lag;
  auto status = leads(1'000'000, 0);
  status.peers[0].heard = {};
  lag.look(p1, status, 2s);
  lag.look(p1, status, 9s);
  auto x = lag.followers()[0];
  EXPECT_EQ(x.unheard, 1u);
  EXPECT_EQ(x.records, 0u);
  EXPECT_EQ(x.behind, 1u);
  EXPECT_EQ(x.since, 7s);
}

TEST(replica_lag, forgets_what_this_node_leads_no_more_and_who_follows_no_more) {
  replica_lag lag;
  lag.look(p1, leads(30, 10), 2s);
  auto alone = leads(30, 10);
  alone.peers.clear();
  lag.look(p1, alone, 3s);
  EXPECT_TRUE(lag.followers().empty());
  lag.look(p1, leads(30, 10), 4s);
  EXPECT_EQ(lag.followers()[0].since, 0s);
  auto follows = leads(30, 10);
  follows.role = replica_role::follower;
  lag.look(p1, follows, 5s);
  EXPECT_TRUE(lag.followers().empty());
}

TEST(replica_lag, shows_who_gets_a_checkpoint) {
  replica_lag lag;
  auto status = leads(30, 10);
  status.peers[0].gets_checkpoint = true;
  lag.look(p1, status, 2s);
  EXPECT_EQ(lag.followers()[0].refilling, 1u);
}

} // namespace
} // namespace shoal::inspect
