#include <map>
#include <random>

#include <gtest/gtest.h>

#include "actors/gateway/persistent_map.hpp"

namespace shoal::gateway {
namespace {

std::map<std::string, int> listed(const persistent_map<int>& x) {
  std::map<std::string, int> out;
  x.each([&](const std::string& key, int value) { out[key] = value; });
  return out;
}

TEST(persistent_map, finds_what_was_added_and_nothing_else) {
  auto x = persistent_map<int>{}.with("a", 1).with("b", 2).with("a", 3);
  EXPECT_EQ(*x.find("a"), 3);
  EXPECT_EQ(*x.find("b"), 2);
  EXPECT_EQ(x.find("c"), nullptr);
  EXPECT_EQ(x.size(), 2u);
}

TEST(persistent_map, leaves_older_maps_as_they_were) {
  auto before = persistent_map<int>{}.with("a", 1).with("b", 2);
  auto after = before.with("a", 9).without("b").with("c", 3);
  EXPECT_EQ(listed(before), (std::map<std::string, int>{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(listed(after), (std::map<std::string, int>{{"a", 9}, {"c", 3}}));
}

TEST(persistent_map, agrees_with_an_ordinary_map_over_random_changes) {
  auto seed = std::uint32_t{20261128};
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto expected = std::map<std::string, int>{};
  auto x = persistent_map<int>{};
  for (int i = 0; i < 20'000; ++i) {
    auto key = "key-" + std::to_string(random() % 700);
    if (random() % 3 == 0) {
      expected.erase(key);
      x = x.without(key);
    } else {
      expected[key] = i;
      x = x.with(key, i);
    }
    ASSERT_EQ(x.size(), expected.size());
  }
  EXPECT_EQ(listed(x), expected);
}

TEST(persistent_map, removes_a_key_that_is_missing_without_a_change) {
  auto x = persistent_map<int>{}.with("a", 1);
  EXPECT_EQ(listed(x.without("b")), listed(x));
  EXPECT_TRUE(x.without("a").empty());
  EXPECT_EQ(x.without("a").find("a"), nullptr);
}

} // namespace
} // namespace shoal::gateway
