#include <gmock/gmock.h>

#include "actors/gateway/etcd_instances.hpp"

namespace shoal::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> addresses(const etcd_instances& x) {
  auto out = std::vector<std::string>{};
  for (auto& y : x.instances)
    out.push_back(y.address);
  return out;
}

etcd_instances read(const std::vector<std::string>& texts) {
  auto values = std::vector<cluster::stored_value>{};
  for (auto& text : texts)
    values.push_back({"k" + std::to_string(values.size()), text, 1});
  return read_etcd_instances(values);
}

TEST(EtcdInstances, AreAnAddressOrJsonWithWeightAndTags) {
  auto x = read({"10.0.0.7:8080", " a.b:1\n", R"({"address":"[::1]:80"})",
      R"({"address":"c:2","weight":0,"tags":{"version":"2"},"more":[1]})"});
  EXPECT_EQ(x.skipped, 0u) << x.first_skipped;
  EXPECT_THAT(addresses(x), ElementsAre("10.0.0.7:8080", "a.b:1", "[::1]:80", "c:2"));
  EXPECT_EQ(x.instances[0].weight, 1u);
  EXPECT_EQ(x.instances[3].weight, 0u);
  EXPECT_EQ(x.instances[3].tags.at("version"), "2");
}

TEST(EtcdInstances, AreWhatResolversOfGrpcLeave) {
  auto x = read({R"({"Op":0,"Addr":"a:1","Metadata":{"x":[1]}})", R"({"Op":1,"Addr":"b:1"})",
      R"({"Addr":"c:1","Metadata":null})"});
  EXPECT_EQ(x.skipped, 0u) << x.first_skipped;
  EXPECT_THAT(addresses(x), ElementsAre("a:1", "c:1"));
}

TEST(EtcdInstances, DamagedOnesAreSkippedAndNamed) {
  for (auto& damaged :
      std::vector<std::string>{"", "a", "a:", ":1", "a:0", "a:70000", "a b:1", "[]", "{", "{}",
          "null", R"("a:1")", R"({"address":7})", R"({"address":"a"})",
          R"({"address":"a:1","weight":-1})", R"({"address":"a:1","weight":1001})",
          R"({"address":"a:1","weight":"1"})", R"({"address":"a:1","weight":1.5})",
          R"({"address":"a:1","tags":[]})", R"({"address":"a:1","tags":{"x":1}})",
          R"({"address":"a:1","tags":{"x":")" + std::string(65, 'y') + "\"}}",
          R"({"address":"a:1","x":)" + std::string(100, '[') + std::string(100, ']') + "}",
          R"({"address":"a:1"} x)", R"({"Op":0})", R"({"Addr":{}})", std::string(5'000, 'a') + ":1",
          R"({"address":"a:1","x":")" + std::string(5'000, 'y') + "\"}",
          std::string{"a:1\0b", 5}}) {
    auto x = read({"first:1", damaged, "last:1"});
    EXPECT_THAT(addresses(x), ElementsAre("first:1", "last:1")) << damaged;
    EXPECT_EQ(x.skipped, 1u) << damaged;
    EXPECT_THAT(x.first_skipped, HasSubstr("k1: ")) << damaged;
  }
}

TEST(EtcdInstances, NoAddressCountsTwice) {
  auto x = read({"a:1", R"({"address":"a:1","weight":9})", "b:1"});
  EXPECT_THAT(addresses(x), ElementsAre("a:1", "b:1"));
  EXPECT_EQ(x.instances[0].weight, 1u);
  EXPECT_EQ(x.skipped, 0u);
}

TEST(EtcdInstances, AreBounded) {
  auto texts = std::vector<std::string>{};
  for (auto i = 0; i < 260; ++i)
    texts.push_back("a:" + std::to_string(i + 1));
  auto x = read(texts);
  EXPECT_EQ(x.instances.size(), max_etcd_instances);
  EXPECT_EQ(x.skipped, 4u);
  EXPECT_THAT(x.first_skipped, HasSubstr("k256: "));
}

TEST(EtcdInstances, APrefixEndsWhereItsNameDoes) {
  EXPECT_EQ(etcd_prefix_of("/services/orders"), "/services/orders/");
  EXPECT_EQ(etcd_prefix_of("/services/orders/"), "/services/orders/");
}

api_group group(const std::string& name, const std::string& source, std::uint32_t refresh_s) {
  auto out = api_group{};
  out.name = name;
  out.discovery = {discovery_kind::etcd, source, refresh_s};
  return out;
}

TEST(EtcdInstances, OfAllAppsAreLookedUpAsOftenAsTheMostImpatientWants) {
  auto shop = world_name{app_no{1}, "shop"}, bank = world_name{app_no{2}, "bank"};
  auto fixed = group("fixed", "/no", 1);
  fixed.discovery.kind = discovery_kind::fixed;
  auto x = registry{}
               .with(shop, make_live(group("a", "/a", 10)))
               .with(shop, make_live(group("b", "/b", 4)))
               .with(bank, make_live(group("a", "/a/", 2)))
               .with(bank, make_live(fixed));
  auto found = etcd_sources_of(x);
  EXPECT_EQ(found.refresh_s, (std::map<std::string, std::uint32_t>{{"/a/", 2}, {"/b/", 4}}));
  EXPECT_EQ(found.left_out, 0u);
}

TEST(EtcdInstances, OneAppCannotKeepAllPrefixesToItself) {
  auto shop = world_name{app_no{1}, "shop"}, bank = world_name{app_no{2}, "bank"};
  auto x = registry{}.with(bank, make_live(group("z", "/z", 1)));
  for (auto i = 0; i < 103; ++i) {
    auto name = "g" + std::to_string(i);
    x = x.with(shop, make_live(group(name, "/" + name, 1)));
  }
  auto found = etcd_sources_of(x);
  EXPECT_EQ(found.refresh_s.size(), max_etcd_prefixes_of_app + 1);
  EXPECT_TRUE(found.refresh_s.contains("/z/"));
  EXPECT_EQ(found.left_out, 3u);
}

} // namespace
} // namespace shoal::gateway
