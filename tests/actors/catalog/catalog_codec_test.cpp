#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "actors/catalog/catalog_codec.hpp"
#include "actors/catalog/new_key.hpp"
#include "storage/keys.hpp"

namespace shoal {
namespace {

struct catalog_codec : testing::Test {
  catalog_codec() {
    app.no = app_no{3};
    app.id = "shop@prod";
    app.description = "a shop";
    app.users.how = user_auth::mode::hmac;
    app.users.secret = "very secret words";
    app.users.bind_unverified = true;
    app.created_ms = 11;
    biz.no = biz_no{5};
    biz.app = app.no;
    biz.name = "DEVICE-LOCK";
    biz.scope = biz_scope::global;
    biz.target = biz_target::device;
    biz.persistent = false;
    biz.verified_only = true;
    biz.retention_s = 61;
    biz.payload_max = 7;
    biz.ack_timeout_s = 8;
    biz.online = true;
    biz.created_ms = 12;
    biz.updated_ms = 13;
    key = new_key(app.no, key_role::admin, "note", 14);
    key.enabled = false;
  }
  void store(const storage::write_batch::row& row) {
    auto batch = storage::write_batch{};
    batch.put(row.key, row.value);
    ASSERT_EQ(db->write(batch, true), ec::none);
  }
  void store_text(std::string_view kind, std::string_view name, std::string text) {
    auto at = storage::object_key(kind, name);
    auto value = seal_row(at, std::move(text));
    store({at, value, false});
  }

  app_config app;
  biz_config biz;
  key_config key;
  std::unique_ptr<storage::faulty_database> db = storage::make_faulty_database();
};

TEST_F(catalog_codec, loads_what_it_stored) {
  store(row_of(app));
  store(row_of(biz));
  store(row_of(key));
  auto loaded = load_catalog(*db);
  ASSERT_TRUE(loaded.app("shop@prod"));
  EXPECT_EQ(to_json(*loaded.app(app.no), secrets::show), to_json(app, secrets::show));
  ASSERT_TRUE(loaded.biz(app.no, "DEVICE-LOCK"));
  EXPECT_EQ(to_json(*loaded.biz(app.no, biz.no)), to_json(biz));
  EXPECT_EQ(loaded.biz(app.no, biz.no)->app, app.no);
  ASSERT_TRUE(loaded.key(key.id));
  EXPECT_EQ(to_json(*loaded.key(key.id), secrets::show), to_json(key, secrets::show));
  EXPECT_EQ(loaded.key(key.id)->app, app.no);
}

TEST_F(catalog_codec, loads_an_empty_catalog_from_an_empty_database) {
  EXPECT_TRUE(load_catalog(*db).apps().empty());
}

TEST_F(catalog_codec, refuses_to_start_with_a_damaged_row_and_names_it) {
  store(row_of(app));
  ASSERT_TRUE(db->flip_bit(row_of(app).key, 100));
  try {
    load_catalog(*db);
    FAIL() << "loaded a damaged row";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string{e.what()}.find("app \"shop@prod\""), std::string::npos) << e.what();
  }
}

TEST_F(catalog_codec, refuses_rows_that_are_sealed_but_make_no_sense) {
  for (auto text : {"", "[]", "{}", R"({"id":"x","no":0,"users_auth":{}})",
           R"({"id":"x","no":-1,"users_auth":{}})",
           R"({"id":"x","no":1,"users_auth":{"mode":"magic"}})"}) {
    db = storage::make_faulty_database();
    store_text("app", "x", text);
    EXPECT_THROW(load_catalog(*db), std::runtime_error) << text;
  }
}

TEST_F(catalog_codec, refuses_a_biz_whose_app_is_missing) {
  store(row_of(biz));
  EXPECT_THROW(load_catalog(*db), std::runtime_error);
}

TEST_F(catalog_codec, ignores_fields_of_newer_versions) {
  store_text("app", "x", R"({"id":"x","no":1,"users_auth":{"mode":"none"},"added_later":true})");
  EXPECT_TRUE(load_catalog(*db).app("x"));
}

TEST_F(catalog_codec, a_row_is_good_only_under_its_own_key) {
  auto row = row_of(app);
  auto text = std::string_view{};
  EXPECT_TRUE(open_row(row.key, row.value, text));
  EXPECT_FALSE(open_row(row.key + "x", row.value, text));
  EXPECT_FALSE(open_row(row.key, "", text));
  EXPECT_FALSE(open_row(row.key, "12345678", text));
}

TEST_F(catalog_codec, hides_secrets_unless_told_otherwise) {
  EXPECT_EQ(to_json(app, secrets::hide).dump().find(app.users.secret), std::string::npos);
  EXPECT_EQ(to_json(key, secrets::hide).dump().find(key.secret), std::string::npos);
  EXPECT_EQ(to_json(app, secrets::hide)["users_auth"]["has_secret"], true);
}

TEST_F(catalog_codec, new_keys_differ_and_tell_what_they_are_for) {
  auto other = new_key(app.no, key_role::device, "", 1);
  EXPECT_NE(other.secret, key.secret);
  EXPECT_NE(other.id, key.id);
  EXPECT_EQ(key.secret.size(), 43u);
  EXPECT_TRUE(key.id.starts_with("ak_"));
  EXPECT_TRUE(other.id.starts_with("dk_"));
  EXPECT_TRUE(new_key(app_no{}, key_role::operator_, "", 1).id.starts_with("ok_"));
}

TEST_F(catalog_codec, every_name_reads_back) {
  auto role = key_role{};
  for (auto x :
      {key_role::read, key_role::write, key_role::admin, key_role::device, key_role::operator_}) {
    ASSERT_TRUE(from_string(to_string(x), role));
    EXPECT_EQ(role, x);
  }
  EXPECT_FALSE(from_string("root", role));
}

} // namespace
} // namespace shoal
