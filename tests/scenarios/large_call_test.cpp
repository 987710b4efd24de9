// As many items as one call may have, against a real node.
#include "tests/scenarios/real_node.hpp"

namespace shoal::faults {
namespace {

class large_call : public real_node {
protected:
  static std::string items(int n) {
    auto out = nlohmann::json::array();
    for (auto i = 0; i < n; ++i)
      out.push_back({{"biz", "EACH"}, {"user", "u" + std::to_string(i % 1000)},
          {"payload", std::to_string(i)}, {"key", "k" + std::to_string(i)}});
    return nlohmann::json{{"items", std::move(out)}}.dump();
  }
};

TEST_F(large_call, appends_ten_thousand_items_in_their_order_and_repeats_none) {
  auto body = items(10'000);
  auto results = nlohmann::json::parse(api->must("POST", app.path("/sync/batch"), body))["results"];
  ASSERT_EQ(results.size(), 10'000u);
  for (std::size_t i = 0; i < results.size(); ++i) { // ten of each user, in the order of the list
    ASSERT_EQ(results[i].value("error", nlohmann::json{}), nlohmann::json{}) << "item " << i;
    ASSERT_EQ(results[i]["id"], i / 1000 + 1) << "item " << i;
  }
  auto again = nlohmann::json::parse(api->must("POST", app.path("/sync/batch"), body))["results"];
  ASSERT_EQ(again.size(), 10'000u);
  for (std::size_t i = 0; i < again.size(); ++i) {
    ASSERT_EQ(again[i]["id"], results[i]["id"]);
    ASSERT_EQ(again[i]["repeated"], true);
  }
}

TEST_F(large_call, refuses_one_more_and_appends_none_of_them) {
  auto x = api->call("POST", app.path("/sync/batch"), items(10'001));
  EXPECT_EQ(x.status, 400);
  EXPECT_EQ(code_of(x), "invalid_argument");
  auto stream = nlohmann::json::parse(api->must("GET", app.path("/streams/user:u0/EACH")));
  EXPECT_EQ(stream["latest"]["id"], 0);
}

} // namespace
} // namespace shoal::faults
