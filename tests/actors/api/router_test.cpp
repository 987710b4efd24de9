#include <gtest/gtest.h>

#include "actors/api/router.hpp"

namespace shoal::api {
namespace {

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
