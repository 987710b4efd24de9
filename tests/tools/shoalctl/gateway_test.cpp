// The commands about the gateway: what they ask the server, and what they make of its answers.
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "protocol/mgw/envelope_cipher.hpp"
#include "protocol/signing.hpp"
#include "tests/protocol/mgw/keys.hpp"
#include "tests/support/temp_dir.hpp"
#include "tools/shoalctl/codegen/from_gateway.hpp"
#include "tools/shoalctl/codegen/generators.hpp"
#include "tools/shoalctl/command_line.hpp"

namespace shoal::ctl {
namespace {

struct seen_call {
  std::string method, target;
  json body;
  header_list headers;
  std::string bytes; ///< the body as it is
};

struct scripted_caller : caller {
  scripted_caller(std::vector<seen_call>& calls, std::vector<reply>& replies)
      : seen{calls}, answers{replies} {}
  reply call(std::string_view method, std::string_view target, std::string_view body) override {
    return plain(method, target, {}, body);
  }
  reply plain(std::string_view method, std::string_view target, const header_list& headers,
      std::string_view body) override {
    seen.push_back({std::string{method}, std::string{target},
        body.empty() ? json{} : json::parse(body, nullptr, false), headers, std::string{body}});
    if (answers.empty())
      throw unreachable{"connection refused"};
    auto out = answers.front();
    answers.erase(answers.begin());
    return out;
  }
  std::vector<seen_call>& seen;
  std::vector<reply>& answers;
};

struct gateway_commands_test : testing::Test {
  int run(std::vector<std::string> args) {
    out.str("");
    err.str("");
    calls.clear();
    auto env = [this](std::string_view name) -> std::optional<std::string> {
      auto i = variables.find(name);
      return i == variables.end() ? std::nullopt : std::optional{i->second};
    };
    auto connect = [this](const settings&) -> std::unique_ptr<caller> {
      return std::make_unique<scripted_caller>(calls, answers);
    };
    return run_command_line(std::move(args), {out, err, env, connect});
  }

  std::string file(const std::string& name, const std::string& text) {
    auto path = (dir.path() / name).string();
    std::ofstream{path} << text;
    return path;
  }

  test::temp_dir dir;
  std::map<std::string, std::string, std::less<>> variables{
      {"SHOAL_KEY", "ak_1"}, {"SHOAL_SECRET", "s"}, {"SHOAL_APP", "shop@test"}};
  std::vector<seen_call> calls;
  std::vector<reply> answers;
  std::ostringstream out, err;
};

TEST_F(gateway_commands_test, lists_apis_that_fit_the_flags) {
  answers = {
      {200, R"({"apis":[{"operation":"a.b","status":"online","group":"g","method":"","path":"",
      "version":3,"name":"One"}],"total":1})"}};
  ASSERT_EQ(
      run({"gateway", "api", "list", "--status", "online", "--need-sign", "true", "--q", "or der"}),
      0)
      << err.str();
  EXPECT_EQ(
      calls[0].target, "/v1/apps/shop@test/gateway/apis?status=online&need_sign=true&q=or%20der");
  EXPECT_NE(out.str().find("a.b"), std::string::npos);
}

TEST_F(gateway_commands_test, creates_an_api_that_is_missing_and_changes_one_that_is_there) {
  answers = {{404, "{}"}, {201, "{}"}, {200, "{}"}, {200, "{}"}};
  auto document = file("api.json", R"({"limits":[{"limit":5}]})");
  ASSERT_EQ(run({"gateway", "api", "set", "shop.Orders/Create", "--group", "orders",
                "--backend-path", "/x", "--timeout-ms", "5", "--file", document}),
      0)
      << err.str();
  EXPECT_EQ(calls[1].method, "PUT");
  EXPECT_EQ(calls[1].target, "/v1/apps/shop@test/gateway/apis/shop.Orders%2FCreate");
  EXPECT_EQ(nlohmann::json(calls[1].body),
      nlohmann::json::parse(
          R"({"limits":[{"limit":5}],"group":"orders","timeout_ms":5,"backend":{"path":"/x"}})"));
  ASSERT_EQ(run({"gateway", "api", "set", "a.b", "--need-sign", "false"}), 0);
  EXPECT_EQ(calls[1].method, "PATCH");
  EXPECT_EQ(run({"gateway", "api", "set", "a.b", "--file", file("bad.json", "[")}), 2);
}

