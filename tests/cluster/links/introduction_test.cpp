#include <gmock/gmock.h>

#include "cluster/links/introduction.hpp"

namespace shoal::cluster::links {
namespace {

using ::testing::HasSubstr;

link_options self() {
  auto out = link_options{};
  out.cluster = "c";
  out.self = "n1";
  out.version_min = 2;
  out.version_max = 4;
  out.window_bytes = 1000;
  return out;
}

hello peer() { return {"c", "n2", 7, 3, 6, 500, 0, false}; }

TEST(agree, takes_the_greatest_common_version_and_the_smaller_window) {
  auto out = agree(self(), peer());
  EXPECT_EQ(out.refusal, "");
  EXPECT_EQ(out.version, 4u);
  EXPECT_EQ(out.window, 500u);
}

TEST(agree, refuses_another_cluster_itself_and_versions_apart) {
  auto other = peer(), same = peer(), older = peer(), newer = peer();
  other.cluster = "d";
  same.node = "n1";
  older.version_min = older.version_max = 1;
  newer.version_min = newer.version_max = 5;
  EXPECT_THAT(agree(self(), other).refusal, HasSubstr("cluster"));
  EXPECT_THAT(agree(self(), same).refusal, HasSubstr("itself"));
  EXPECT_THAT(agree(self(), older).refusal, HasSubstr("versions 2 to 4"));
  EXPECT_THAT(agree(self(), newer).refusal, HasSubstr("speaks 5 to 5"));
}

TEST(chooser, is_exactly_one_of_two_nodes) {
  EXPECT_TRUE(is_chooser("n1", "n2"));
  EXPECT_FALSE(is_chooser("n2", "n1"));
}

TEST(choose, takes_the_first_connection) { EXPECT_EQ(choose(std::nullopt, peer()), choice::take); }

TEST(choose, keeps_a_connection_that_the_peer_has_not_answered_yet) {
  auto said = peer();
  said.last_link = 5;
  EXPECT_EQ(choose(chosen{5, false}, said), choice::duplicate);
}

TEST(choose, replaces_a_link_only_for_a_peer_that_had_it_and_lost_it) {
  auto link = chosen{5, true};
  auto lost = peer(), has = peer(), never = peer(), before = peer();
  lost.last_link = has.last_link = 5;
  has.linked = true;
  before.last_link = 4;
  EXPECT_EQ(choose(link, lost), choice::take);
  EXPECT_EQ(choose(link, has), choice::duplicate);
  EXPECT_EQ(choose(link, never), choice::duplicate);
  EXPECT_EQ(choose(link, before), choice::duplicate);
}

TEST(incarnations, knows_the_newest_and_never_takes_an_older_one_back) {
  using verdict = incarnations::verdict;
  auto x = incarnations{};
  EXPECT_EQ(x.meet(1), verdict::newer);
  EXPECT_EQ(x.meet(1), verdict::known);
  EXPECT_EQ(x.meet(2), verdict::newer);
  EXPECT_EQ(x.meet(1), verdict::retired);
  EXPECT_EQ(x.meet(2), verdict::known);
  EXPECT_EQ(x.meet(0), verdict::newer) << "0 is a number like others";
}

TEST(incarnations, keeps_a_bounded_number_of_the_retired) {
  auto x = incarnations{};
  for (auto i = 0u; i < 1000; ++i)
    EXPECT_EQ(x.meet(i), incarnations::verdict::newer);
  EXPECT_EQ(x.meet(998), incarnations::verdict::retired);
  EXPECT_EQ(x.meet(1), incarnations::verdict::newer) << "forgotten long ago";
}

} // namespace
} // namespace shoal::cluster::links
