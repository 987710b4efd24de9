// The calls about the gateway's definitions, with the real writer and the rows that it leaves.
#include <nlohmann/json.hpp>

#include "actors/api/api_actor.hpp"
#include "actors/catalog/new_key.hpp"
#include "actors/gateway/gateway_rows.hpp"
#include "actors/gateway/gateway_writer.hpp"
#include "actors/partition/reader.hpp"
#include "protocol/mgw/signature.hpp"
#include "protocol/signing.hpp"
#include "tests/actors/fake_partition.hpp"
#include "tests/protocol/mgw/keys.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal::api {
namespace {

using nlohmann::json;

struct api_gateway_test : testing_support::actor_test {
  void SetUp() override {
    services->now_ms = [this] { return now; };
    services->db = db.get();
    services->count = &count;
    services->request_nonces = &nonces;
    log->automatic = true;
    services->where.set_partition(partition_no{0}, keep(sys.spawn(fake_partition, log)));
    services->where.set_readers({keep(sys.spawn(reader, services))});
    services->where.set_gateway_writer(keep(spawn_gateway_writer(sys, services)));
    server = keep(sys.spawn(api, services));
    auto known = catalog{};
    for (auto [no, id] : {std::pair{1u, "shop"}, {2u, "shop@test"}}) {
      auto app = app_config{};
      app.no = app_no{no};
      app.id = id;
      known = known.with(std::make_shared<app_config>(app));
    }
    admin = new_key(app_no{1}, key_role::admin, "", now);
    reading = new_key(app_no{1}, key_role::read, "", now);
    other = new_key(app_no{2}, key_role::admin, "", now);
    for (const auto& key : {admin, reading, other})
      known = known.with(std::make_shared<key_config>(key));
    services->catalog.store(std::make_shared<const catalog>(known));
    sched.run();
  }

  void TearDown() override {
    services->where.clear();
    *log = {};
    server = nullptr;
    actor_test::TearDown();
  }

  struct reply {
    int status = -1;
    json body;
    std::string code() const { return body.is_object() ? body.value("code", "") : ""; }
    std::string detail() const { return body.is_object() ? body.value("detail", "") : ""; }
  };

  reply call(const key_config& key, std::string method, std::string target, const json& body = {}) {
    auto x = http::request{};
    x.method = std::move(method);
    auto split = target.find('?');
    x.path = target.substr(0, split);
    x.query = split == std::string::npos ? "" : target.substr(split + 1);
    x.body = body.is_null() ? "" : body.dump();
    x.headers = {{"Authorization", make_authorization(key.id, key.secret, x.method, x.path, x.query,
                                       x.body, now, std::to_string(++calls))}};
    auto got = std::make_shared<std::vector<http::response>>();
    auto keep_it = [got](http::response y) { got->push_back(std::move(y)); };
    tell(server, atom::call::value, api_call{std::move(x), http::responder{keep_it}, steady_us()});
    for (auto& entry : log->requests) // the partition is a fake: its rows are written here
      db->write(entry.rows, true);
    log->requests.clear();
    if (got->size() != 1)
      return {};
    return {got->front().status, json::parse(got->front().body, nullptr, false)};
  }

  reply gw(std::string method, std::string rest, const json& body = {}) {
    ++now;
    return call(admin, std::move(method), "/v1/apps/shop/gateway/" + rest, body);
  }

  void make_group() {
    auto group = json{{"upstreams", {{{"address", "127.0.0.1:80"}}}}};
    ASSERT_EQ(gw("PUT", "groups/orders", group).status, 201);
  }

  void make_api(const std::string& operation, json more = json::object()) {
    more["group"] = "orders";
    auto made = gw("PUT", "apis/" + operation, more);
    ASSERT_EQ(made.status, 201) << made.body;
  }

