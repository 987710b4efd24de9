#include <thread>

#include <gtest/gtest.h>

#include "actors/gateway/registry.hpp"

namespace shoal::gateway {
namespace {

const auto shop = world_name{app_no{1}, "shop"};
const auto shop_test = world_name{app_no{2}, "shop@test"};

api_ptr api(std::string operation, std::string path = "") {
  auto out = std::make_shared<api_definition>();
  out->operation = std::move(operation);
  out->method = path.empty() ? "" : "GET";
  out->path = std::move(path);
  return out;
}

TEST(gateway_registry, finds_an_operation_by_app_and_workspace) {
  auto x = registry{}.with(shop, api("a.b")).with(shop_test, api("a.c"));
  EXPECT_EQ(x.find("shop", "", "a.b").api->operation, "a.b");
  EXPECT_EQ(x.find("shop", "default", "a.b").api->operation, "a.b");
  EXPECT_EQ(x.find("shop", "test", "a.c").api->operation, "a.c");
  EXPECT_FALSE(x.find("shop", "test", "a.b").api);
  EXPECT_TRUE(x.find("shop", "test", "a.b").in);
  EXPECT_FALSE(x.find("other", "", "a.b").in);
  EXPECT_FALSE(x.find(std::string(1000, 'x'), std::string(1000, 'y')));
  EXPECT_EQ(x.size(), 2u);
}

TEST(gateway_registry, moves_a_rest_entry_when_its_api_changes) {
  auto x = registry{}.with(shop, api("a.b", "/old/{id}"));
  EXPECT_TRUE(x.find("shop", "")->api("GET", "/old/1"));
  x = x.with(shop, api("a.b", "/new/{id}"));
  EXPECT_FALSE(x.find("shop", "")->api("GET", "/old/1"));
  EXPECT_EQ(x.find("shop", "")->api("GET", "/new/1")->operation, "a.b");
  x = x.without(shop.no, entry_kind::api, "a.b");
  EXPECT_FALSE(x.find("shop", "")->api("GET", "/new/1"));
  EXPECT_EQ(x.size(), 0u);
}

TEST(gateway_registry, finds_an_app_by_its_hosts_of_now) {
  auto settings = app_settings{};
  settings.hosts = {"m.shop.example", "shop.example"};
  auto x = registry{}.with(shop, make_live(settings)).with(shop, api("a.b"));
  EXPECT_TRUE(x.find_host("shop.example")->api("a.b")); // the host's world is the newest
  settings.hosts = {"m.shop.example"};
  x = x.with(shop, make_live(settings));
  EXPECT_FALSE(x.find_host("shop.example"));
  EXPECT_TRUE(x.find_host("m.shop.example"));
}

TEST(gateway_registry, has_default_settings_until_some_are_made) {
  auto x = registry{}.with(shop, api("a.b"));
  EXPECT_FALSE(x.find("shop", "")->settings().set.enabled);
  auto settings = app_settings{};
  settings.enabled = true;
  settings.secret = "a secret of an app";
  settings.sign_types = {mgw::sign_type::sm3};
  x = x.with(shop, make_live(settings));
  EXPECT_TRUE(x.find("shop", "")->settings().keys.has_secret());
  EXPECT_EQ(x.find("shop", "")->settings().rules.allowed,
      1u << static_cast<unsigned>(mgw::sign_type::sm3));
  x = x.without(shop.no, entry_kind::settings, "");
  EXPECT_FALSE(x.find("shop", "")->settings().set.enabled);
}

TEST(gateway_registry, prepares_the_signature_of_a_group) {
  auto group = api_group{};
  group.name = "orders";
  EXPECT_FALSE(make_live(group)->signer);
  group.signing = {signing_kind::sm3, "k1", "salt"};
  EXPECT_EQ(make_live(group)->signer->key_id(), "k1");
  group.signing = {signing_kind::rsa, "k1", "no PEM"};
  EXPECT_FALSE(make_live(group)->signer);
}

TEST(gateway_registry, shares_all_but_a_few_nodes_with_the_one_before) {
  auto x = registry{};
  for (int i = 0; i < 2'000; ++i)
    x = x.with(shop, api("op." + std::to_string(i)));
  auto kept = x.find("shop", "", "op.7").api;
  auto changed = x.with(shop, api("op.8"));
  EXPECT_EQ(changed.find("shop", "", "op.7").api, kept);
  EXPECT_NE(changed.find("shop", "", "op.8").api, x.find("shop", "", "op.8").api);
}

TEST(gateway_registry_reader, sees_a_store_the_next_time_it_looks) {
  auto cell = registry_cell{};
  auto reader = registry_reader{cell};
  EXPECT_EQ(reader.now().revision(), 0u);
  cell.store(std::make_shared<const registry>(registry{}.at(1, 1)));
  EXPECT_EQ(reader.now().revision(), 1u);
  auto same = reader.kept();
  reader.now();
  EXPECT_EQ(reader.kept(), same);
}

TEST(gateway_registry_reader, frees_what_was_replaced) {
  auto cell = registry_cell{};
  auto reader = registry_reader{cell};
  cell.store(std::make_shared<const registry>(registry{}.at(1, 1)));
  reader.now();
  auto old = std::weak_ptr<const registry>{reader.kept()};
  cell.store(std::make_shared<const registry>(registry{}.at(2, 1)));
  EXPECT_FALSE(old.expired());
  reader.now();
  EXPECT_TRUE(old.expired());
}

TEST(gateway_registry_reader, reads_whole_snapshots_while_another_thread_stores) {
  auto cell = registry_cell{};
  auto done = std::atomic<bool>{false};
  auto writer = std::thread{[&] {
    for (std::uint64_t i = 1; i <= 2'000; ++i)
      cell.store(std::make_shared<const registry>(
          registry{}.with(shop, api("op." + std::to_string(i))).at(i, 1)));
    done = true;
  }};
  auto reader = registry_reader{cell};
  auto last = std::uint64_t{0};
  while (last < 2'000) {
    auto& now = reader.now();
    EXPECT_GE(now.revision(), last);
    last = now.revision();
    if (last > 0) {
      EXPECT_TRUE(now.find("shop", "", "op." + std::to_string(last)).api);
    }
    if (done && reader.now().revision() != 2'000) {
      ADD_FAILURE() << "stopped at " << last;
      break;
    }
  }
  writer.join();
}

} // namespace
} // namespace shoal::gateway
