#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "actors/api/openapi.hpp"
#include "actors/api/router.hpp"

namespace shoal::api {
namespace {

using parameters = std::map<std::string, std::set<std::string>>; // by "GET /v1/time"

/// Of the description, as far as its layout goes: a path is indented by 2, a method by 4.
parameters described() {
  auto out = parameters{};
  auto in = std::istringstream{std::string{openapi_yaml}};
  auto path = std::string{}, call = std::string{};
  for (auto line = std::string{}; std::getline(in, line) && line != "components:";) {
    if (line.starts_with("  /")) {
      path = line.substr(2, line.find(':') - 2);
      continue;
    }
    for (auto method : {"GET", "PUT", "POST", "PATCH", "DELETE"}) {
      auto word = std::string{"    "};
      for (auto c : std::string_view{method})
        word += static_cast<char>(c + 32);
      if (line == word + ":")
        out[call = std::string{method} + " " + path];
    }
    if (auto at = line.find("{name: "); at != line.npos && line.find("in: query") != line.npos)
      out[call].insert(line.substr(at + 7, line.find(',', at) - at - 7));
    if (line.find("components/parameters/limit") != line.npos)
      out[call].insert("limit");
  }
  return out;
}

TEST(router, knows_the_routes_and_parameters_of_its_description) {
  auto table = parameters{};
  for (const auto& r : routes()) {
    auto& names = table[std::string{r.method}.append(" ").append(r.pattern)];
    auto in = std::istringstream{std::string{r.query}};
    for (auto name = std::string{}; in >> name;)
      names.insert(name);
  }
  EXPECT_EQ(table, described());
}

TEST(router, finds_routes_and_their_parameters) {
  auto x = match_route("GET", "/v1/apps/shop/streams/user:u1/DEVICE-LOCK/ops");
  ASSERT_TRUE(x.found);
  EXPECT_EQ(x.found->id, route_id::stream_ops);
  EXPECT_EQ(x.params[0], "shop");
  EXPECT_EQ(x.params[1], "user:u1");
  EXPECT_EQ(x.params[2], "DEVICE-LOCK");
}

TEST(router, finds_every_route_of_its_table) {
  for (const auto& r : routes()) {
    std::string path;
    for (auto c : r.pattern)
      path += c == '{' || c == '}' ? 'x' : c;
    auto x = match_route(r.method, path);
    ASSERT_TRUE(x.found) << r.pattern;
    EXPECT_EQ(x.found->id, r.id) << r.pattern;
  }
}

TEST(router, names_the_methods_that_a_path_knows) {
  auto x = match_route("POST", "/v1/apps/shop/biz/X");
  EXPECT_FALSE(x.found);
  EXPECT_EQ(x.allowed, "PUT, GET, PATCH");
}

TEST(router, knows_one_spelling_of_a_path) {
  for (auto path : {"", "/", "v1/apps", "//v1/apps", "/v1//apps", "/v1/apps/", "/v1/apps//sync",
           "/v1/apps/shop/sync/", "/V1/apps", "/v1/apps/shop/../shop", "/v1/apps/./shop/keys",
           "/v1/apps?x", "/v1/%61pps", "/v1/apps/shop/streams/user/u1/X/ops"})
    EXPECT_FALSE(match_route("GET", path).found) << path;
  EXPECT_FALSE(match_route("get", "/v1/apps").found);
}

TEST(router, names_its_routes_in_their_order) {
  auto names = route_names();
  ASSERT_EQ(names.size(), routes().size());
  EXPECT_EQ(names.front(), "POST /v1/apps/{app}/sync");
}

} // namespace
} // namespace shoal::api
