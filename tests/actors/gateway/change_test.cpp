#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "actors/catalog/catalog_codec.hpp"
#include "actors/gateway/change.hpp"
#include "storage/keys.hpp"
#include "storage/records.hpp"
#include "storage/replica_table.hpp"

namespace shoal::gateway {
namespace {

using nlohmann::json;

struct gateway_change : ::testing::Test {
  gateway_change() {
    for (auto [no, id] : {std::pair{1u, "shop"}, {2u, "shop@test"}}) {
      auto app = app_config{};
      app.no = app_no{no};
      app.id = id;
      apps = apps.with(std::make_shared<const app_config>(app));
    }
  }

  planned_change plan(std::vector<edit> edits, app_no app = app_no{1}) {
    return plan_change(now, apps, {app, std::move(edits), "ak_1", "a test"}, ++clock, ++seq);
  }

  /// Plans, writes and publishes.
  change_outcome make(std::vector<edit> edits, app_no app = app_no{1}) {
    auto x = plan(std::move(edits), app);
    if (x.outcome.code == ec::none && x.next) {
      db->write(x.rows, true);
      now = *x.next;
    }
    return x.outcome;
  }

  std::string refusal(std::vector<edit> edits) {
    auto x = plan(std::move(edits));
    EXPECT_NE(x.outcome.code, ec::none);
    EXPECT_TRUE(x.rows.empty());
    EXPECT_FALSE(x.next);
    return x.outcome.text;
  }

  static api_group group(std::string name = "orders") {
    auto x = api_group{};
    x.name = std::move(name);
    x.upstreams = {{"127.0.0.1:80", 1, {}}};
    return x;
  }

  static api_definition api(std::string operation, std::string path = "") {
    auto x = api_definition{};
    x.operation = std::move(operation);
    x.group = "orders";
    x.method = path.empty() ? "" : "GET";
    x.path = std::move(path);
    return x;
  }

  api_ptr found(const std::string& operation) { return now.find("shop", "", operation).api; }

  std::size_t rows_below(const std::string& prefix) {
    auto out = std::size_t{0};
    db->scan(prefix, storage::prefix_end(prefix),
        [&](std::string_view, std::string_view) { return ++out, true; });
    return out;
  }

