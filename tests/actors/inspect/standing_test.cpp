#include <gtest/gtest.h>

#include "actors/inspect/standing.hpp"

namespace shoal::inspect {
namespace {

constexpr auto p1 = partition_no{1}, p2 = partition_no{2}, p3 = partition_no{3};

/// n1 serves p1, and reaches n2 and n3, which lead the others.
cluster_standing well() {
  cluster_standing x;
  x.self = "n1";
  x.state = "up";
  x.copies_wanted = 3;
  x.reached = {"n2", "n3"};
  x.served = {p1};
  auto all = std::vector<std::string>{"n1", "n2", "n3"};
  x.partitions = {{p1, 7, "n1", all, all}, {p2, 7, "n2", all, {}}, {p3, 7, "n3", all, {}}};
  return x;
}

TEST(standing, finds_nothing_where_all_is_well) {
  EXPECT_TRUE(unserved_partitions(well()).empty());
  EXPECT_EQ(short_of_copies(well()), 0u);
}

TEST(standing, names_partitions_whose_leader_is_gone) {
  auto x = well();
  x.reached = {"n3"};
  auto found = unserved_partitions(x);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].partition->no, p2);
  EXPECT_EQ(found[0].why, "its leader n2 is not reached from here");
}

TEST(standing, does_not_take_the_lead_for_serving) {
  auto x = well();
  x.served.clear();
  auto found = unserved_partitions(x);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].partition->no, p1);
}

TEST(standing, names_partitions_that_this_node_leads_without_a_majority) {
  auto x = well();
  x.partitions = {{p1, 7, "n1", {"n1", "n2"}, {"n1", "n2"}}};
  EXPECT_TRUE(unserved_partitions(x).empty());
  x.reached = {"n3"};
  ASSERT_EQ(unserved_partitions(x).size(), 1u) << "one of two is no majority";
  x.partitions[0].replicas = {"n1", "n2", "n3"};
  EXPECT_TRUE(unserved_partitions(x).empty());
}

TEST(standing, names_partitions_that_nobody_ever_led) {
  auto x = well();
  x.partitions[2] = {p3, 0, "", {}, {}};
  auto found = unserved_partitions(x);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].partition->no, p3);
}

TEST(standing, counts_partitions_with_too_few_copies_at_their_leader_only) {
  auto x = well();
  x.partitions[0].in_sync = {"n1", "n3"};
  EXPECT_EQ(short_of_copies(x), 1u);
  x.partitions[0].leader = "n2";
  EXPECT_EQ(short_of_copies(x), 0u) << "n2 tells it";
}

TEST(standing, does_not_count_a_copy_that_it_cannot_reach) {
  auto x = well();
  x.reached = {"n2"};
  EXPECT_EQ(short_of_copies(x), 1u) << "n3 had everything, and is gone";
  x.partitions[0].in_sync.clear();
  EXPECT_EQ(short_of_copies(x), 0u) << "not known yet";
}

} // namespace
} // namespace shoal::inspect
