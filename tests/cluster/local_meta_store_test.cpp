#include <map>

#include <gtest/gtest.h>

#include "cluster/meta_store.hpp"

namespace shoal::cluster {
namespace {

constexpr auto p1 = static_cast<partition_no>(1);

class local_meta_store : public ::testing::Test {
public:
  std::map<std::string, std::string, std::less<>> values;
  bool broken = false;
  std::unique_ptr<meta_store> store = make_local_meta_store({
      [this](std::string_view name, std::string& value) {
        if (broken)
          return load_result::failed;
        auto i = values.find(name);
        if (i == values.end())
          return load_result::missing;
        value = i->second;
        return load_result::found;
      },
      [this](std::string_view name, std::string_view value) {
        if (!broken)
          values[std::string{name}] = value;
        return !broken;
      },
  });
};

TEST_F(local_meta_store, gives_back_a_view) {
  auto x = view{};
  EXPECT_EQ(store->get_view(p1, x), meta_result::missing);
  auto first = view{3, "n1", {"n1", "n2"}, {"n1"}};
  EXPECT_EQ(store->swap_view(p1, 0, first), meta_result::done);
  EXPECT_EQ(store->get_view(p1, x), meta_result::done);
  EXPECT_EQ(x, first);
}

TEST_F(local_meta_store, lets_one_of_two_swaps_win) {
  store->swap_view(p1, 0, {1, "n1", {"n1"}});
  EXPECT_EQ(store->swap_view(p1, 1, {2, "n2", {"n2"}}), meta_result::done);
  EXPECT_EQ(store->swap_view(p1, 1, {2, "n3", {"n3"}}), meta_result::conflict);
  EXPECT_EQ(store->swap_view(p1, 0, {9, "n3", {"n3"}}), meta_result::conflict);
  auto x = view{};
  store->get_view(p1, x);
  EXPECT_EQ(x.leader, "n2");
}

TEST_F(local_meta_store, takes_greater_epochs_only) {
  store->swap_view(p1, 0, {5, "n1", {"n1"}});
  EXPECT_EQ(store->swap_view(p1, 5, {5, "n2", {"n2"}}), meta_result::conflict);
  EXPECT_EQ(store->swap_view(p1, 5, {4, "n2", {"n2"}}), meta_result::conflict);
  EXPECT_EQ(store->swap_view(static_cast<partition_no>(2), 0, {0, "n", {}}), meta_result::conflict);
}

TEST_F(local_meta_store, never_takes_a_damaged_view_as_missing) {
  for (auto text : {"", "{", "[]", "{}", R"({"epoch":0,"leader":"n","replicas":[]})",
           R"({"epoch":1,"leader":7,"replicas":[]})",
           R"({"epoch":-1,"leader":"n","replicas":"n"})"}) {
    values["view/1"] = text;
    auto x = view{};
    EXPECT_EQ(store->get_view(p1, x), meta_result::failed) << text;
    EXPECT_EQ(x, view{});
    EXPECT_EQ(store->swap_view(p1, 0, {1, "n1", {}}), meta_result::failed) << text;
    EXPECT_EQ(values["view/1"], text);
  }
}

TEST_F(local_meta_store, keeps_one_entry_per_node) {
  auto nodes = std::vector<node_info>{};
  EXPECT_EQ(store->list_nodes(nodes), meta_result::done);
  EXPECT_TRUE(nodes.empty());
  store->put_node({"n1", "a:1"});
  store->put_node({"n2", "b:1"});
  EXPECT_EQ(store->put_node({"n1", "a:2"}), meta_result::done);
  EXPECT_EQ(store->list_nodes(nodes), meta_result::done);
  EXPECT_EQ(nodes, (std::vector<node_info>{{"n1", "a:2"}, {"n2", "b:1"}}));
}

TEST_F(local_meta_store, fails_with_its_hooks) {
  broken = true;
  auto x = view{};
  auto nodes = std::vector<node_info>{};
  EXPECT_EQ(store->get_view(p1, x), meta_result::failed);
  EXPECT_EQ(store->swap_view(p1, 0, {1, "n1", {}}), meta_result::failed);
  EXPECT_EQ(store->list_nodes(nodes), meta_result::failed);
  EXPECT_EQ(store->put_node({"n1", ""}), meta_result::failed);
  broken = false;
  values["nodes"] = "{\"a\":1}";
  EXPECT_EQ(store->list_nodes(nodes), meta_result::failed);
}

TEST_F(local_meta_store, gives_a_lonely_node_every_partition_once_and_for_all) {
  auto table = partition_table{8};
  ASSERT_EQ(adopt_all(*store, "n1", table), meta_result::done);
  EXPECT_EQ(table.led_by("n1").size(), 8u);
  auto again = partition_table{8};
  ASSERT_EQ(adopt_all(*store, "n1", again), meta_result::done);
  EXPECT_EQ(again.at(p1), table.at(p1));
  auto other = partition_table{8};
  EXPECT_EQ(adopt_all(*store, "n2", other), meta_result::conflict);
  broken = true;
  EXPECT_EQ(adopt_all(*store, "n1", again), meta_result::failed);
}

} // namespace
} // namespace shoal::cluster
