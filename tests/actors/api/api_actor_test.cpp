#include <nlohmann/json.hpp>

#include "actors/api/api_actor.hpp"
#include "actors/catalog/catalog_actor.hpp"
#include "actors/catalog/catalog_codec.hpp"
#include "actors/catalog/new_key.hpp"
#include "actors/partition/reader.hpp"
#include "protocol/signing.hpp"
#include "storage/keys.hpp"
#include "tests/actors/fake_partition.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal::api {
namespace {

using nlohmann::json;

hub_actor::behavior_type fake_hub(
    hub_actor::pointer, std::shared_ptr<std::vector<device_info_ptr>> devices) {
  return {
      [](atom::online, const device_actor&, const device_info_ptr&) {},
      [devices](atom::online, const online_query& q) {
        auto out = online_report{};
        out.total = devices->size();
        for (const auto& x : *devices)
          if (q.user.empty() || x->user == q.user)
            out.devices.push_back(x);
        return out;
      },
      [devices](atom::status, app_no, const std::string& device) {
        auto out = device_status{};
        for (const auto& x : *devices)
          if (x->device == device)
            out.info = x;
        return out;
      },
      [](atom::kick, app_no, const std::string& device) { return device == "d1"; },
      [](atom::status) { return std::string{"{}"}; },
  };
}

struct api_actor_test : testing_support::actor_test {
  void SetUp() override {
    services->now_ms = [this] { return now; };
    services->db = db.get();
    services->count = &count;
    services->request_nonces = &nonces;
    for (auto no = std::uint16_t{0}; no < 4; ++no)
      services->where.set_partition(partition_no{no}, keep(sys.spawn(fake_partition, log)));
    services->where.set_readers({keep(sys.spawn(reader, services))});
    services->where.set_hub(keep(sys.spawn(fake_hub, devices)));
    services->where.set_catalog_writer(keep(spawn_catalog_writer(sys, services)));
    log->automatic = true;
    server = keep(sys.spawn(api, services));
    publish_catalog();
    sched.run();
  }

  void TearDown() override {
    services->where.clear();
    *log = {};
    server = nullptr;
    actor_test::TearDown();
  }

  void publish_catalog() {
    auto known = catalog{};
    for (auto [no, id] : {std::pair{1u, "shop"}, {2u, "other"}}) {
      auto app = app_config{};
      app.no = app_no{no};
      app.id = id;
      known = known.with(std::make_shared<app_config>(app));
    }
    auto biz = biz_config{};
    biz.no = biz_no{1};
    biz.app = app_no{1};
    biz.name = "LOCK";
    biz.online = true;
    known = known.with(std::make_shared<biz_config>(biz));
    biz.no = biz_no{2};
    biz.name = "ALL";
    biz.scope = biz_scope::global;
    known = known.with(std::make_shared<biz_config>(biz));
    admin = new_key(app_no{1}, key_role::admin, "", now);
    writer = new_key(app_no{1}, key_role::write, "", now);
    op = new_key(app_no{}, key_role::operator_, "", now);
    for (const auto& key : {admin, writer, op})
      known = known.with(std::make_shared<key_config>(key));
    services->catalog.store(std::make_shared<const catalog>(known));
  }

  struct reply {
    std::shared_ptr<std::vector<http::response>> got =
        std::make_shared<std::vector<http::response>>();
    bool arrived() const { return !got->empty(); }
    int status() const { return got->size() == 1 ? got->front().status : -1; }
    json body() const {
      return got->size() == 1 ? json::parse(got->front().body, nullptr, false) : json{};
    }
    std::string code() const { return body().value("code", ""); }
  };

  reply send(http::request request) {
    auto out = reply{};
    auto keep_it = [got = out.got](http::response x) { got->push_back(std::move(x)); };
    tell(server, atom::call::value,
        api_call{std::move(request), http::responder{keep_it}, steady_us()});
    return out;
  }