TEST_F(gateway_commands_test, says_where_a_groups_instances_are) {
  answers = {{404, "{}"}, {201, "{}"}};
  ASSERT_EQ(run({"gateway", "group", "set", "orders", "--etcd", "/services/orders"}), 0)
      << err.str();
  EXPECT_EQ(calls[1].target, "/v1/apps/shop@test/gateway/groups/orders");
  EXPECT_EQ(nlohmann::json(calls[1].body),
      nlohmann::json::parse(R"({"discovery":{"kind":"etcd","source":"/services/orders"}})"));
}

TEST_F(gateway_commands_test, sends_a_test_call_by_the_front_door_and_tells_its_result) {
  auto made = R"({"method":"POST","path":"/mgw.htm","headers":{"Operation-Type":"a.b","Sign":"5"},
      "body":"[{\"x\":1}]"})";
  answers = {{200, made}, {200, R"({"ok":true})", {{"Result-Status", "1000"}}}};
  ASSERT_EQ(run({"gateway", "api", "test", "a.b", "--data", R"([{"x":1}])", "-o", "json"}), 0)
      << err.str();
  EXPECT_EQ(calls[0].target, "/v1/apps/shop@test/gateway/apis/a.b/test-call");
  EXPECT_EQ(calls[0].body["request_data"], json::parse(R"([{"x":1}])"));
  EXPECT_EQ(calls[1].target, "/mgw.htm");
  EXPECT_EQ(calls[1].headers[0], (std::pair<std::string, std::string>{"Operation-Type", "a.b"}));
  EXPECT_EQ(json::parse(out.str())["result"], json::parse(R"({"ok":true})"));
  answers = {{200, made}, {200, "", {{"result-status", "1002"}, {"Tips", "try%20later"}}}};
  EXPECT_EQ(run({"gateway", "api", "test", "a.b", "-o", "json"}), 1);
  EXPECT_EQ(json::parse(out.str())["tips"], "try later");
}

TEST_F(gateway_commands_test, sends_an_encrypted_test_call_and_opens_the_answer) {
  auto where = mgw::cipher_context{"a.b", "shop", "test"};
  auto session = mgw::cipher_session{};
  auto sealed = mgw::seal_request(
      mgw::test::ecc_public, 1, mgw::data_cipher::aes_256_gcm, R"([{"x":1}])", where, session);
  ASSERT_TRUE(sealed);
  auto call = nlohmann::json{{"method", "POST"}, {"path", "/mgw.htm"},
      {"headers", {{"Operation-Type", "a.b"}, {"AppId", "shop"}, {"WorkspaceId", "test"}}},
      {"body_base64", base64(*sealed)}, {"request_data", nlohmann::json::parse(R"([{"x":1}])")},
      {"encryption", {{"wrap", "ECC"}, {"key", 1}, {"public_pem", mgw::test::ecc_public},
                         {"answer_key", base64(mgw::answer_key(session))}}}};
  auto told = [&] { return json::parse(out.str()); };
  answers = {{200, call.dump()},
      {200, mgw::seal_response(session, R"({"ok":true})", where), {{"Result-Status", "1000"}}}};
  ASSERT_EQ(run({"gateway", "api", "test", "a.b", "-o", "json"}), 0) << err.str();
  EXPECT_EQ(calls[1].bytes, *sealed);
  EXPECT_EQ(told()["result"], json::parse(R"({"ok":true})"));
  EXPECT_EQ(told()["request_data"], json::parse(R"([{"x":1}])"));
  EXPECT_EQ(told()["encrypted"], "ECC");
  auto own = R"({"resultStatus":6001,"result":")" +
             base64(mgw::seal_response(session, R"({"left":0})", where)) + "\"}";
  answers = {{200, call.dump()}, {200, own, {{"Result-Status", "6001"}}}};
  EXPECT_EQ(run({"gateway", "api", "test", "a.b", "-o", "json"}), 1);
  EXPECT_EQ(told()["result"], json::parse(R"({"left":0})"));
  answers = {{200, call.dump()}, {200, R"({"ok":true})", {{"Result-Status", "1000"}}}};
  EXPECT_EQ(run({"gateway", "api", "test", "a.b", "-o", "json"}), 0);
  EXPECT_NE(told()["warning"], nullptr) << "it should have been encrypted";
}