  catalog apps;
  registry now;
  std::int64_t clock = 1'000;
  std::uint32_t seq = 0;
  std::unique_ptr<storage::database> db = storage::make_memory_database();
};

TEST_F(gateway_change, gives_ids_versions_and_revisions) {
  EXPECT_EQ(make({put(group())}).revision, 1u);
  EXPECT_EQ(make({put(api("a.b")), put(api("a.c"))}).revision, 2u);
  EXPECT_EQ(found("a.b")->id, 2u); // the group has 1
  EXPECT_EQ(found("a.c")->id, 3u);
  EXPECT_EQ(found("a.b")->version, 1u);
  auto changed = *found("a.b");
  changed.timeout_ms = 5;
  make({put(changed)});
  EXPECT_EQ(found("a.b")->version, 2u);
  EXPECT_EQ(found("a.b")->revision, 3u);
  EXPECT_EQ(found("a.b")->id, 2u);
  EXPECT_LT(found("a.b")->created_ms, found("a.b")->updated_ms);
  EXPECT_EQ(found("a.c")->revision, 2u);
}

TEST_F(gateway_change, never_gives_an_id_again) {
  make({put(group()), put(api("a.b"))});
  make({removal(entry_kind::api, "a.b")});
  now = load_registry(*db);
  make({put(api("a.b"))});
  EXPECT_EQ(found("a.b")->id, 3u);
}

TEST_F(gateway_change, writes_nothing_if_nothing_changes) {
  make({put(group()), put(api("a.b"))});
  auto again = plan({put(group()), put(api("a.b"))});
  EXPECT_EQ(again.outcome.code, ec::none);
  EXPECT_EQ(again.outcome.revision, 1u);
  EXPECT_TRUE(again.rows.empty());
}

TEST_F(gateway_change, is_all_or_nothing) {
  make({put(group())});
  auto bad = api("a.c");
  bad.group = "nowhere";
  EXPECT_NE(refusal({put(api("a.b")), put(bad)}).find("a.c"), std::string::npos);
  EXPECT_FALSE(found("a.b"));
}

TEST_F(gateway_change, refuses_what_refers_to_nothing) {
  make({put(group()), put(api("a.b"))});
  auto x = api("a.c");
  x.auth_rule = "login";
  EXPECT_NE(refusal({put(x)}).find("auth_rule"), std::string::npos);
  x = api("a.c");
  x.migrate.group = "new";
  EXPECT_NE(refusal({put(x)}).find("migrate.group"), std::string::npos);
  x = api("a.c");
  x.request = {{}, "shop.Order", "shop"};
  EXPECT_NE(refusal({put(x)}).find("request.proto"), std::string::npos);
  x = api("a.c");
  x.kind = api_kind::aggregate;
  x.answer.text = "{}";
  x.steps.resize(1);
  x.steps[0].name = "one", x.steps[0].operation = "a.nowhere";
  EXPECT_NE(refusal({put(x)}).find("steps.one.operation"), std::string::npos);
  x.steps[0].operation = "a.b";
  EXPECT_EQ(make({put(x)}).code, ec::none);
  auto rule = authorizer_rule{};
  rule.name = "login";
  rule.operation = "a.nowhere";
  rule.sources = {{param_place::header, "Token"}};
  EXPECT_NE(refusal({put(rule)}).find("operation"), std::string::npos);
}

TEST_F(gateway_change, may_bring_what_it_refers_to) {
  auto rule = authorizer_rule{};
  rule.name = "login";
  rule.operation = "a.auth";
  rule.sources = {{param_place::header, "Token"}};
  auto x = api("a.b");
  x.auth_rule = "login";
  EXPECT_EQ(make({put(x), put(rule), put(api("a.auth")), put(group())}).code, ec::none);
  EXPECT_TRUE(found("a.b"));
}

TEST_F(gateway_change, keeps_what_is_in_use) {
  make({put(group()), put(api("a.b"))});
  EXPECT_NE(refusal({removal(entry_kind::group, "orders")}).find("a.b"), std::string::npos);
  EXPECT_EQ(
      make({removal(entry_kind::api, "a.b"), removal(entry_kind::group, "orders")}).code, ec::none);
  EXPECT_FALSE(found("a.b"));
}

TEST_F(gateway_change, refuses_a_second_api_with_the_same_entry) {
  make({put(group()), put(api("a.b", "/orders/{id}"))});
  EXPECT_NE(refusal({put(api("a.c", "/orders/{other}"))}).find("a.b"), std::string::npos);
  EXPECT_EQ(make({put(api("a.c", "/orders/new"))}).code, ec::none);
  EXPECT_EQ(make({put(api("a.b", "/orders/{id}"))}).code, ec::none); // its own
}

TEST_F(gateway_change, refuses_a_host_of_another_app) {
  auto settings = app_settings{};
  settings.hosts = {"shop.example"};
  EXPECT_EQ(make({put(settings)}, app_no{2}).code, ec::none);
  EXPECT_NE(refusal({put(settings)}).find("hosts"), std::string::npos);
}

TEST_F(gateway_change, looks_at_the_version_that_the_caller_saw) {
  make({put(group()), put(api("a.b"))});
  auto edit = put(api("a.b", "/x"));
  edit.version = 2;
  EXPECT_NE(refusal({edit}).find("version"), std::string::npos);
  edit.version = 1;
  EXPECT_EQ(make({edit}).code, ec::none);
  EXPECT_NE(refusal({edit}).find("version"), std::string::npos);
}

TEST_F(gateway_change, looks_whether_it_exists) {
  make({put(group())});
  EXPECT_NE(refusal({put(group(), edit::expect::absent)}).find("exists"), std::string::npos);
  EXPECT_NE(refusal({put(api("a.b"), edit::expect::present)}).find("not exist"), std::string::npos);
  EXPECT_NE(refusal({removal(entry_kind::api, "a.b")}).find("not exist"), std::string::npos);
  EXPECT_EQ(plan({put(group())}, app_no{9}).outcome.code, ec::not_found);
}

TEST_F(gateway_change, keeps_the_newest_versions_and_changes_only) {
  make({put(group()), put(api("a.b"))});
  for (auto i = std::uint32_t{1}; i <= 300; ++i) {
    auto x = api("a.b");
    x.timeout_ms = i;
    ASSERT_EQ(make({put(x)}).code, ec::none);
  }
  EXPECT_EQ(rows_below(storage::gateway_version_prefix(app_no{1}, "a.b")), kept_versions);
  EXPECT_EQ(rows_below(storage::gateway_change_prefix()), kept_changes);
  make({removal(entry_kind::api, "a.b")});
  EXPECT_EQ(rows_below(storage::gateway_version_prefix(app_no{1}, "a.b")), 0u);
}

TEST_F(gateway_change, leaves_rows_that_make_the_same_registry_again) {
  auto settings = app_settings{};
  settings.secret = "a secret of an app";
  make({put(settings), put(group()), put(api("a.b", "/x/{y}"))});
  auto rows = make({put(api("a.c"))});
  auto read = load_registry(*db);
  EXPECT_EQ(read.revision(), now.revision());
  EXPECT_EQ(read.next_id(), now.next_id());
  EXPECT_EQ(*read.find("shop", "", "a.b").api, *found("a.b"));
  EXPECT_EQ(read.find("shop", "")->settings().set, now.find("shop", "")->settings().set);
  EXPECT_TRUE(read.find("shop", "")->api("GET", "/x/1"));
}

TEST_F(gateway_change, can_be_followed_change_by_change) {
  make({put(group()), put(api("a.b"))});
  make({put(api("a.c"))});
  make({removal(entry_kind::api, "a.b")});
  auto follower = registry{};
  for (auto revision = std::uint64_t{1}; revision <= 3; ++revision) {
    auto key = storage::gateway_change_key(revision);
    auto value = std::string{};
    ASSERT_EQ(db->get(key, value), storage::lookup::found);
    auto record = storage::gateway_change_record{};
    auto rows = storage::write_batch{};
    ASSERT_TRUE(storage::decode(value, key, record));
    ASSERT_TRUE(storage::decode_rows(record.rows, rows));
    ASSERT_TRUE(apply_rows(follower, rows));
  }
  EXPECT_FALSE(follower.find("shop", "", "a.b").api);
  EXPECT_EQ(*follower.find("shop", "", "a.c").api, *found("a.c"));
  EXPECT_TRUE(follower.find("shop", "")->group("orders"));
}

TEST_F(gateway_change, leaves_an_audit_record_without_secrets) {
  auto settings = app_settings{};
  settings.secret = "SECRET of the app";
  auto x = plan({put(settings)});
  auto audit = std::string{};
  for (auto& row : x.rows.rows())
    if (row.key.starts_with(storage::audit_prefix(app_no{1})))
      audit = row.value;
  EXPECT_NE(audit.find("gateway settings created"), std::string::npos) << audit;
  EXPECT_NE(audit.find("ak_1"), std::string::npos);
  EXPECT_EQ(audit.find("SECRET"), std::string::npos);
}

TEST_F(gateway_change, names_a_damaged_row_at_the_start) {
  make({put(group())});
  auto key = storage::gateway_entry_key(app_no{1}, 'g', "orders");
  auto rows = storage::write_batch{};
  rows.put(key, "{\"name\":\"orders\"}\n00000000");
  db->write(rows, true);
  try {
    load_registry(*db);
    ADD_FAILURE() << "a damaged row was taken";
  } catch (const std::runtime_error& x) {
    EXPECT_NE(std::string{x.what()}.find("orders"), std::string::npos) << x.what();
  }
}

} // namespace
} // namespace shoal::gateway
