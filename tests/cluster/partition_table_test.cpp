#include <gtest/gtest.h>

#include "cluster/partition_table.hpp"

namespace shoal::cluster {
namespace {

constexpr auto p1 = static_cast<partition_no>(1);

TEST(partition_table, finds_the_partition_of_a_principal) {
  auto x = partition_table{64};
  auto app = static_cast<app_no>(3);
  auto who = principal::user("u1");
  auto p = x.partition_for(app, who);
  EXPECT_EQ(p, partition_of(app, who, 64));
  ASSERT_TRUE(x.learn(p, {1, "n1", {"n1"}}));
  EXPECT_EQ(x.view_for(app, who).leader, "n1");
}

TEST(partition_table, never_goes_back_to_an_older_view) {
  auto x = partition_table{4};
  EXPECT_TRUE(x.learn(p1, {5, "n1", {"n1"}}));
  EXPECT_FALSE(x.learn(p1, {5, "n2", {"n2"}}));
  EXPECT_FALSE(x.learn(p1, {4, "n2", {"n2"}}));
  EXPECT_EQ(x.at(p1).leader, "n1");
  EXPECT_TRUE(x.learn(p1, {6, "n2", {"n2"}}));
  EXPECT_EQ(x.at(p1).leader, "n2");
}

TEST(partition_table, has_an_empty_view_for_what_it_does_not_know) {
  auto x = partition_table{4};
  EXPECT_EQ(x.at(p1), view{});
  EXPECT_EQ(x.at(static_cast<partition_no>(4)), view{});
  EXPECT_FALSE(x.learn(static_cast<partition_no>(4), {1, "n1", {}}));
  EXPECT_TRUE(x.led_by("").empty());
}

TEST(partition_table, has_at_least_one_partition) { EXPECT_EQ(partition_table{0}.size(), 1); }

TEST(partition_table, lists_what_a_node_leads) {
  auto x = partition_table{4};
  x.learn(p1, {1, "n1", {"n1", "n2"}});
  x.learn(static_cast<partition_no>(2), {1, "n2", {"n1", "n2"}});
  EXPECT_EQ(x.led_by("n1"), std::vector<partition_no>{p1});
}

} // namespace
} // namespace shoal::cluster