TEST_F(gateway_commands_test, compares_and_rolls_back) {
  answers = {
      {200, R"({"from":1,"to":2,"differences":[{"field":"timeout_ms","before":1,"after":2}]})"},
      {200, "{}"}, {200, "{}"}};
  ASSERT_EQ(run({"gateway", "api", "diff", "a.b", "--from", "1"}), 0) << err.str();
  EXPECT_EQ(calls[0].target, "/v1/apps/shop@test/gateway/apis/a.b/diff?from=1");
  EXPECT_NE(out.str().find("timeout_ms"), std::string::npos);
  ASSERT_EQ(run({"gateway", "api", "rollback", "a.b", "--version", "1"}), 0);
  EXPECT_EQ(calls[0].body, json::parse(R"({"version":1})"));
  ASSERT_EQ(run({"gateway", "api", "rollback", "a.b"}), 0);
  EXPECT_EQ(run({"gateway", "api", "rollback", "a.b", "--version", "x"}), 2);
}

TEST_F(gateway_commands_test, exports_all_pages_into_one_file) {
  answers = {{200, R"({"groups":[{"name":"g"}],"apis":[{"operation":"a"}],"next":"a"})"},
      {200, R"({"apis":[{"operation":"b"}]})"}};
  auto path = (dir.path() / "out.json").string();
  ASSERT_EQ(run({"gateway", "export", path}), 0) << err.str();
  EXPECT_EQ(calls[1].target, "/v1/apps/shop@test/gateway/export?after=a");
  auto in = std::ifstream{path};
  EXPECT_EQ(json::parse(in),
      json::parse(R"({"groups":[{"name":"g"}],"apis":[{"operation":"a"},{"operation":"b"}]})"));
}

TEST_F(gateway_commands_test, imports_in_calls_of_at_most_two_hundred_apis) {
  auto bundle = json{{"groups", {{{"name", "g"}}}}, {"apis", json::array()}};
  for (auto i = 0; i < 450; ++i)
    bundle["apis"].push_back({{"operation", "op" + std::to_string(i)}});
  bundle["apis"][0]["steps"] = json::array();
  auto path = file("in.json", bundle.dump());
  auto done =
      reply{200, R"({"revision":7,"unchanged":1,"definitions":[{"kind":"api","name":"x"}]})"};
  answers = {done, done, done, done};
  ASSERT_EQ(run({"gateway", "import", path, "-o", "json"}), 0) << err.str();
  ASSERT_EQ(calls.size(), 4u);
  EXPECT_TRUE(calls[0].body.contains("groups"));
  EXPECT_EQ(calls[1].body["apis"].size(), 200u);
  EXPECT_EQ(calls[3].body["apis"].back()["operation"], "op0") << "aggregates come last";
  EXPECT_EQ(json::parse(out.str())["unchanged"], 4);
  answers = {done, done, done, done};
  ASSERT_EQ(run({"gateway", "import", path, "--dry-run", "-o", "json"}), 0);
  EXPECT_EQ(calls[3].target, "/v1/apps/shop@test/gateway/import?dry_run=true");
  EXPECT_TRUE(calls[3].body.contains("groups")) << "nothing is there yet that it could refer to";
}