  reply call(const key_config& key, std::string method, std::string target, std::string body = "") {
    auto x = http::request{};
    x.method = std::move(method);
    auto split = target.find('?');
    x.path = target.substr(0, split);
    x.query = split == std::string::npos ? "" : target.substr(split + 1);
    x.body = std::move(body);
    x.headers = {{"Authorization", make_authorization(key.id, key.secret, x.method, x.path, x.query,
                                       x.body, now, std::to_string(++calls))}};
    return send(std::move(x));
  }

  reply sync(std::string user) {
    auto item = json{{"biz", "LOCK"}, {"user", user}, {"payload", "x"}};
    return call(writer, "POST", "/v1/apps/shop/sync", item.dump());
  }

  void answer(const append_call& asked, std::vector<append_result> results) {
    caf::anon_send(
        asked.client, atom::appended::value, append_answer{asked.call, std::move(results)});
    sched.run();
  }

  std::int64_t now = 1'760'000'000'000;
  int calls = 0;
  metrics count;
  nonce_cache nonces{0, 300'000};
  std::unique_ptr<storage::database> db = storage::make_memory_database();
  services_ptr services = std::make_shared<shoal::services>(std::uint16_t{4});
  std::shared_ptr<fake_log> log = std::make_shared<fake_log>();
  std::shared_ptr<std::vector<device_info_ptr>> devices =
      std::make_shared<std::vector<device_info_ptr>>();
  api_actor server;
  key_config admin, writer, op;
};

TEST_F(api_actor_test, tells_the_time_and_its_description_to_anyone) {
  auto request = http::request{};
  request.method = "GET";
  request.path = "/v1/time";
  EXPECT_EQ(send(request).body()["server_time_ms"], now);
  EXPECT_TRUE(send(request).got->front().body.ends_with("}\n"));
  request.path = "/v1/openapi.yaml";
  auto description = send(request);
  ASSERT_EQ(description.status(), 200);
  EXPECT_EQ(description.got->front().body.substr(0, 8), "openapi:");
  request.path = "/v1/apps";
  EXPECT_EQ(send(request).status(), 401);
  EXPECT_EQ(send(request).code(), "bad_signature");
}

TEST_F(api_actor_test, explains_refusals_as_problem_documents) {
  auto x = call(writer, "GET", "/v1/nothing");
  EXPECT_EQ(x.status(), 404);
  EXPECT_EQ(x.got->front().content_type, "application/problem+json");
  EXPECT_EQ(x.body()["status"], 404);
  EXPECT_EQ(x.body()["number"], 4041);
  EXPECT_TRUE(x.got->front().body.ends_with("}\n"));
  auto put = call(writer, "PUT", "/v1/apps");
  EXPECT_EQ(put.code(), "method_not_allowed");
  EXPECT_EQ(
      put.got->front().headers.at(0), (std::pair<std::string, std::string>{"Allow", "POST, GET"}));
  EXPECT_EQ(call(writer, "GET", "/v1/apps").code(), "forbidden");
  EXPECT_EQ(call(writer, "GET", "/v1/apps/other/online").code(), "not_found");
  EXPECT_EQ(call(writer, "POST", "/v1/apps/shop/sync", "{").code(), "invalid_argument");
  EXPECT_EQ(count.api_refused, 5u);
}

TEST_F(api_actor_test, tells_its_time_to_those_whose_clock_is_wrong) {
  auto late = http::request{};
  late.method = "GET";
  late.path = "/v1/apps/shop/online";
  late.headers = {{"Authorization", make_authorization(admin.id, admin.secret, late.method,
                                        late.path, "", "", now - 300'001, "late")}};
  auto x = send(late);
  EXPECT_EQ(x.status(), 401);
  EXPECT_EQ(x.code(), "clock_skew");
  EXPECT_EQ(x.body()["server_time_ms"], now);
}

TEST_F(api_actor_test, answers_a_sync_when_its_op_is_appended) {
  auto x = sync("u1");
  EXPECT_FALSE(x.arrived());
  ASSERT_EQ(log->appends.size(), 1u);
  const auto& asked = log->appends[0];
  EXPECT_EQ(asked.app, app_no{1});
  ASSERT_EQ(asked.items.size(), 1u);
  EXPECT_EQ(asked.items[0].who, principal::user("u1"));
  answer(asked, {{0, ec::none, {1, 42}, false, 2}});
  EXPECT_EQ(x.status(), 200);
  EXPECT_EQ(x.body(), (json{{"id", 42}, {"epoch", 1}, {"repeated", false}, {"online", 2}}));
  EXPECT_TRUE(x.got->front().body.ends_with("}\n"));
}

TEST_F(api_actor_test, does_not_take_relays_for_devices) {
  auto x = call(writer, "POST", "/v1/apps/shop/sync", R"({"biz":"ALL","payload":"x"})");
  answer(log->appends.at(0), {{0, ec::none, {1, 42}, false, 1}});
  EXPECT_EQ(x.body(), (json{{"id", 42}, {"epoch", 1}, {"repeated", false}}));
}

TEST_F(api_actor_test, a_refused_append_is_a_problem) {
  auto x = sync("u1");
  answer(log->appends.at(0), {{0, ec::storage_full, {}, false, 0}});
  EXPECT_EQ(x.status(), 507);
  EXPECT_EQ(x.code(), "storage_full");
}

TEST_F(api_actor_test, says_outcome_unknown_when_a_stream_is_silent) {
  auto x = sync("u1");
  for (auto left = services->limit.call_timeout; left > tick_every; left -= tick_every)
    advance(tick_every);
  EXPECT_FALSE(x.arrived());
  advance(tick_every);
  EXPECT_EQ(x.status(), 504);
  EXPECT_EQ(x.code(), "outcome_unknown");
  answer(log->appends.at(0), {{0, ec::none, {1, 42}, false, 2}});
  EXPECT_EQ(x.got->size(), 1u) << "a late answer is not sent";
}

TEST_F(api_actor_test, answers_each_item_of_a_batch) {
  auto items = json::array();
  for (auto i = 0; i < 20; ++i)
    items.push_back(
        {{"biz", "LOCK"}, {"user", std::string{"u"}.append(std::to_string(i))}, {"payload", "x"}});
  items[7]["biz"] = "NONE";
  auto x = call(writer, "POST", "/v1/apps/shop/sync/batch", json{{"items", items}}.dump());
  EXPECT_GT(log->appends.size(), 1u) << "one call per partition";
  EXPECT_LE(log->appends.size(), 4u);
  for (const auto& share : std::vector{log->appends})
    for (const auto& item : share.items) {
      EXPECT_FALSE(x.arrived());
      EXPECT_EQ(services->where.number_of(app_no{1}, item.who),
          services->where.number_of(app_no{1}, share.items[0].who));
      auto code = item.index == 3 ? ec::target_offline : ec::none;
      answer(share, {{item.index, code, {1, item.index + 100}, false, 0}});
    }
  ASSERT_EQ(x.status(), 200);
  auto results = x.body()["results"];
  ASSERT_EQ(results.size(), 20u);
  EXPECT_EQ(results[0]["id"], 100);
  EXPECT_EQ(results[19]["id"], 119);
  EXPECT_EQ(results[3]["error"]["code"], "target_offline");
  EXPECT_EQ(results[7]["error"]["code"], "unknown_biz");
  EXPECT_EQ(results[7]["error"]["number"], 4031);
}

TEST_F(api_actor_test, tells_which_items_of_a_batch_are_unknown) {
  auto item = json{{"biz", "LOCK"}, {"user", "u1"}, {"payload", "x"}};
  auto items = json::array({item, item});
  auto x = call(writer, "POST", "/v1/apps/shop/sync/batch", json{{"items", items}}.dump());
  auto asked = log->appends.at(0);
  answer(asked, {{1, ec::none, {1, 8}, false, 0}});
  answer(asked, {{1, ec::none, {1, 9}, false, 0}, {77, ec::none, {}, false, 0}});
  advance(services->limit.call_timeout + tick_every);
  auto results = x.body()["results"];
  EXPECT_EQ(results[0]["error"]["code"], "outcome_unknown");
  EXPECT_EQ(results[1]["id"], 8) << "the first answer counts";
}

TEST_F(api_actor_test, refuses_batches_that_are_empty_or_too_large) {
  services->limit.batch_items = 2;
  auto path = "/v1/apps/shop/sync/batch";
  EXPECT_EQ(call(writer, "POST", path, R"({"items":[]})").code(), "invalid_argument");
  EXPECT_EQ(call(writer, "POST", path, R"({})").code(), "invalid_argument");
  EXPECT_EQ(call(writer, "POST", path, R"({"items":[{},{},{}]})").code(), "invalid_argument");
  auto x = call(writer, "POST", path, R"({"items":[{},7]})");
  EXPECT_EQ(x.body()["results"].size(), 2u);
  EXPECT_TRUE(log->appends.empty());
}

TEST_F(api_actor_test, refuses_more_calls_than_it_keeps_in_flight) {
  for (auto i = std::size_t{0}; i < max_calls; ++i)
    ASSERT_FALSE(sync("u1").arrived());
  auto x = sync("u1");
  EXPECT_EQ(x.status(), 429);
  EXPECT_EQ(x.code(), "overloaded");
  EXPECT_EQ(x.got->front().headers.at(0).first, "Retry-After");
  advance(services->limit.call_timeout + tick_every);
  EXPECT_FALSE(sync("u1").arrived()) << "serves again when the old ones are answered";
}

TEST_F(api_actor_test, a_missing_partition_is_told_at_once) {
  services->where.clear();
  EXPECT_EQ(sync("u1").code(), "going_away");
  EXPECT_EQ(call(admin, "GET", "/v1/apps/shop/online").code(), "going_away");
}

TEST_F(api_actor_test, creates_an_app_with_its_first_keys) {
  auto x = call(op, "POST", "/v1/apps", R"({"id":"new","description":"fresh"})");
  ASSERT_EQ(x.status(), 201);
  auto key = key_config{};
  key.id = x.body()["admin_key"]["id"];
  key.secret = x.body()["admin_key"]["secret"];
  EXPECT_TRUE(x.body()["device_key"]["id"].get<std::string>().starts_with("dk_"));
  EXPECT_EQ(call(key, "GET", "/v1/apps/new").body()["description"], "fresh");
  EXPECT_EQ(call(op, "POST", "/v1/apps", R"({"id":"new"})").code(), "already_exists");
  EXPECT_EQ(call(op, "GET", "/v1/apps").body()["apps"].size(), 3u);
}

TEST_F(api_actor_test, keys_are_made_shown_disabled_and_removed) {
  auto made = call(admin, "POST", "/v1/apps/shop/keys", R"({"role":"read","note":"support"})");
  ASSERT_EQ(made.status(), 201);
  auto key = key_config{};
  key.id = made.body()["id"];
  key.secret = made.body()["secret"];
  auto path = "/v1/apps/shop/keys/" + key.id;
  EXPECT_EQ(call(key, "GET", "/v1/apps/shop/online").status(), 200);
  EXPECT_EQ(call(key, "GET", "/v1/apps/shop/keys").code(), "forbidden");
  auto list = call(admin, "GET", "/v1/apps/shop/keys");
  EXPECT_EQ(list.body()["keys"].size(), 3u);
  EXPECT_EQ(list.got->front().body.find("secret"), std::string::npos);
  EXPECT_EQ(call(admin, "PATCH", path, R"({"enabled":false})").body()["enabled"], false);
  EXPECT_EQ(call(key, "GET", "/v1/apps/shop/online").code(), "bad_signature");
  EXPECT_EQ(call(admin, "PATCH", path, R"({})").code(), "invalid_argument");
  EXPECT_EQ(call(admin, "DELETE", path).status(), 204);
  EXPECT_EQ(call(admin, "DELETE", path).code(), "not_found");
  EXPECT_EQ(call(admin, "DELETE", "/v1/apps/shop/keys/" + op.id).code(), "not_found");
  EXPECT_EQ(call(admin, "POST", "/v1/apps/shop/keys", R"({"role":"operator"})").code(),
      "invalid_argument");
}

TEST_F(api_actor_test, bizs_are_created_changed_and_switched) {
  auto path = std::string{"/v1/apps/shop/biz/NEWS"};
  auto made = call(admin, "PUT", path, R"({"scope":"global","target":"device","payload_max":100})");
  ASSERT_EQ(made.status(), 201);
  EXPECT_EQ(made.body()["online"], false);
  EXPECT_EQ(call(admin, "POST", path + "/online").body()["online"], true);
  auto replaced = call(admin, "PUT", path, R"({"scope":"global","target":"device"})");
  EXPECT_EQ(replaced.status(), 200);
  EXPECT_EQ(replaced.body()["online"], true) << "stays online";
  EXPECT_EQ(replaced.body()["payload_max"], 4096) << "back to the default";
  EXPECT_EQ(call(admin, "PATCH", path, R"({"payload_max":7})").body()["payload_max"], 7);
  EXPECT_EQ(call(admin, "PATCH", path, R"({"scope":"targeted"})").code(), "invalid_argument");
  EXPECT_EQ(call(admin, "POST", path + "/offline").body()["online"], false);
  EXPECT_EQ(call(writer, "GET", path).body()["name"], "NEWS");
  EXPECT_EQ(call(writer, "GET", "/v1/apps/shop/biz").body()["bizs"].size(), 3u);
  EXPECT_EQ(call(writer, "GET", "/v1/apps/shop/biz/NONE").code(), "unknown_biz");
  EXPECT_EQ(call(writer, "PUT", path, "{}").code(), "forbidden");
}

TEST_F(api_actor_test, makes_up_a_secret_for_user_tokens_and_shows_it_once) {
  auto path = "/v1/apps/shop/users-auth";
  auto x = call(admin, "PUT", path, R"({"mode":"hmac"})");
  ASSERT_EQ(x.status(), 200);
  EXPECT_EQ(x.body()["secret"].get<std::string>().size(), 43u);
  auto again = call(admin, "PUT", path, R"({"mode":"hmac"})");
  EXPECT_FALSE(again.body().contains("secret")) << "kept";
  EXPECT_EQ(services->catalog.load()->app("shop")->users.secret, x.body()["secret"]);
  EXPECT_EQ(call(admin, "PUT", path, R"({"mode":"jwt"})").code(), "invalid_argument");
}

TEST_F(api_actor_test, binds_unverified_users_only_while_the_settings_say_so) {
  auto path = "/v1/apps/shop/users-auth";
  auto x = call(admin, "PUT", path, R"({"mode":"hmac","bind_unverified":true})");
  EXPECT_EQ(x.body()["bind_unverified"], true);
  EXPECT_TRUE(services->catalog.load()->app("shop")->users.bind_unverified);
  auto again = call(admin, "PUT", path, R"({"mode":"hmac"})");
  EXPECT_FALSE(again.body().contains("bind_unverified"));
  EXPECT_FALSE(services->catalog.load()->app("shop")->users.bind_unverified);
}

TEST_F(api_actor_test, pages_through_the_audit) {
  for (auto i = 0; i < 3; ++i) {
    auto key = storage::audit_key(app_no{1}, now + i, 0);
    auto batch = storage::write_batch{};
    batch.put(key, i == 2 ? "damaged" : seal_row(key, json{{"what", i}}.dump()));
    ASSERT_EQ(db->write(batch, true), ec::none);
  }
  auto path = std::string{"/v1/apps/shop/audit"};
  auto first = call(admin, "GET", path + "?limit=2").body();
  ASSERT_EQ(first["records"].size(), 2u);
  EXPECT_EQ(first["records"][0]["what"], 0);
  EXPECT_EQ(first["more"], true);
  auto after = first["next_after"].get<std::string>();
  auto rest = call(admin, "GET", path + "?after=" + after).body();
  ASSERT_EQ(rest["records"].size(), 1u);
  EXPECT_EQ(rest["records"][0]["damaged"], true);
  EXPECT_EQ(call(admin, "GET", path + "?after=zz").code(), "invalid_argument");
  EXPECT_EQ(call(writer, "GET", path).code(), "forbidden");
}

TEST_F(api_actor_test, shows_the_operator_what_was_changed_of_the_server_itself) {
  auto key = storage::audit_key(app_no{0}, now, 0);
  auto batch = storage::write_batch{};
  batch.put(key, seal_row(key, json{{"what", "node drained"}}.dump()));
  ASSERT_EQ(db->write(batch, true), ec::none);
  auto x = call(op, "GET", "/v1/audit").body();
  ASSERT_EQ(x["records"].size(), 1u);
  EXPECT_EQ(x["records"][0]["what"], "node drained");
  EXPECT_EQ(call(admin, "GET", "/v1/audit").code(), "forbidden");
}

TEST_F(api_actor_test, every_route_refuses_parameters_that_it_does_not_know) {
  for (const auto& r : routes()) {
    auto path = std::string{r.pattern};
    for (auto open = path.find('{'); open != path.npos; open = path.find('{'))
      path.replace(open, path.find('}') - open + 1, path.substr(open, 5) == "{app}" ? "shop" : "x");
    auto& key = r.who == access::operator_ ? op : admin;
    auto x = call(key, std::string{r.method}, path + "?nonsense=1");
    EXPECT_EQ(x.status(), 400) << r.method << " " << path;
    EXPECT_EQ(x.body()["detail"], "nonsense: unknown query parameter") << r.method << " " << path;
  }
}

TEST_F(api_actor_test, shows_streams_and_why) {
  auto path = std::string{"/v1/apps/shop/streams/user:u1/LOCK"};
  EXPECT_EQ(call(writer, "GET", path).body()["principal"], "user:u1");
  EXPECT_EQ(call(writer, "GET", path + "/ops").body()["ops"].size(), 0u);
  EXPECT_EQ(call(writer, "GET", path + "/cursors").body()["cursors"].size(), 0u);
  EXPECT_EQ(call(writer, "GET", path + "/why?id=3&device=d1").body()["verdict"], "unknown_id");
  EXPECT_EQ(call(writer, "GET", path + "/why?id=3").code(), "invalid_argument");
  EXPECT_EQ(call(writer, "GET", "/v1/apps/shop/streams/device:d1/LOCK").code(), "wrong_target");
  EXPECT_EQ(call(writer, "GET", "/v1/apps/shop/streams/nobody/LOCK").code(), "invalid_argument");
  EXPECT_EQ(call(writer, "GET", "/v1/apps/shop/streams/user:u1/NONE").code(), "unknown_biz");
}

TEST_F(api_actor_test, shows_and_closes_devices) {
  auto info = device_info{};
  info.device = "d1";
  info.user = "u1";
  devices->push_back(std::make_shared<device_info>(info));
  EXPECT_EQ(call(writer, "GET", "/v1/apps/shop/devices/d1").body()["online"], true);
  EXPECT_EQ(call(writer, "GET", "/v1/apps/shop/devices/d2").code(), "not_found");
  EXPECT_EQ(call(writer, "GET", "/v1/apps/shop/users/u1").body()["devices"].size(), 1u);
  EXPECT_EQ(call(writer, "GET", "/v1/apps/shop/users/u2").body()["devices"].size(), 0u);
  EXPECT_EQ(call(writer, "GET", "/v1/apps/shop/online").body()["total"], 1);
  auto kick = [](std::string id) { return "/v1/apps/shop/devices/" + id + "/connection"; };
  EXPECT_EQ(call(writer, "DELETE", kick("d1")).code(), "forbidden");
  EXPECT_EQ(call(admin, "DELETE", kick("d1")).status(), 204);
  ASSERT_EQ(log->requests.size(), 1u) << "what is recorded";
  const auto& row = log->requests[0].rows.rows().at(0);
  auto trail = std::string_view{};
  ASSERT_TRUE(open_row(row.key, row.value, trail));
  EXPECT_EQ(json::parse(trail)["what"], "device kicked");
  EXPECT_EQ(json::parse(trail)["by"], admin.id);
  EXPECT_EQ(call(admin, "DELETE", kick("d2")).code(), "not_found");
}

} // namespace
} // namespace shoal::api
