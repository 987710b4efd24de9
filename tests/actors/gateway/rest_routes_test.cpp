#include <gtest/gtest.h>

#include "actors/gateway/rest_routes.hpp"

namespace shoal::gateway {
namespace {

api_ptr entry(std::string method, std::string path) {
  auto out = std::make_shared<api_definition>();
  out->operation = method + path;
  out->method = std::move(method);
  out->path = std::move(path);
  return out;
}

std::string found(const rest_routes& in, std::string_view method, std::string_view path) {
  auto& x = in.match(method, path);
  return x ? x->path : "";
}

TEST(rest_routes, prefers_text_to_a_name_and_a_name_to_the_rest) {
  auto x = rest_routes{}
               .with(entry("GET", "/orders/{id}"))
               .with(entry("GET", "/orders/new"))
               .with(entry("GET", "/orders/{rest*}"))
               .with(entry("GET", "/orders/{id}/items"));
  EXPECT_EQ(found(x, "GET", "/orders/new"), "/orders/new");
  EXPECT_EQ(found(x, "GET", "/orders/17"), "/orders/{id}");
  EXPECT_EQ(found(x, "GET", "/orders/17/items"), "/orders/{id}/items");
  EXPECT_EQ(found(x, "GET", "/orders/new/items"), "/orders/{id}/items"); // back from "new"
  EXPECT_EQ(found(x, "GET", "/orders/17/notes"), "/orders/{rest*}");
  EXPECT_EQ(found(x, "GET", "/orders"), "");
  EXPECT_EQ(found(x, "GET", "/orders/"), "/orders/{rest*}"); // an empty segment is no name
}

TEST(rest_routes, tells_a_known_path_with_another_method) {
  auto x = rest_routes{}.with(entry("GET", "/a")).with(entry("POST", "/a"));
  auto known = false;
  EXPECT_FALSE(x.match("PUT", "/a", &known));
  EXPECT_TRUE(known);
  EXPECT_FALSE(x.match("PUT", "/b", &known));
  EXPECT_FALSE(known);
  EXPECT_EQ(x.match("POST", "/a")->method, "POST");
}

TEST(rest_routes, gives_names_and_values_in_the_order_of_the_template) {
  using pairs = std::vector<std::pair<std::string_view, std::string_view>>;
  EXPECT_EQ(rest_params("/a/{x}/b/{y}", "/a/1/b/2"), (pairs{{"x", "1"}, {"y", "2"}}));
  EXPECT_EQ(rest_params("/f/{name*}", "/f/a/b/c.txt"), (pairs{{"name", "a/b/c.txt"}}));
  EXPECT_EQ(rest_params("/a", "/a"), pairs{});
}

TEST(rest_routes, knows_entries_that_differ_in_names_only_as_one) {
  auto x = rest_routes{}.with(entry("GET", "/a/{x}"));
  EXPECT_TRUE(x.same_entry("GET", "/a/{other}"));
  EXPECT_FALSE(x.same_entry("POST", "/a/{x}"));
  EXPECT_FALSE(x.same_entry("GET", "/a/{x*}"));
  EXPECT_FALSE(x.same_entry("GET", "/a"));
}

TEST(rest_routes, forgets_what_is_removed_and_keeps_the_others) {
  auto one = entry("GET", "/a/{x}"), two = entry("POST", "/a/{x}");
  auto x = rest_routes{}.with(one).with(two);
  auto less = x.without(*one);
  EXPECT_EQ(found(less, "GET", "/a/1"), "");
  EXPECT_EQ(found(less, "POST", "/a/1"), "/a/{x}");
  EXPECT_EQ(found(x, "GET", "/a/1"), "/a/{x}");
  EXPECT_EQ(found(less.without(*two), "POST", "/a/1"), "");
}

TEST(rest_routes, gives_up_on_a_path_that_would_cost_too_much) {
  // Text and name side by side in each of 15 segments: 2^15 ways, all of which fail at the end.
  auto x = rest_routes{};
  for (int mask = 0; mask < 1 << 10; ++mask) {
    auto path = std::string{};
    for (int i = 0; i < 10; ++i)
      path += mask >> i & 1 ? "/{x}" : "/a";
    x = x.with(entry("GET", path + "/end"));
  }
  EXPECT_EQ(found(x, "GET", "/a/a/a/a/a/a/a/a/a/a/nowhere"), "");
  EXPECT_EQ(found(x, "GET", "/a/a/a/a/a/a/a/a/a/a/end"), "/a/a/a/a/a/a/a/a/a/a/end");
  EXPECT_EQ(found(x, "GET", std::string(100'000, '/')), "");
}

TEST(rest_routes, keeps_the_paths_of_the_server_itself) {
  for (auto ours : {"/v1", "/v1/", "/v1/apps", "/mgw.htm"})
    EXPECT_TRUE(is_reserved_path(ours)) << ours;
  for (auto free : {"/", "/v10", "/v2/apps", "/a/v1/b", "/mgw.html"})
    EXPECT_FALSE(is_reserved_path(free)) << free;
}

TEST(rest_routes, names_what_is_wrong_with_a_template) {
  EXPECT_EQ(problem_of_rest_path("/orders/{id}"), "");
  EXPECT_EQ(problem_of_rest_path("/"), "");
  EXPECT_EQ(problem_of_rest_path("/f/{rest*}"), "");
  for (auto bad : {"", "orders", "/a/{", "/a/{}", "/a/x{y}", "/a/{x*}/b", "/a/{a-b}", "/a?b",
           "/a b", "/a/../b", "/./b", "/%2e%2e", "/a\\b", "/%zz"})
    EXPECT_NE(problem_of_rest_path(bad), "") << bad;
}

} // namespace
} // namespace shoal::gateway
