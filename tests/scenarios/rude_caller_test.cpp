// Callers of the API who forge, replay, smuggle, dawdle, or try other people's doors.
#include "tests/scenarios/real_node.hpp"

namespace shoal::faults {
namespace {

class rude_caller : public real_node {
protected:
  test::http_answer raw(std::string_view bytes) const {
    auto wire = test::tls_client{node.port(), {.alpn = {"http/1.1"}}};
    return wire.ask(bytes);
  }

  std::string signed_at(std::int64_t time, const std::string& nonce) const {
    auto path = app.path("/online");
    return "GET " + path + " HTTP/1.1\r\nHost: h\r\nAuthorization: " +
           make_authorization(app.admin.id, app.admin.secret, "GET", path, "", "", time, nonce) +
           "\r\n\r\n";
  }
};

TEST_F(rude_caller, a_request_is_good_once_and_for_a_while) {
  auto good = signed_at(wall_ms(), "0123456789abcdef");
  EXPECT_EQ(raw(good).status, 200);
  auto again = raw(good);
  EXPECT_EQ(again.status, 401);
  EXPECT_EQ(code_of(again), "nonce_replayed");
  for (auto away : {-3'600'000, 3'600'000}) {
    auto late = raw(signed_at(wall_ms() + away, "0123456789abcdee"));
    EXPECT_EQ(late.status, 401);
    EXPECT_EQ(code_of(late), "clock_skew");
  }
}

TEST_F(rude_caller, strangers_hear_the_same_whatever_is_wrong) {
  auto path = app.path("/online");
  auto plain = raw("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(plain.status, 401);
  EXPECT_EQ(code_of(plain), "bad_signature");
  for (auto& key :
      {api_key{app.admin.id, "guess"}, api_key{"ak_nobody", app.admin.secret}, app.device}) {
    auto x = api_caller{node.port(), key}.call("GET", path);
    EXPECT_EQ(x.status, 401);
    EXPECT_EQ(code_of(x), "bad_signature");
  }
}

TEST_F(rude_caller, a_signature_holds_for_one_body_path_and_query_only) {
  auto body = std::string{R"({"biz":"ALL","payload":"one"})"};
  auto request = signed_request(app.admin, "POST", app.path("/sync"), body, "");
  auto other = request;
  other.replace(other.find("one"), 3, "two");
  EXPECT_EQ(code_of(raw(other)), "bad_signature");
  other = request;
  other.replace(other.find("/sync"), 5, "/sync?a=b");
  EXPECT_EQ(code_of(raw(other)), "bad_signature");
  EXPECT_EQ(raw(request).status, 200) << "nothing of the above used the nonce up";
}

TEST_F(rude_caller, another_tenants_app_does_not_exist) {
  auto other = create_app(node, "second");
  for (auto path : {"", "/online", "/keys", "/biz/ALL", "/streams/global/ALL/ops"}) {
    auto theirs = api->call("GET", other.path(path)),
         none = api->call("GET", std::string{"/v1/apps/none"} + path);
    EXPECT_EQ(theirs.status, 404) << path;
    EXPECT_EQ(code_of(theirs), code_of(none)) << path;
  }
  EXPECT_EQ(api->call("POST", other.path("/sync"), R"({"biz":"ALL","payload":"x"})").status, 404);
}

TEST_F(rude_caller, a_role_does_no_more_than_it_may) {
  auto made = nlohmann::json::parse(api->must("POST", app.path("/keys"), R"({"role":"read"})"));
  auto reader = api_caller{node.port(), {made["id"], made["secret"]}};
  EXPECT_EQ(reader.call("GET", app.path("/online")).status, 200);
  for (auto path : {"/sync", "/keys", "/biz/ALL/offline"}) {
    auto x = reader.call("POST", app.path(path), R"({"biz":"ALL","payload":"x","role":"read"})");
    EXPECT_EQ(x.status, 403) << path;
    EXPECT_EQ(code_of(x), "forbidden") << path;
  }
  EXPECT_EQ(api->call("GET", "/v1/apps").status, 403);
}

TEST_F(rude_caller, path_tricks_open_nothing) {
  auto mine = app.path("");
  for (auto& path : {std::string{"/v1/apps/../.."}, "/v1/apps/" + std::string{"%2e%2e/%2e%2e"},
           mine + "/../second", mine + "/%2e%2e/second", mine + "//online", mine + "/online/",
           mine + "%2Fonline", mine + "/./online", std::string{"//v1/apps"},
           std::string{"/V1/apps"}, std::string{"/metrics"}, std::string{"/"}}) {
    auto x = api->call("GET", path);
    EXPECT_TRUE(x.status == 404 || x.status == 400 || x.status == 403) << path << " " << x.status;
  }
}

TEST_F(rude_caller, smuggling_forms_are_refused) {
  auto post = [](std::string_view headers, std::string_view body) {
    return "POST /v1/apps/first/sync HTTP/1.1\r\nHost: h\r\n" + std::string{headers} + "\r\n" +
           std::string{body};
  };
  for (auto& request : {post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
           post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
           post("Content-Length: +3\r\n", "abc"),
           post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
           post(" folded: yes\r\n", ""), post("Content-Length : 3\r\n", "abc")})
    EXPECT_EQ(raw(request).status, 400) << request;
}

TEST_F(rude_caller, a_huge_body_is_refused_before_it_is_sent) {
  auto before = node.rss();
  auto x =
      raw("POST /v1/apps/first/sync HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000000\r\n\r\nabc");
  EXPECT_EQ(x.status, 413);
  EXPECT_LT(node.rss() - before, 16 * megabyte);
}

TEST_F(rude_caller, deep_huge_and_wrong_json_is_refused_with_400) {
  auto before = node.rss();
  auto deep = std::string(1'000'000, '[');
  for (auto& body : {R"({"biz":)" + deep + "}", deep, std::string{R"({"biz":1e999})"},
           std::string{"\xff\xfe"}, std::string{R"({"biz":["ALL"],"payload":"x"})"},
           std::string{R"({"biz":"ALL","payload":"x","paylod":1})"}}) {
    auto x = api->call("POST", app.path("/sync"), body);
    EXPECT_EQ(x.status, 400) << body.substr(0, 40);
    EXPECT_EQ(code_of(x), "invalid_argument") << body.substr(0, 40);
  }
  EXPECT_EQ(send("ALL", std::string(5000, 'x')).status, 413);
  EXPECT_LT(node.rss() - before, 64 * megabyte);
}

TEST_F(rude_caller, slow_headers_are_cut_off_while_others_are_served) {
  auto slow = std::vector<std::unique_ptr<test::tls_client>>{};
  for (auto i = 0; i < 50; ++i) {
    slow.push_back(std::make_unique<test::tls_client>(
        node.port(), test::client_options{.alpn = {"http/1.1"}, .patience_s = 30}));
    slow.back()->send("GET /v1/time HTTP/1.1\r\nHo");
  }
  EXPECT_EQ(send("ALL", "meanwhile").status, 200);
  for (auto& x : slow) {
    auto answer = x->read_answer();
    EXPECT_TRUE(answer.status == 408 || answer.status == 0) << answer.status;
    EXPECT_TRUE(x->read_some().empty());
  }
  EXPECT_TRUE(
      wait_until(5000, [&] { return node.metric("shoal_http_connections").value_or(-1) <= 1; }));
}

TEST_F(rude_caller, finds_its_calls_among_the_durations) {
  ASSERT_EQ(send("ALL", "one").status, 200);
  ASSERT_EQ(api->call("GET", app.path("/streams/global/ABSENT")).status, 404);
  auto text = node.admin("/metrics").body;
  for (auto series : {R"(shoal_api_duration_seconds_count{route="POST /v1/apps/{app}/sync"} 1)",
           R"(shoal_api_duration_seconds_bucket{route="POST /v1/apps/{app}/sync",le="+Inf"} 1)",
           "# TYPE shoal_commit_duration_seconds histogram",
           "# TYPE shoal_delivery_duration_seconds histogram"})
    EXPECT_NE(text.find(series), std::string::npos) << series;
  EXPECT_EQ(text.find("GET /v1/apps/{app}/audit"), std::string::npos) << "nobody called it";
}

} // namespace
} // namespace shoal::faults