TEST_F(gateway_commands_test, copies_with_the_word_of_the_sources_key) {
  EXPECT_EQ(run({"gateway", "copy", "shop@dev"}), 2) << "whose key?";
  EXPECT_NE(err.str().find("SHOAL_FROM_KEY"), std::string::npos) << err.str();
  variables["SHOAL_FROM_KEY"] = "ak_2";
  variables["SHOAL_FROM_SECRET"] = "t";
  answers = {{200, R"({"server_time_ms":1760000000000})"},
      {200,
          R"({"revision":7,"unchanged":0,"definitions":[{"kind":"api","name":"a","what":"created"}]})"}};
  ASSERT_EQ(run({"gateway", "copy", "shop@dev", "--api", "a,b", "--dry-run"}), 0) << err.str();
  EXPECT_EQ(calls[1].target, "/v1/apps/shop@test/gateway/copy?dry_run=true");
  auto& body = calls[1].body;
  EXPECT_EQ(body["from"], "shop@dev");
  EXPECT_EQ(body["operations"], json::parse(R"(["a","b"])"));
  auto proof = request_authorization{};
  ASSERT_TRUE(parse_authorization(body["from_authorization"].get<std::string>(), proof));
  EXPECT_EQ(proof.key, "ak_2");
  EXPECT_EQ(
      proof.signature, hmac_sha256("t", request_string("GET", "/v1/apps/shop@dev/gateway/export",
                                            "", "", 1760000000000, proof.nonce)));
  EXPECT_NE(out.str().find("created"), std::string::npos);
}

TEST_F(gateway_commands_test, completes_words_of_three_levels) {
  ASSERT_EQ(run({"completion", "bash"}), 0);
  EXPECT_NE(out.str().find("\"gateway api\") words=\""), std::string::npos);
  EXPECT_NE(out.str().find("\"gateway api rollback\") words=\"--version\""), std::string::npos);
}

TEST_F(gateway_commands_test, generates_code_out_of_what_the_server_has) {
  answers = {{200, R"({"apis":[{"operation":"com.shop.order.create","group":"g","method":"POST",
      "path":"/orders/{id}","params":[{"name":"id","type":"long","location":"path","required":true}],
      "request":{"schema":{"title":"Order","type":"object","required":["sku"],
        "properties":{"sku":{"type":"string"},"state":{"type":"string","enum":["NEW","PAID"]},
          "lines":{"type":"array","items":{"type":"object","properties":{"count":{"type":"integer"}}}}}}},
      "response":{"schema":{"title":"Order","type":"object","required":["sku"],
        "properties":{"sku":{"type":"string"},"state":{"type":"string","enum":["NEW","PAID"]},
          "lines":{"type":"array","items":{"type":"object","properties":{"count":{"type":"integer"}}}}}}}}]})"}};
  auto path = (dir.path() / "shop.ts").string();
  ASSERT_EQ(run({"gateway", "codegen", "server", "--lang", "typescript", "--out", path}), 0)
      << err.str();
  auto in = std::ifstream{path};
  auto text = std::string{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_NE(text.find("orderCreate"), std::string::npos) << text;
  EXPECT_NE(text.find("interface Order "), std::string::npos) << text;
}

TEST(from_gateway, makes_models_that_every_language_accepts) {
  auto bundle = json::parse(R"({"apis":[
      {"operation":"a.one","request":{"schema":{"type":"object","properties":{"x":{"type":"integer","format":"int32"}}}}},
      {"operation":"b.one","request":{"schema":{"type":"object","properties":{"x":{"type":"string"}}}}},
      {"operation":"a.two","request":{"message":"shop.Order","proto":"shop"},
       "response":{"schema":{"type":"object","additionalProperties":{"type":"number"}}}},
      {"operation":"a.three","params":[{"name":"h","location":"header"},{"name":"q"}]}]})");
  auto made = codegen::document_of("shop@test", bundle);
  EXPECT_EQ(made["name"], "Shop");
  EXPECT_EQ(made["apis"][2]["body"], "any");
  EXPECT_EQ(made["apis"][2]["response"], "double{}");
  EXPECT_EQ(made["apis"][3]["parameters"], json::parse(R"({"q":"string?"})"));
  EXPECT_EQ(made["models"].size(), 2u) << made.dump(1);
  EXPECT_NO_THROW(codegen::read_definitions(made.dump()));
}

} // namespace
} // namespace shoal::ctl
