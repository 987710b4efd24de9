#include <gtest/gtest.h>

#include "actors/catalog/catalog.hpp"

namespace shoal {
namespace {

app_ptr app(std::uint32_t no, std::string id) {
  auto x = app_config{};
  x.no = app_no{no};
  x.id = std::move(id);
  return std::make_shared<app_config>(x);
}

biz_ptr biz(std::uint32_t app, std::uint32_t no, std::string name) {
  auto x = biz_config{};
  x.app = app_no{app};
  x.no = biz_no{no};
  x.name = std::move(name);
  return std::make_shared<biz_config>(x);
}

key_ptr key(std::string id, std::uint32_t app) {
  auto x = key_config{};
  x.id = std::move(id);
  x.app = app_no{app};
  return std::make_shared<key_config>(x);
}

TEST(catalog, finds_what_was_added_and_nothing_else) {
  auto x = catalog{}.with(app(1, "shop")).with(biz(1, 1, "LOCK")).with(key("ak_1", 1));
  EXPECT_EQ(x.app("shop")->no, app_no{1});
  EXPECT_EQ(x.app(app_no{1})->id, "shop");
  EXPECT_EQ(x.biz(app_no{1}, "LOCK")->no, biz_no{1});
  EXPECT_EQ(x.biz(app_no{1}, biz_no{1})->name, "LOCK");
  EXPECT_EQ(x.key("ak_1")->app, app_no{1});
  EXPECT_FALSE(x.app("other"));
  EXPECT_FALSE(x.app(app_no{2}));
  EXPECT_FALSE(x.biz(app_no{2}, "LOCK"));
  EXPECT_FALSE(x.biz(app_no{1}, "NO"));
  EXPECT_FALSE(x.biz(app_no{1}, biz_no{2}));
  EXPECT_FALSE(x.key("ak_2"));
}

TEST(catalog, a_change_leaves_older_snapshots_as_they_were) {
  auto before = catalog{}.with(app(1, "shop"));
  auto after = before.with(biz(1, 1, "LOCK"));
  EXPECT_FALSE(before.biz(app_no{1}, "LOCK"));
  EXPECT_TRUE(after.biz(app_no{1}, "LOCK"));
}

TEST(catalog, replacing_an_app_keeps_its_bizs) {
  auto x = catalog{}.with(app(1, "shop")).with(biz(1, 1, "LOCK")).with(app(1, "shop"));
  EXPECT_TRUE(x.biz(app_no{1}, "LOCK"));
  EXPECT_EQ(x.apps().size(), 1u);
}

TEST(catalog, a_biz_without_an_app_is_not_added) {
  EXPECT_FALSE(catalog{}.with(biz(1, 1, "LOCK")).biz(app_no{1}, "LOCK"));
}

TEST(catalog, lists_what_belongs_to_one_app) {
  auto x = catalog{}
               .with(app(1, "a"))
               .with(app(2, "b"))
               .with(biz(1, 1, "X"))
               .with(biz(2, 1, "Y"))
               .with(key("k1", 1))
               .with(key("k2", 2));
  EXPECT_EQ(x.apps().size(), 2u);
  ASSERT_EQ(x.bizs(app_no{2}).size(), 1u);
  EXPECT_EQ(x.bizs(app_no{2})[0]->name, "Y");
  ASSERT_EQ(x.keys(app_no{1}).size(), 1u);
  EXPECT_EQ(x.keys(app_no{1})[0]->id, "k1");
  EXPECT_EQ(x.without_key("k1").keys(app_no{1}).size(), 0u);
  EXPECT_EQ(x.without_key("unknown").keys(app_no{1}).size(), 1u);
}

TEST(catalog, numbers_continue_after_the_highest) {
  auto x = catalog{};
  EXPECT_EQ(x.next_app(), 1u);
  EXPECT_EQ(x.next_biz(app_no{1}), 1u);
  x = x.with(app(7, "a")).with(biz(7, 3, "X"));
  EXPECT_EQ(x.next_app(), 8u);
  EXPECT_EQ(x.next_biz(app_no{7}), 4u);
}

TEST(catalog, names_the_setting_that_makes_no_sense) {
  auto good = *biz(1, 1, "LOCK");
  EXPECT_EQ(problem_of(good), "");
  auto refused = [&](auto change, std::string_view field) {
    auto x = good;
    change(x);
    EXPECT_EQ(problem_of(x).substr(0, field.size()), field);
  };
  refused([](auto& x) { x.name = "lock"; }, "name");
  refused([](auto& x) { x.description = std::string(1025, 'x'); }, "description");
  refused([](auto& x) { x.retention_s = 59; }, "retention_s");
  refused([](auto& x) { x.retention_s = 400 * 24 * 3600; }, "retention_s");
  refused([](auto& x) { x.payload_max = 0; }, "payload_max");
  refused([](auto& x) { x.payload_max = (1u << 20) + 1; }, "payload_max");
  refused([](auto& x) { x.ack_timeout_s = 0; }, "ack_timeout_s");
  refused([](auto& x) { x.persistent = false, x.repush_newest = 1; }, "repush_newest");
  refused([](auto& x) { x.multi_device = false, x.target = biz_target::device; }, "multi_device");
  refused([](auto& x) { x.multi_device = false, x.scope = biz_scope::global; }, "multi_device");
  refused([](auto& x) { x.multi_device = false, x.persistent = false; }, "multi_device");
  refused([](auto& x) { x.verified_only = true, x.target = biz_target::device; }, "verified_only");
}

TEST(catalog, names_what_is_missing_for_user_authentication) {
  using mode = user_auth::mode;
  auto x = user_auth{};
  EXPECT_EQ(problem_of(x), "");
  x.how = mode::hmac;
  EXPECT_NE(problem_of(x), "");
  x.secret = std::string(16, 's');
  EXPECT_EQ(problem_of(x), "");
  x.how = mode::jwt;
  EXPECT_NE(problem_of(x), "");
  x.jwt_algorithm = "HS256";
  EXPECT_NE(problem_of(x), "");
  x.secret = std::string(32, 's');
  EXPECT_EQ(problem_of(x), "");
  x.jwt_algorithm = "none";
  EXPECT_NE(problem_of(x), "");
  x.jwt_algorithm = "RS256";
  x.public_key = "not a key";
  EXPECT_NE(problem_of(x), "");
  x.how = mode::callback;
  EXPECT_NE(problem_of(x), "");
  x.url = "https://shop.example/validate";
  EXPECT_EQ(problem_of(x), "");
  x.url = "file:///etc/passwd";
  EXPECT_NE(problem_of(x), "");
}

} // namespace
} // namespace shoal
