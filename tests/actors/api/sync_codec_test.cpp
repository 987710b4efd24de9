#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "actors/api/refusal.hpp"
#include "actors/api/sync_codec.hpp"
#include "protocol/signing.hpp"

namespace shoal::api {
namespace {

using nlohmann::json;

constexpr std::int64_t now = 1'760'000'000'000;
using refused_as = std::pair<ec, std::string>;

refused_as invalid(std::string field) { return {ec::invalid_argument, std::move(field)}; }

struct sync_codec : testing::Test {
  sync_codec() {
    auto app = app_config{};
    app.no = app_no{1};
    app.id = "shop";
    known = known.with(std::make_shared<app_config>(app));
    add("USERS", [](auto&) {});
    add("DEVICES", [](auto& x) { x.target = biz_target::device; });
    add("ALL", [](auto& x) { x.scope = biz_scope::global; });
    add("ALL-DEVICES", [](auto& x) {
      x.scope = biz_scope::global;
      x.target = biz_target::device;
    });
    add("OFF", [](auto& x) { x.online = false; });
  }

  template <class Change>
  void add(std::string name, Change change) {
    auto x = biz_config{};
    x.app = app_no{1};
    x.no = biz_no{known.next_biz(x.app)};
    x.name = std::move(name);
    x.online = true;
    x.payload_max = 16;
    x.retention_s = 3600;
    change(x);
    known = known.with(std::make_shared<biz_config>(x));
  }

  append_item read(json item) { return read_item(item, {known, app_no{1}, now, 1u << 20}); }

  refused_as refused(json item, const json& more) {
    item.update(more);
    try {
      read(item);
    } catch (const refusal& x) {
      return {x.code, x.detail.substr(0, x.detail.find(':'))};
    }
    return {ec::none, ""};
  }

