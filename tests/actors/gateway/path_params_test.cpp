#include <gtest/gtest.h>

#include "actors/gateway/path_params.hpp"

namespace shoal::gateway {
namespace {

std::vector<std::string> names(const api_definition& x) {
  auto out = std::vector<std::string>{};
  for (auto& p : implied_params(x)) {
    EXPECT_EQ(p.location, param_place::path);
    EXPECT_TRUE(p.required);
    out.push_back(p.name);
  }
  return out;
}

TEST(path_params, are_the_names_of_the_path_in_its_order) {
  auto x = api_definition{};
  EXPECT_TRUE(names(x).empty());
  x.path = "/b/{b}/{a}/c/{b}/{rest*}";
  EXPECT_EQ(names(x), (std::vector<std::string>{"b", "a", "rest"}));
}

TEST(path_params, are_those_of_the_path_that_the_backend_gets) {
  auto x = api_definition{};
  x.path = "/a/{a}";
  x.backend.path = "/b/{b}";
  EXPECT_EQ(names(x), (std::vector<std::string>{"b"}));
}

TEST(path_params, leave_out_what_is_defined_for_the_path) {
  auto x = api_definition{};
  x.path = "/{a}/{b}";
  x.params = {{"a", "string", param_place::path, false, {"1"}, ""},
      {"b", "string", param_place::query, false, {}, ""}};
  EXPECT_EQ(names(x), (std::vector<std::string>{"b"})) << "one in the query fills no path";
}

} // namespace
} // namespace shoal::gateway