  std::int64_t now = 1'760'000'000'000;
  int calls = 0;
  metrics count;
  nonce_cache nonces{0, 300'000};
  std::unique_ptr<storage::database> db = storage::make_memory_database();
  services_ptr services = std::make_shared<shoal::services>(std::uint16_t{1});
  std::shared_ptr<fake_log> log = std::make_shared<fake_log>();
  api_actor server;
  key_config admin, reading, other;
};

TEST_F(api_gateway_test, creates_changes_shows_and_removes_an_api) {
  make_group();
  auto made = gw("PUT", "apis/a.b", {{"group", "orders"}, {"name", "One"}});
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.body["version"], 1);
  EXPECT_EQ(made.body["status"], "offline");
  auto changed = gw("PATCH", "apis/a.b", {{"cache", {{"enabled", true}}}});
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(changed.body["version"], 2);
  EXPECT_EQ(changed.body["name"], "One");
  auto replaced = gw("PUT", "apis/a.b", {{"group", "orders"}});
  EXPECT_EQ(replaced.status, 200);
  EXPECT_EQ(replaced.body["name"], "");
  EXPECT_EQ(gw("GET", "apis/a.b").body, replaced.body);
  EXPECT_EQ(gw("DELETE", "apis/a.b").status, 204);
  EXPECT_EQ(gw("GET", "apis/a.b").code(), "not_found");
  EXPECT_EQ(gw("DELETE", "apis/a.b").code(), "not_found");
}

TEST_F(api_gateway_test, says_which_field_is_wrong) {
  make_group();
  EXPECT_EQ(gw("PUT", "apis/a.b", {{"group", "orders"}, {"limits", {{{"mode", "no"}}}}}).detail(),
      R"(limits[0].mode: must be one of "off", "block", "observe")");
  EXPECT_EQ(gw("PUT", "apis/a.b", {{"grup", "orders"}}).detail(), "grup: is no field here");
  EXPECT_NE(
      gw("PUT", "apis/a.b", {{"group", "nowhere"}}).detail().find("nowhere"), std::string::npos);
  EXPECT_EQ(gw("PATCH", "apis/a.b", {{"group", "orders"}}).code(), "not_found");
  EXPECT_EQ(gw("PUT", "apis/a.b", {{"operation", "a.c"}, {"group", "orders"}}).code(),
      "invalid_argument");
}

TEST_F(api_gateway_test, takes_a_slash_in_an_operation_as_percent_2f) {
  make_group();
  make_api("shop.Orders%2FCreate");
  EXPECT_EQ(gw("GET", "apis/shop.Orders%2FCreate").body["operation"], "shop.Orders/Create");
  EXPECT_EQ(gw("GET", "apis/shop.Orders%2").code(), "invalid_argument");
}

TEST_F(api_gateway_test, lets_readers_read_and_admins_write_their_own_app_only) {
  make_group();
  make_api("a.b");
  auto path = std::string{"/v1/apps/shop/gateway/"};
  EXPECT_EQ(call(reading, "GET", path + "apis/a.b").status, 200);
  EXPECT_EQ(call(reading, "GET", path + "export").status, 200);
  EXPECT_EQ(call(reading, "PATCH", path + "apis/a.b", {{"name", "x"}}).code(), "forbidden");
  EXPECT_EQ(call(reading, "POST", path + "apis/a.b/test-call").code(), "forbidden");
  EXPECT_EQ(call(other, "GET", path + "apis/a.b").code(), "not_found");
  EXPECT_EQ(call(other, "GET", "/v1/apps/shop@test/gateway/apis/a.b").code(), "not_found");
}

TEST_F(api_gateway_test, opens_and_closes_an_api_and_keeps_that_when_it_is_replaced) {
  make_group();
  make_api("a.b");
  EXPECT_EQ(gw("POST", "apis/a.b/online").body["status"], "online");
  EXPECT_EQ(gw("PUT", "apis/a.b", {{"group", "orders"}, {"name", "x"}}).body["status"], "online");
  EXPECT_EQ(gw("POST", "apis/a.b/offline").body["status"], "offline");
  EXPECT_EQ(gw("POST", "apis/a.c/online").code(), "not_found");
}

TEST_F(api_gateway_test, lists_what_fits_in_pages) {
  make_group();
  for (auto i = 0; i < 5; ++i)
    make_api("a." + std::to_string(i), {{"need_sign", i % 2 == 0}});
  auto page = gw("GET", "apis?limit=2").body;
  EXPECT_EQ(page["total"], 5);
  EXPECT_EQ(page["apis"][1]["operation"], "a.1");
  EXPECT_EQ(page["next_after"], "a.1");
  page = gw("GET", "apis?limit=3&after=a.1").body;
  EXPECT_EQ(page["apis"].size(), 3u);
  EXPECT_FALSE(page.contains("next_after"));
  EXPECT_EQ(gw("GET", "apis?need_sign=false").body["total"], 2);
  EXPECT_EQ(gw("GET", "apis?q=A.3").body["total"], 1);
  EXPECT_EQ(gw("GET", "apis?host=127.0.0.1").body["total"], 5);
  EXPECT_EQ(gw("GET", "apis?status=online").body["total"], 0);
  EXPECT_EQ(gw("GET", "apis?status=open").code(), "invalid_argument");
}

TEST_F(api_gateway_test, shows_versions_differences_and_rolls_back_in_one_step) {
  make_group();
  make_api("a.b", {{"timeout_ms", 100}});
  gw("POST", "apis/a.b/online");
  gw("PATCH", "apis/a.b", {{"timeout_ms", 200}, {"limits", {{{"limit", 5}}}}});
  auto versions = gw("GET", "apis/a.b/versions").body;
  EXPECT_EQ(versions["current"], 3);
  ASSERT_EQ(versions["versions"].size(), 3u);
  EXPECT_EQ(versions["versions"][2]["changed"], (json{"limits", "timeout_ms"}));
  EXPECT_EQ(versions["versions"][2]["by"], admin.id);
  auto diff = gw("GET", "apis/a.b/diff").body;
  EXPECT_EQ(diff["from"], 2);
  EXPECT_EQ(
      diff["differences"][1], (json{{"field", "timeout_ms"}, {"before", 100}, {"after", 200}}));
  auto back = gw("POST", "apis/a.b/rollback");
  EXPECT_EQ(back.body["timeout_ms"], 100) << back.body;
  EXPECT_EQ(back.body["version"], 4);
  EXPECT_EQ(back.body["status"], "online");
  back = gw("POST", "apis/a.b/rollback", {{"version", 3}});
  EXPECT_EQ(back.body["timeout_ms"], 200);
  EXPECT_EQ(back.body["status"], "online");
  EXPECT_EQ(gw("POST", "apis/a.b/rollback", {{"version", 99}}).code(), "not_found");
  EXPECT_EQ(gw("GET", "apis/a.b/diff?from=1&to=99").code(), "not_found");
}

TEST_F(api_gateway_test, refuses_the_second_of_two_who_saw_the_same_version) {
  make_group();
  make_api("a.b");
  EXPECT_EQ(gw("PATCH", "apis/a.b?version=1", {{"name", "x"}}).status, 200);
  EXPECT_EQ(gw("PATCH", "apis/a.b?version=1", {{"name", "y"}}).code(), "already_exists");
  EXPECT_EQ(gw("GET", "apis/a.b").body["name"], "x");
}

TEST_F(api_gateway_test, never_shows_a_secret_and_keeps_it) {
  auto shown = gw("PUT", "settings", {{"enabled", true}, {"secret", "SECRET of the app"}});
  EXPECT_EQ(shown.status, 200) << shown.body;
  EXPECT_EQ(shown.body["secret"], "(hidden)");
  shown.body["need_nonce"] = true;
  gw("PUT", "settings", shown.body);
  gw("PATCH", "settings", {{"mock", false}});
  auto in = services->gateway->load()->find("shop", "");
  EXPECT_EQ(in->settings().set.secret, "SECRET of the app");
  EXPECT_TRUE(in->settings().set.need_nonce);
  EXPECT_EQ(gw("GET", "export").body.dump().find("SECRET"), std::string::npos);
  EXPECT_EQ(gw("GET", "settings").body.dump().find("SECRET"), std::string::npos);
}

TEST_F(api_gateway_test, makes_an_example_and_a_signed_call_out_of_the_model) {
  make_group();
  gw("PATCH", "settings", {{"enabled", true}, {"secret", "a secret of an app"}});
  auto schema = json{{"type", "object"},
      {"properties", {{"sku", {{"type", "string"}, {"example", "a-1"}}},
                         {"tags", {{"type", "array"}, {"items", {{"type", "integer"}}}}}}}};
  make_api("a.b",
      {{"request", {{"schema", schema}}}, {"params", {{{"name", "page"}, {"type", "int"}}}}});
  gw("POST", "apis/a.b/online");
  auto data = gw("GET", "apis/a.b/example").body["request_data"];
  EXPECT_EQ(data, json::parse(R"([{"_requestBody":{"sku":"a-1","tags":[0]},"page":0}])"));
  auto made = gw("POST", "apis/a.b/test-call").body;
  EXPECT_EQ(made["headers"]["AppId"], "shop");
  EXPECT_FALSE(made.contains("warning")) << made;
  auto signed_call = mgw::call{};
  signed_call.operation = "a.b";
  signed_call.data = made["body"];
  signed_call.ts = made["headers"]["Ts"];
  signed_call.sign = made["headers"]["Sign"];
  signed_call.sign_type = made["headers"]["SignType"];
  auto& settings = services->gateway->load()->find("shop", "")->settings();
  EXPECT_FALSE(check_signature(signed_call, settings.keys, settings.rules, now, nullptr));
}

TEST_F(api_gateway_test, seals_the_call_of_an_api_that_wants_it_and_says_what_opens_the_answer) {
  make_group();
  auto keys = json{{{"number", 4}, {"private_pem", mgw::test::ecc_private}}};
  auto changed = gw("PATCH", "settings",
      {{"enabled", true}, {"secret", "a secret of an app"}, {"decryption_keys", keys}});
  ASSERT_EQ(changed.status, 200) << changed.body;
  make_api("a.b", {{"need_encrypt", true}});
  gw("POST", "apis/a.b/online");
  auto made = gw("POST", "apis/a.b/test-call", {{"request_data", {{{"n", 1}}}}}).body;
  EXPECT_FALSE(made.contains("warning")) << made;
  EXPECT_FALSE(made.contains("body")) << made;
  EXPECT_EQ(made.dump().find("PRIVATE"), std::string::npos);
  EXPECT_EQ(made["request_data"], json::parse(R"([{"n":1}])"));
  EXPECT_EQ(made["headers"]["Crypt"], "ECC");
  EXPECT_EQ(made["encryption"]["key"], 4);
  auto bytes = std::string{}, key = std::string{};
  ASSERT_TRUE(unbase64(made["body_base64"].get<std::string>(), bytes));
  ASSERT_TRUE(unbase64(made["encryption"]["answer_key"].get<std::string>(), key));
  auto& live = services->gateway->load()->find("shop", "")->settings();
  auto where = mgw::cipher_context{"a.b", "shop", "default"};
  auto session = mgw::cipher_session{};
  auto opened = mgw::open_request(live.decryption, mgw::key_wrap::ecc, bytes, where, session);
  EXPECT_EQ(opened, R"([{"n":1}])");
  auto answer = mgw::seal_response(session, "7", where);
  EXPECT_EQ(mgw::open_response(std::string_view{key}, answer, where), "7");
}

TEST_F(api_gateway_test, uploads_types_and_keeps_those_that_are_in_use) {
  make_group();
  auto text = std::string{"syntax = \"proto3\"; package shop; message Order { string sku = 1; }"};
  auto made = gw("PUT", "protos/shop", {{"files", {{"shop.proto", text}}}});
  EXPECT_EQ(made.status, 201) << made.body;
  make_api("a.b", {{"request", {{"message", "shop.Order"}, {"proto", "shop"}}}});
  EXPECT_EQ(gw("GET", "protos").body["protos"][0]["messages"], json{"shop.Order"});
  EXPECT_EQ(gw("GET", "apis/a.b/example").body["request_data"],
      json::parse(R"([{"_requestBody":{"sku":""}}])"));
  EXPECT_EQ(gw("DELETE", "protos/shop").code(), "invalid_argument");
  auto without = json{{"files", {{"shop.proto", "syntax = \"proto3\"; package shop;"}}}};
  EXPECT_NE(gw("PUT", "protos/shop", without).detail().find("a.b"), std::string::npos);
  EXPECT_EQ(gw("PUT", "protos/shop", {{"files", {{"shop.proto", "nonsense"}}}}).code(),
      "invalid_argument");
}

TEST_F(api_gateway_test, puts_an_export_back_without_a_change) {
  make_group();
  make_api("a.b", {{"timeout_ms", 5}});
  gw("PATCH", "settings", {{"enabled", true}, {"secret", "a secret of an app"}});
  auto revision = services->gateway->load()->revision();
  auto bundle = gw("GET", "export").body;
  auto done = gw("POST", "import", bundle).body;
  EXPECT_EQ(done["unchanged"], 3) << done;
  EXPECT_EQ(services->gateway->load()->revision(), revision);
}

TEST_F(api_gateway_test, copies_to_another_workspace_and_says_first_what_would_happen) {
  make_group();
  make_api("a.b");
  auto bundle = gw("GET", "export").body;
  auto path = std::string{"/v1/apps/shop@test/gateway/import"};
  auto dry = call(other, "POST", path + "?dry_run=true", bundle).body;
  EXPECT_EQ(dry["definitions"].size(), 2u) << dry;
  EXPECT_FALSE(services->gateway->load()->find("shop", "test"));
  auto done = call(other, "POST", path, bundle).body;
  EXPECT_EQ(done["definitions"], dry["definitions"]);
  EXPECT_TRUE(services->gateway->load()->find("shop", "test", "a.b").api);
}

TEST_F(api_gateway_test, copies_in_one_call_what_another_workspace_lets_it_read) {
  make_group();
  make_api("a.b");
  make_api("a.c");
  auto path = std::string{"/v1/apps/shop@test/gateway/copy"};
  auto signed_by = [&](const key_config& key, const std::string& app) {
    return make_authorization(key.id, key.secret, "GET", "/v1/apps/" + app + "/gateway/export", "",
        "", now, "proof" + std::to_string(++calls));
  };
  auto order = [&] {
    return json{{"from", "shop"}, {"from_authorization", signed_by(reading, "shop")}};
  };
  auto dry = call(other, "POST", path + "?dry_run=true", order()).body;
  EXPECT_EQ(dry["definitions"].size(), 3u) << dry;
  EXPECT_FALSE(services->gateway->load()->find("shop", "test"));
  auto named = order();
  named["operations"] = {"a.b"};
  auto done = call(other, "POST", path, named).body;
  EXPECT_EQ(done["definitions"].size(), 2u) << done;
  EXPECT_TRUE(services->gateway->load()->find("shop", "test", "a.b").api);
  EXPECT_FALSE(services->gateway->load()->find("shop", "test", "a.c").api);
  auto again = call(other, "POST", path, named);
  EXPECT_EQ(again.status, 401) << "a proof is good for once";
  auto audit = call(other, "GET", "/v1/apps/shop@test/audit").body.dump();
  EXPECT_NE(audit.find("/gateway/copy from shop"), std::string::npos) << audit;
}

TEST_F(api_gateway_test, copies_nothing_that_the_source_did_not_agree_to) {
  make_group();
  make_api("a.b");
  auto path = std::string{"/v1/apps/shop@test/gateway/copy"};
  auto proof = [&](const key_config& key, const std::string& method, const std::string& of) {
    return make_authorization(
        key.id, key.secret, method, of, "", "", now, "proof" + std::to_string(++calls));
  };
  auto status = [&](const key_config& key, const std::string& from, const std::string& said) {
    return call(key, "POST", path, {{"from", from}, {"from_authorization", said}}).status;
  };
  auto source = std::string{"/v1/apps/shop/gateway/export"};
  EXPECT_EQ(status(other, "shop", "nonsense"), 401);
  EXPECT_EQ(status(other, "shop", proof(reading, "POST", source)), 401);
  EXPECT_EQ(status(other, "shop", proof(reading, "GET", "/v1/apps/shop/audit")), 401);
  EXPECT_EQ(status(other, "shop", proof(other, "GET", source)), 404) << "a key of another app";
  EXPECT_EQ(status(admin, "shop", proof(reading, "GET", source)), 404) << "not of the target";
  EXPECT_EQ(
      status(other, "shop@test", proof(other, "GET", "/v1/apps/shop@test/gateway/export")), 400)
      << "from itself";
  EXPECT_EQ(status(other, "shop/audit", proof(reading, "GET", source)), 400);
  EXPECT_FALSE(services->gateway->load()->find("shop", "test"));
}

TEST_F(api_gateway_test, imports_all_or_nothing_and_names_the_place) {
  auto group = json{{"name", "orders"}, {"upstreams", {{{"address", "h:1"}}}}};
  auto good = json{{"operation", "a.b"}, {"group", "orders"}};
  auto bundle = json{{"groups", {group}}, {"apis", {good, {{"operation", "a.c"}, {"limit", 5}}}}};
  EXPECT_EQ(gw("POST", "import", bundle).detail(), "apis[1].limit: is no field here");
  bundle["apis"][1] = json{{"operation", "a.c"}, {"group", "nowhere"}};
  EXPECT_NE(gw("POST", "import", bundle).detail().find("a.c"), std::string::npos);
  EXPECT_FALSE(services->gateway->load()->find("shop", ""));
  EXPECT_EQ(gw("POST", "import", {{"api", json::array()}}).detail(), "api: is no field here");
}

TEST_F(api_gateway_test, keeps_groups_and_rules_that_are_in_use) {
  make_group();
  make_api("a.auth");
  auto rule = json{{"operation", "a.auth"}, {"sources", {{{"location", "header"}, {"name", "T"}}}}};
  EXPECT_EQ(gw("PUT", "auth-rules/login", rule).status, 201);
  make_api("a.b", {{"auth_rule", "login"}});
  EXPECT_EQ(gw("DELETE", "auth-rules/login").code(), "invalid_argument");
  EXPECT_EQ(gw("DELETE", "groups/orders").code(), "invalid_argument");
  EXPECT_EQ(gw("DELETE", "apis/a.auth").code(), "invalid_argument");
  EXPECT_EQ(gw("DELETE", "apis/a.b").status, 204);
  EXPECT_EQ(gw("DELETE", "auth-rules/login").status, 204);
  EXPECT_EQ(gw("GET", "auth-rules").body["auth_rules"].size(), 0u);
}

TEST_F(api_gateway_test, instances_register_are_listed_and_leave) {
  auto made = gw("PUT", "services/orders/instances/10.0.0.7%3A80", {{"weight", 3}, {"ttl_s", 30}});
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.body["again_in_s"], 10);
  EXPECT_EQ(gw("PUT", "services/orders/instances/10.0.0.8:80").status, 200);
  auto list = gw("GET", "services").body["instances"];
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["address"], "10.0.0.7:80");
  EXPECT_EQ(list[0]["weight"], 3);
  EXPECT_EQ(list[1]["ttl_s"], 15);
  EXPECT_EQ(list[1]["serves"], true);
  EXPECT_EQ(gw("DELETE", "services/orders/instances/10.0.0.7:80").status, 204);
  EXPECT_EQ(gw("GET", "services").body["instances"].size(), 1u);
  EXPECT_EQ(services->gateway->load()->revision(), 0u) << "nothing is stored";
}

TEST_F(api_gateway_test, an_instance_that_makes_no_sense_is_refused) {
  EXPECT_EQ(gw("PUT", "services/orders/instances/nowhere").code(), "invalid_argument");
  EXPECT_EQ(
      gw("PUT", "services/orders/instances/a:1", {{"ttl_s", 601}}).code(), "invalid_argument");
  EXPECT_EQ(gw("PUT", "services/orders/instances/a:1", {{"wieght", 1}}).code(), "invalid_argument");
  EXPECT_EQ(
      call(reading, "PUT", "/v1/apps/shop/gateway/services/orders/instances/a:1").status, 403);
  EXPECT_EQ(gw("GET", "services").body["instances"].size(), 0u);
}

} // namespace
} // namespace shoal::api