  catalog known;
  json to_user{{"biz", "USERS"}, {"user", "u1"}, {"payload", "hello"}};
  json to_all{{"biz", "ALL"}, {"payload", "hello"}};
};

TEST_F(sync_codec, reads_the_smallest_op) {
  auto x = read(to_user);
  EXPECT_EQ(x.who, principal::user("u1"));
  EXPECT_EQ(x.biz->name, "USERS");
  EXPECT_EQ(x.op.payload, "hello");
  EXPECT_EQ(x.op.valid_from_ms, 0);
  EXPECT_EQ(x.op.valid_until_ms, now + 3'600'000) << "the biz's retention";
  EXPECT_TRUE(x.op.filter.empty());
  EXPECT_FALSE(x.check_online);
}

TEST_F(sync_codec, reads_every_field) {
  auto item = to_user;
  item.update({{"key", "order-7"}, {"valid_from_ms", now + 1}, {"valid_until_ms", now + 2},
      {"os", "iOS"}, {"min_app_version", "1.2"}, {"max_app_version", "1.10"},
      {"regions", json::array({"CN"})}, {"models", json::array({"M"})},
      {"networks", json::array({"wifi"})}, {"tags", {{"k", "v"}}}, {"check_online", true}});
  auto x = read(item);
  EXPECT_EQ(x.op.client_key, "order-7");
  EXPECT_EQ(x.op.valid_from_ms, now + 1);
  EXPECT_EQ(x.op.valid_until_ms, now + 2);
  EXPECT_EQ(x.op.filter.os, "iOS");
  EXPECT_EQ(x.op.filter.min_app_version, "1.2");
  EXPECT_EQ(x.op.filter.max_app_version, "1.10");
  EXPECT_EQ(x.op.filter.regions, std::vector<std::string>{"CN"});
  EXPECT_EQ(x.op.filter.models, std::vector<std::string>{"M"});
  EXPECT_EQ(x.op.filter.networks, std::vector<std::string>{"wifi"});
  EXPECT_EQ(x.op.filter.tags.at("k"), "v");
  EXPECT_TRUE(x.check_online);
  auto all = to_all;
  all.update({{"users", json::array({"u1"})}, {"min_uid", 5}, {"max_uid", 6}});
  auto y = read(all);
  EXPECT_EQ(y.who, principal::global());
  EXPECT_EQ(y.op.filter.users, std::vector<std::string>{"u1"});
  EXPECT_EQ(y.op.filter.min_uid, 5u);
  EXPECT_EQ(y.op.filter.max_uid, 6u);
}

TEST_F(sync_codec, carries_any_bytes_as_base64) {
  auto bytes = std::string("\x00\xff\x80", 3);
  auto x = read({{"biz", "DEVICES"}, {"device", "d1"}, {"payload_base64", base64(bytes)}});
  EXPECT_EQ(x.who, principal::device("d1"));
  EXPECT_EQ(x.op.payload, bytes);
}

TEST_F(sync_codec, refuses_bizs_that_cannot_take_ops) {
  EXPECT_EQ(refused(to_user, {{"biz", "NONE"}}), refused_as(ec::unknown_biz, "biz"));
  EXPECT_EQ(refused(to_user, {{"biz", "OFF"}}), refused_as(ec::biz_offline, "biz"));
  EXPECT_EQ(refused(to_user, {{"biz", nullptr}}), invalid("biz"));
}

TEST_F(sync_codec, refuses_targets_that_do_not_fit_the_biz) {
  EXPECT_EQ(refused(to_user, {{"device", "d1"}}), refused_as(ec::wrong_target, "device"));
  EXPECT_EQ(refused(to_user, {{"user", nullptr}}), invalid("user"));
  EXPECT_EQ(refused(to_user, {{"user", "a b"}}), invalid("user"));
  EXPECT_EQ(refused(to_user, {{"user", ""}}), invalid("user"));
  EXPECT_EQ(refused(to_user, {{"biz", "DEVICES"}}), refused_as(ec::wrong_target, "user"));
  EXPECT_EQ(refused(to_all, {{"user", "u1"}}), refused_as(ec::wrong_target, "user"));
}

TEST_F(sync_codec, holds_payloads_to_the_bizs_limit) {
  auto large = std::string(17, 'x');
  EXPECT_EQ(refused(to_user, {{"payload", std::string(16, 'x')}}).first, ec::none);
  EXPECT_EQ(refused(to_user, {{"payload", large}}), refused_as(ec::payload_too_large, "payload"));
  EXPECT_EQ(refused(to_user, {{"payload", nullptr}, {"payload_base64", base64(large)}}),
      refused_as(ec::payload_too_large, "payload_base64"));
  EXPECT_EQ(refused(to_user, {{"payload", nullptr}, {"payload_base64", "%%%"}}),
      invalid("payload_base64"));
  EXPECT_EQ(refused(to_user, {{"payload_base64", "AAAA"}}), invalid("payload"));
  EXPECT_EQ(refused(to_user, {{"payload", nullptr}}), invalid("payload"));
}

TEST_F(sync_codec, holds_idempotency_keys_below_100_bytes) {
  EXPECT_EQ(refused(to_user, {{"key", std::string(99, 'k')}}).first, ec::none);
  EXPECT_EQ(refused(to_user, {{"key", std::string(100, 'k')}}), invalid("key"));
  EXPECT_EQ(refused(to_user, {{"key", ""}}), invalid("key"));
}

TEST_F(sync_codec, keeps_validity_inside_retention) {
  auto item = to_user;
  item["valid_until_ms"] = now + 999'999'999;
  EXPECT_EQ(read(item).op.valid_until_ms, now + 3'600'000);
  EXPECT_EQ(refused(to_user, {{"valid_until_ms", now - 1}}), invalid("valid_until_ms"));
  EXPECT_EQ(refused(to_user, {{"valid_until_ms", 0}}), invalid("valid_until_ms"));
  EXPECT_EQ(refused(to_user, {{"valid_from_ms", now + 2}, {"valid_until_ms", now + 1}}),
      invalid("valid_from_ms"));
  EXPECT_EQ(refused(to_user, {{"valid_from_ms", now + 4'000'000}}), invalid("valid_from_ms"));
}

TEST_F(sync_codec, refuses_filters_that_cannot_match) {
  EXPECT_EQ(refused(to_user, {{"min_app_version", "1.x"}}), invalid("min_app_version"));
  EXPECT_EQ(refused(to_user, {{"max_app_version", ""}}), invalid("max_app_version"));
  EXPECT_EQ(refused(to_user, {{"min_app_version", "2"}, {"max_app_version", "1.9"}}),
      invalid("min_app_version"));
  EXPECT_EQ(refused(to_all, {{"min_uid", 2}, {"max_uid", 1}}), invalid("min_uid"));
  EXPECT_EQ(refused(to_all, {{"min_uid", -2}}), invalid("min_uid"));
  EXPECT_EQ(refused(to_all, {{"users", json::array({"a b"})}}), invalid("users"));
  EXPECT_EQ(refused(to_user, {{"users", json::array({"u1"})}}), invalid("users"));
  EXPECT_EQ(refused(to_user, {{"max_uid", 7}}), invalid("max_uid"));
  EXPECT_EQ(refused({{"biz", "ALL-DEVICES"}, {"payload", "x"}}, {{"users", json::array({"u1"})}}),
      invalid("users"));
  EXPECT_EQ(refused(to_all, {{"check_online", true}}), invalid("check_online"));
  EXPECT_EQ(refused(to_user, {{"payloadd", "x"}}), invalid("payloadd"));
}

TEST_F(sync_codec, shows_ops_with_payloads_of_any_bytes) {
  auto op = storage::op_record{};
  op.id = 7;
  op.payload = "text";
  EXPECT_EQ(to_json(op)["payload"], "text");
  op.payload = "\xff";
  EXPECT_EQ(to_json(op)["payload_base64"], "/w==");
  EXPECT_FALSE(to_json(op).contains("payload"));
  op.filter.regions = {"CN"};
  EXPECT_EQ(to_json(op)["filter"]["regions"][0], "CN");
}

TEST_F(sync_codec, writes_results_as_json) {
  std::string out;
  append_result_json(out, {0, ec::none, {1, 42}, true, 3}, listeners::counted);
  EXPECT_EQ(json::parse(out), (json{{"id", 42}, {"epoch", 1}, {"repeated", true}, {"online", 3}}));
}

} // namespace
} // namespace shoal::api
