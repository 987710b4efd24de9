#include <gmock/gmock.h>

#include "actors/gateway/response_cache.hpp"

namespace shoal::gateway {
namespace {

using outcome = response_cache::outcome;

cache_rule rule() {
  auto x = cache_rule{};
  x.enabled = true;
  x.ttl_ms = 100;
  x.stale_ms = 50;
  return x;
}

answer saying(std::string text) {
  auto x = answer{};
  x.what.result_data = std::move(text);
  return x;
}

TEST(ResponseCache, KeepsAnAnswerForItsTime) {
  auto cache = response_cache{};
  EXPECT_EQ(cache.find("k", rule(), 0).what, outcome::miss);
  cache.keep("k", rule(), saying("a"), 1000);
  EXPECT_EQ(cache.find("k", rule(), 1099).what, outcome::hit);
  EXPECT_EQ(cache.find("k", rule(), 1099).kept->what.result_data, "a");
  EXPECT_EQ(cache.find("k", rule(), 1150).what, outcome::miss);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ResponseCache, OneCallerRefreshesWhatIsStaleWhileOthersGetIt) {
  auto cache = response_cache{};
  cache.keep("k", rule(), saying("old"), 1000);
  EXPECT_EQ(cache.find("k", rule(), 1100).what, outcome::refresh);
  EXPECT_EQ(cache.find("k", rule(), 1101).what, outcome::hit);
  cache.keep("k", rule(), saying("new"), 1120);
  EXPECT_EQ(cache.find("k", rule(), 1121).kept->what.result_data, "new");
}

TEST(ResponseCache, KeepsOnlySuccessesThatAreForEverybody) {
  auto cache = response_cache{};
  auto failed = saying("x");
  failed.what.code = mgw::result::backend_failed;
  cache.keep("a", rule(), failed, 0);
  auto cookies = saying("x");
  cookies.headers.emplace_back("set-cookie", "s=1");
  cache.keep("b", rule(), cookies, 0);
  auto moved = saying("x");
  moved.status = 302;
  cache.keep("c", rule(), moved, 0);
  auto small = rule();
  small.max_bytes = 3;
  cache.keep("d", small, saying("four"), 0);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ResponseCache, IsBoundedAndForgetsWhatWasUsedLongestAgo) {
  auto cache = response_cache{10'000};
  for (auto i = 0; i < 100; ++i) {
    cache.keep(std::to_string(i), rule(), saying(std::string(500, 'x')), 0);
    EXPECT_EQ(cache.find("0", rule(), 0).what, outcome::hit) << i;
    EXPECT_LE(cache.bytes(), 10'000u);
  }
  EXPECT_EQ(cache.find("1", rule(), 0).what, outcome::miss);
  EXPECT_EQ(cache.find("99", rule(), 0).what, outcome::hit);
}

TEST(ResponseCache, KeysAreMadeOfWhatTheRuleNames) {
  auto api = api_definition{};
  api.cache.key = {"query.page", "header.X-Lang", "user"};
  auto x = call{};
  x.query = "page=1&size=2";
  x.headers.emplace_back("x-lang", "en");
  x.what.user = "u";
  auto key = cache_key(x, api);
  x.query = "size=3&page=1";
  EXPECT_EQ(cache_key(x, api), key);
  x.query = "page=2";
  EXPECT_NE(cache_key(x, api), key);
  x.query = "page=1";
  x.what.user = "v";
  EXPECT_NE(cache_key(x, api), key);
  x.what.user = "u";
  api.version = 2;
  EXPECT_NE(cache_key(x, api), key) << "a changed definition begins anew";
}

TEST(ResponseCache, WhomTheAuthorizerNamesCountsAndNotTheClaim) {
  auto api = api_definition{};
  api.cache.key = {"user", "device", "header.Tenant"};
  auto anna = header_list{{"UserId", "anna"}, {"Tenant", "t1"}};
  auto x = call{};
  x.what.user = "ben";
  auto key = cache_key(x, api, anna);
  x.what.user = "anna";
  x.headers.emplace_back("Tenant", "t2");
  EXPECT_EQ(cache_key(x, api, anna), key);
  EXPECT_NE(cache_key(x, api), key);
  EXPECT_NE(cache_key(x, api, {{"UserId", "ben"}, {"Tenant", "t1"}}), key);
  api.cache.key = {};
  EXPECT_NE(cache_key(x, api, anna), cache_key(x, api, {{"UserId", "ben"}}));
}

TEST(ResponseCache, WhoClaimsToBeSomebodyDoesNotGetWhatTheProvenOneGot) {
  auto api = api_definition{};
  api.cache.key = {"user"};
  auto x = call{};
  x.what.user = "anna";
  auto key = cache_key(x, api);
  x.proven = true;
  EXPECT_NE(cache_key(x, api), key);
}

TEST(ResponseCache, PartsOfAKeyCannotRunIntoEachOther) {
  auto api = api_definition{};
  api.cache.key = {"user", "device"};
  auto a = call{}, b = call{};
  a.what.user = "ab";
  a.what.device = "c";
  b.what.user = "a";
  b.what.device = "bc";
  EXPECT_NE(cache_key(a, api), cache_key(b, api));
}

} // namespace
} // namespace shoal::gateway
