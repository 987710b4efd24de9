#include <gtest/gtest.h>

#include "cluster/view_rules.hpp"

namespace shoal::cluster {
namespace {

const auto abc = std::vector<std::string>{"a", "b", "c"};
const auto abd = std::vector<std::string>{"a", "b", "d"};
const auto abe = std::vector<std::string>{"a", "b", "e"};

bool may_follow(const view& next, const view& known, bool settled = false) {
  return wrong_with(next, known, settled).empty();
}

TEST(view_rules, refuse_a_leader_that_is_no_replica_and_names_that_come_twice) {
  EXPECT_EQ(wrong_with(view{1, "a", abc}), "");
  EXPECT_NE(wrong_with(view{0, "a", abc}), "");
  EXPECT_NE(wrong_with(view{1, "d", abc}), "");
  EXPECT_NE(wrong_with(view{1, "a", {}}), "");
  EXPECT_NE(wrong_with(view{1, "a", {"a", "b", "a"}}), "");
  EXPECT_NE(wrong_with(view{1, "a", abc, {"d", "d"}}), "");
}

TEST(view_rules, let_the_leader_change_freely_but_never_the_epoch_fall) {
  EXPECT_TRUE(may_follow({1, "a", abc}, {}));
  EXPECT_TRUE(may_follow({2, "b", {"c", "b", "a"}}, {1, "a", abc}));
  EXPECT_FALSE(may_follow({1, "b", abc}, {1, "a", abc}));
  EXPECT_FALSE(may_follow({1, "a", abc, abd}, {}));
}

TEST(view_rules, want_the_old_set_named_when_replicas_change) {
  EXPECT_FALSE(may_follow({2, "a", abd}, {1, "a", abc}));
  EXPECT_TRUE(may_follow({2, "a", abd, abc}, {1, "a", abc}));
  EXPECT_FALSE(may_follow({2, "a", abd, abe}, {1, "a", abc}));
}

TEST(view_rules, keep_an_open_change_open_until_it_is_settled_or_turned_back) {
  auto open = view{2, "a", abd, abc};
  EXPECT_TRUE(may_follow({3, "b", abd, abc}, open));
  EXPECT_TRUE(may_follow({3, "b", abc, abd}, open)) << "back";
  EXPECT_FALSE(may_follow({3, "b", abe, abc}, open)) << "a second change";
  EXPECT_FALSE(may_follow({3, "b", abc}, open, true)) << "back, without asking the new set";
  EXPECT_FALSE(may_follow({3, "a", abd}, open));
  EXPECT_TRUE(may_follow({3, "a", abd}, open, true));
}

} // namespace
} // namespace shoal::cluster
