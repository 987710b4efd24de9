// What a copy between two worlds takes along, and what it leaves.
#include <map>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "actors/gateway/change.hpp"
#include "actors/gateway/copy.hpp"
#include "actors/gateway/definition_codec.hpp"

namespace shoal::gateway {
namespace {

using nlohmann::json;

api_definition api_of(const std::string& operation, api_status status = api_status::offline) {
  auto out = api_definition{};
  out.operation = operation;
  out.group = "orders";
  out.status = status;
  return out;
}

api_group group_of(const std::string& name, const std::string& address) {
  auto out = api_group{};
  out.name = name;
  out.upstreams = {{address, 1, {}}};
  return out;
}

struct gateway_copy : testing::Test {
  void add(const world_name& where, api_definition x) {
    all = all.with(where, std::make_shared<const api_definition>(std::move(x)));
  }
  void add(const world_name& where, api_group x) { all = all.with(where, make_live(std::move(x))); }

  json copy(const copy_request& what = {}) {
    auto target = all.find(there.no);
    auto none = world{there.no, there.app};
    return copied(*all.find(here.no), target ? *target : none, what);
  }

  static std::vector<std::string> names(const json& list, const char* field) {
    auto out = std::vector<std::string>{};
    for (auto& x : list)
      out.push_back(x[field].get<std::string>());
    return out;
  }

  using texts = std::vector<std::string>;
  world_name here{app_no{1}, "shop"}, there{app_no{2}, "shop@test"};
  registry all;
};

TEST_F(gateway_copy, takes_along_what_the_named_apis_name) {
  auto migrating = api_of("a.b");
  migrating.migrate.group = "new-orders";
  migrating.auth_rule = "login";
  add(here, migrating);
  add(here, api_of("a.c"));
  add(here, group_of("orders", "dev:1"));
  add(here, group_of("new-orders", "dev:2"));
  add(here, group_of("others", "dev:3"));
  auto rule = authorizer_rule{};
  rule.name = "login";
  all = all.with(here, std::make_shared<const authorizer_rule>(rule));
  auto out = copy({{"a.b"}, false});
  EXPECT_EQ(names(out["apis"], "operation"), (texts{"a.b"}));
  EXPECT_EQ(names(out["groups"], "name"), (texts{"new-orders", "orders"}));
  EXPECT_EQ(names(out["auth_rules"], "name"), (texts{"login"}));
  EXPECT_FALSE(out.contains("settings"));
  EXPECT_EQ(names(copy()["apis"], "operation"), (texts{"a.b", "a.c"}));
}

TEST_F(gateway_copy, leaves_groups_that_are_there_unless_told) {
  add(here, api_of("a.b"));
  add(here, group_of("orders", "dev:1"));
  add(there, group_of("orders", "prod:1"));
  EXPECT_TRUE(copy()["groups"].empty());
  EXPECT_EQ(copy({{}, true})["groups"][0]["upstreams"][0]["address"], "dev:1");
}

TEST_F(gateway_copy, opens_and_closes_nothing_that_is_there) {
  add(here, api_of("open.here", api_status::online));
  add(here, api_of("open.there"));
  add(here, api_of("new", api_status::online));
  add(there, api_of("open.here"));
  add(there, api_of("open.there", api_status::online));
  auto status = std::map<std::string, std::string>{};
  auto document = copy();
  for (auto& x : document["apis"])
    status[x["operation"].get<std::string>()] =
        x.value("status", "offline"); // the default is not written
  EXPECT_EQ(status["open.here"], "offline");
  EXPECT_EQ(status["open.there"], "online");
  EXPECT_EQ(status["new"], "online");
}

TEST_F(gateway_copy, says_what_it_cannot_take) {
  add(here, api_of("a.b"));
  try {
    copy({{"a.b", "a.x"}, false});
    FAIL();
  } catch (const bad_field& why) {
    EXPECT_EQ(why.path, "operations[1]");
  }
  for (auto i = std::size_t{0}; i < max_edits; ++i)
    add(here, api_of("more." + std::to_string(i)));
  EXPECT_THROW(copy(), bad_field) << "one too many";
  EXPECT_EQ(copy({{"a.b"}, false})["apis"].size(), 1u);
}

} // namespace
} // namespace shoal::gateway
