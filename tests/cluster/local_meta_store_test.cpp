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
      [this](std::string_view prefix, std::vector<std::pair<std::string, std::string>>& out) {
        for (const auto& x : values)
          if (x.first.starts_with(prefix))
            out.emplace_back(x);
        return !broken;
      },
  });
};

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

TEST_F(local_meta_store, never_leaves_a_damaged_record_out_of_a_list) {
  ASSERT_EQ(store->swap_view(p1, 0, {1, "n1", {"n1"}}), meta_result::done);
  auto views = std::map<partition_no, view>{};
  auto nodes = std::vector<node_info>{};
  for (auto name : {"view/2", "view/", "view/01", "view/x", "view/70000"}) {
    values[name] = name == std::string{"view/2"} ? "{}" : values["view/1"];
    EXPECT_EQ(store->list_views(views), meta_result::failed) << name;
    EXPECT_TRUE(views.empty());
    values.erase(name);
  }
  EXPECT_EQ(store->list_views(views), meta_result::done);
  for (auto text : {"", "{}", R"({"name":"n1"})", R"({"name":"n1","version":0})",
           R"({"name":"n2","version":1})", R"({"name":"n1","version":1,"state":"asleep"})",
           R"({"name":"n1","version":1.5})", R"({"name":"n1","version":1,"incarnation":"xyz"})",
           R"({"name":"n1","version":1,"down":1})"}) {
    values["node/n1"] = text;
    EXPECT_EQ(store->list_nodes(nodes), meta_result::failed) << text;
    EXPECT_TRUE(nodes.empty());
  }
}

TEST_F(local_meta_store, reads_records_of_other_versions) {
  values["view/1"] = R"({"epoch":1,"leader":"n1","replicas":["n1"],"colour":{"of":["later"]}})";
  values["node/n1"] = R"({"name":"n1","version":3,"colour":"later"})";
  auto x = view{};
  auto node = node_info{};
  EXPECT_EQ(store->get_view(p1, x), meta_result::done);
  EXPECT_EQ(x, (view{1, "n1", {"n1"}}));
  EXPECT_EQ(store->get_node("n1", node), meta_result::done);
  EXPECT_EQ(node.version, 3u);
  EXPECT_EQ(node.state, node_state::up);
}

TEST_F(local_meta_store, never_takes_damaged_control_or_identity_as_missing) {
  for (auto text : {"", "{}", R"({"term":0,"beat":1,"node":"n","ttl_ms":1})",
           R"({"term":1,"beat":1,"node":"n","ttl_ms":4294967296,"incarnation":"0000000000000000"})",
           R"({"term":1,"beat":1,"node":"n","ttl_ms":1,"incarnation":"1"})"}) {
    values["controller"] = text;
    auto x = controller_record{};
    auto all = meta_contents{};
    EXPECT_EQ(store->get_controller(x), meta_result::failed) << text;
    EXPECT_EQ(store->swap_controller({}, {9, 9, "n", 1, 1}), meta_result::failed) << text;
    EXPECT_EQ(store->read_all(all), meta_result::failed);
  }
  for (auto text : {"", "{}", R"({"name":"c","partitions":0,"id":""})",
           R"({"name":"c","partitions":65536,"id":""})"}) {
    values["identity"] = text;
    auto found = cluster_identity{};
    EXPECT_EQ(store->join({"c", 64, "i"}, found), meta_result::failed) << text;
    EXPECT_EQ(values["identity"], text);
  }
}

TEST_F(local_meta_store, fails_with_its_hooks) {
  broken = true;
  auto x = view{};
  auto nodes = std::vector<node_info>{};
  auto found = cluster_identity{};
  EXPECT_EQ(store->get_view(p1, x), meta_result::failed);
  EXPECT_EQ(store->swap_view(p1, 0, {1, "n1", {"n1"}}), meta_result::failed);
  EXPECT_EQ(store->list_nodes(nodes), meta_result::failed);
  EXPECT_EQ(
      store->swap_node(0, {"n1", "", "", "", 0, node_state::up, false, 1}), meta_result::failed);
  EXPECT_EQ(store->join({"c", 64, "i"}, found), meta_result::failed);
  EXPECT_NE(store->problem(), "");
}

} // namespace
} // namespace shoal::cluster
