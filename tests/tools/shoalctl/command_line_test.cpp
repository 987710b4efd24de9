#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include <curl/curl.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"
#include "tools/shoalctl/command_line.hpp"
#include "tools/shoalctl/http_caller.hpp"

namespace shoal::ctl {
namespace {

struct call_seen {
  std::string method, target;
  json body;
  std::map<std::string, std::string> headers = {}; ///< of a plain call
};

struct fake_caller : caller {
  fake_caller(std::vector<call_seen>& calls, std::vector<reply>& replies)
      : seen{calls}, answers{replies} {}
  reply call(std::string_view method, std::string_view target, std::string_view body) override {
    seen.push_back(
        {std::string{method}, std::string{target}, body.empty() ? json{} : json::parse(body)});
    if (answers.empty())
      throw unreachable{"connection refused"};
    auto out = answers.front();
    answers.erase(answers.begin());
    return out;
  }
  reply plain(std::string_view method, std::string_view target, const header_list& headers,
      std::string_view body) override {
    auto out = call(method, target, body);
    for (auto& [name, value] : headers)
      seen.back().headers[name] = value;
    return out;
  }
  std::vector<call_seen>& seen;
  std::vector<reply>& answers;
};

struct command_line : testing::Test {
  int run(std::vector<std::string> args) {
    out.str("");
    err.str("");
    auto env = [this](std::string_view name) -> std::optional<std::string> {
      auto i = variables.find(name);
      return i == variables.end() ? std::nullopt : std::optional{i->second};
    };
    auto connect = [this](const settings& to) -> std::unique_ptr<caller> {
      used = to;
      return std::make_unique<fake_caller>(calls, answers);
    };
    return run_command_line(std::move(args), {out, err, env, connect});
  }

  test::temp_dir dir;
  std::map<std::string, std::string, std::less<>> variables{
      {"SHOAL_KEY", "ak_1"}, {"SHOAL_SECRET", "s"}, {"SHOAL_APP", "shop"}};
  std::vector<call_seen> calls;
  std::vector<reply> answers;
  settings used;
  std::ostringstream out, err;
};

TEST_F(command_line, sends_an_op_with_every_field) {
  answers = {{200, R"({"id":1,"epoch":1,"repeated":false,"online":0})"}};
  ASSERT_EQ(run({"sync", "send", "NEWS", "--payload", "hi", "--key", "k", "--valid-from-ms", "1",
                "--valid-until-ms", "2", "--os", "iOS", "--min-app-version", "1.0",
                "--max-app-version", "2.0", "--regions", "CN,US", "--models", "M", "--networks",
                "wifi", "--tags", "a=b", "--tags", "c=d=e", "--users", "u1", "--min-uid", "1",
                "--max-uid", "9", "--check-online"}),
      0)
      << err.str();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].method, "POST");
  EXPECT_EQ(calls[0].target, "/v1/apps/shop/sync");
  auto expected =
      json::parse(R"({"biz":"NEWS","payload":"hi","key":"k","valid_from_ms":1,"valid_until_ms":2,
      "os":"iOS","min_app_version":"1.0","max_app_version":"2.0","regions":["CN","US"],"models":["M"],
      "networks":["wifi"],"tags":{"a":"b","c":"d=e"},"users":["u1"],"min_uid":1,"max_uid":9,"check_online":true})");
  EXPECT_EQ(nlohmann::json(calls[0].body), nlohmann::json(expected));
}

TEST_F(command_line, sends_a_file_as_text_or_as_base64) {
  answers = {{200, "{}"}, {200, "{}"}};
  auto file = (dir.path() / "payload").string();
  std::ofstream{file} << "text\n";
  ASSERT_EQ(run({"sync", "send", "X", "--user", "u1", "--payload", "@" + file}), 0) << err.str();
  EXPECT_EQ(calls[0].body["payload"], "text\n");
  std::ofstream{file} << "\xff";
  ASSERT_EQ(run({"sync", "send", "X", "--user", "u1", "--payload", "@" + file}), 0);
  EXPECT_EQ(calls[1].body["payload_base64"], "/w==");
  EXPECT_EQ(run({"sync", "send", "X", "--payload", "@/absent/file"}), 2);
}

TEST_F(command_line, sends_batches_and_tells_each_line) {
  auto file = (dir.path() / "items").string();
  std::ofstream{file} << R"({"biz":"X"})"
                      << "\n"
                      << R"({"biz":"Y"})"
                      << "\n";
  answers = {{200, R"({"results":[{"id":7,"epoch":1,"repeated":false,"online":0},
      {"error":{"code":"unknown_biz","number":4031,"detail":"no"}}]})"}};
  EXPECT_EQ(run({"sync", "batch", file, "-o", "json"}), 1) << "one item was refused";
  EXPECT_EQ(calls[0].body["items"].size(), 2u);
  auto rows = json::parse(out.str());
  EXPECT_EQ(rows[0]["line"], 1);
  EXPECT_EQ(rows[0]["id"], 7);
  EXPECT_EQ(rows[1]["error"], "unknown_biz");
  std::ofstream{file} << "not json\n";
  EXPECT_EQ(run({"sync", "batch", file}), 2);
  EXPECT_NE(err.str().find("line 1"), std::string::npos);
}

TEST_F(command_line, follows_pages_of_a_stream) {
  answers = {{200, R"({"ops":[{"id":4}],"more":true,"next_after":4})"},
      {200, R"({"ops":[{"id":5}],"more":false,"next_after":5})"}};
  ASSERT_EQ(run({"sync", "tail", "user:u1", "X", "--after", "3", "--once"}), 0);
  EXPECT_EQ(calls[0].target, "/v1/apps/shop/streams/user:u1/X/ops?limit=1000&after=3");
  EXPECT_EQ(calls[1].target, "/v1/apps/shop/streams/user:u1/X/ops?limit=1000&after=4");
}

TEST_F(command_line, creates_or_changes_a_biz) {
  answers = {{404, "{}"}, {201, "{}"}, {200, "{}"}, {200, "{}"}};
  ASSERT_EQ(run({"biz", "set", "NEWS", "--scope", "global", "--online", "true"}), 0);
  EXPECT_EQ(calls[1].method, "PUT");
  EXPECT_EQ(calls[1].body, json::parse(R"({"scope":"global","online":true})"));
  ASSERT_EQ(run({"biz", "set", "NEWS", "--payload-max", "7"}), 0);
  EXPECT_EQ(calls[3].method, "PATCH");
  EXPECT_EQ(calls[3].body, json::parse(R"({"payload_max":7})"));
}

TEST_F(command_line, every_command_makes_its_call) {
  struct expectation {
    std::vector<std::string> args;
    std::string method, target;
  };
  for (const auto& x : std::vector<expectation>{
           {{"app", "create", "new", "--description", "d"}, "POST", "/v1/apps"},
           {{"app", "list"}, "GET", "/v1/apps"},
           {{"app", "show"}, "GET", "/v1/apps/shop"},
           {{"audit", "--limit", "5", "--after", "ab"}, "GET",
               "/v1/apps/shop/audit?limit=5&after=ab"},
           {{"key", "create", "read", "--note", "n"}, "POST", "/v1/apps/shop/keys"},
           {{"key", "list"}, "GET", "/v1/apps/shop/keys"},
           {{"key", "enable", "ak_2"}, "PATCH", "/v1/apps/shop/keys/ak_2"},
           {{"key", "disable", "ak_2"}, "PATCH", "/v1/apps/shop/keys/ak_2"},
           {{"key", "delete", "ak_2"}, "DELETE", "/v1/apps/shop/keys/ak_2"},
           {{"biz", "show", "X"}, "GET", "/v1/apps/shop/biz/X"},
           {{"biz", "list"}, "GET", "/v1/apps/shop/biz"},
           {{"biz", "online", "X"}, "POST", "/v1/apps/shop/biz/X/online"},
           {{"biz", "offline", "X"}, "POST", "/v1/apps/shop/biz/X/offline"},
           {{"sync", "position", "global", "X"}, "GET", "/v1/apps/shop/streams/global/X"},
           {{"sync", "why", "user:u1", "X", "3", "d1"}, "GET",
               "/v1/apps/shop/streams/user:u1/X/why?id=3&device=d1"},
           {{"sync", "cursors", "global", "X", "--device", "d1"}, "GET",
               "/v1/apps/shop/streams/global/X/cursors?limit=1000&device=d1"},
           {{"device", "show", "d1"}, "GET", "/v1/apps/shop/devices/d1"},
           {{"device", "kick", "d1"}, "DELETE", "/v1/apps/shop/devices/d1/connection"},
           {{"user", "show", "u1"}, "GET", "/v1/apps/shop/users/u1"},
           {{"online"}, "GET", "/v1/apps/shop/online?limit=100"},
       }) {
    calls.clear();
    answers = {{200, "{}"}};
    ASSERT_EQ(run(x.args), 0) << x.args[0] << " " << err.str();
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_EQ(calls[0].method, x.method) << x.target;
    EXPECT_EQ(calls[0].target, x.target);
  }
}

TEST_F(command_line, ends_with_1_when_the_server_refuses) {
  answers = {{404, R"({"code":"not_found","detail":"no such app"})"}};
  EXPECT_EQ(run({"app", "show"}), 1);
  EXPECT_EQ(err.str(), "shoalctl: not_found: no such app\n");
  EXPECT_EQ(out.str(), "");
  answers = {{502, "<html>"}};
  EXPECT_EQ(run({"app", "show"}), 1);
}

TEST_F(command_line, ends_with_2_on_bad_usage) {
  for (const auto& args :
      std::vector<std::vector<std::string>>{{}, {"nonsense"}, {"app"}, {"app", "create"},
          {"app", "show", "--bogus"}, {"sync", "send", "X"}, {"app", "show", "-o", "xml"},
          {"biz", "set", "X", "--online", "maybe"}, {"biz", "set", "X", "--payload-max", "many"},
          {"sync", "send", "X", "--payload", "p", "--tags", "novalue"}})
    EXPECT_EQ(run(args), 2);
  EXPECT_TRUE(calls.empty());
  EXPECT_EQ(run({"app", "show", "--methd", "GET"}), 2);
  EXPECT_TRUE(err.str().starts_with("shoalctl: unexpected: --methd GET\n")) << err.str();
  variables.erase("SHOAL_APP");
  EXPECT_EQ(run({"app", "show"}), 2);
  variables.erase("SHOAL_SECRET");
  EXPECT_EQ(run({"app", "list"}), 2);
}

TEST_F(command_line, ends_with_3_when_nobody_answers) {
  EXPECT_EQ(run({"app", "show"}), 3);
  answers = {{200, "<html>"}};
  EXPECT_EQ(run({"app", "show"}), 3);
}

TEST(reason, says_what_to_do_about_a_certificate) {
  auto to = settings{};
  to.url = "https://localhost:8443";
  EXPECT_EQ(why_unreachable(CURLE_PEER_FAILED_VERIFICATION, "self-signed certificate", to),
      "https://localhost:8443: its certificate is not trusted here (self-signed certificate): give "
      "--ca FILE or set SHOAL_CA");
  to.ca = "ca.pem";
  EXPECT_EQ(why_unreachable(CURLE_PEER_FAILED_VERIFICATION, "", to),
      "https://localhost:8443: ca.pem does not vouch for its certificate");
  EXPECT_EQ(why_unreachable(CURLE_SSL_CACERT_BADFILE, "", to),
      "https://localhost:8443: ca.pem cannot be read as a PEM file with certificates");
  EXPECT_EQ(why_unreachable(CURLE_COULDNT_CONNECT, "Connection refused", to),
      "https://localhost:8443: Connection refused");
  EXPECT_EQ(why_unreachable(CURLE_COULDNT_CONNECT, "", to),
      "https://localhost:8443: " + std::string{curl_easy_strerror(CURLE_COULDNT_CONNECT)});
}

TEST_F(command_line, prefers_flags_to_environment_to_file) {
  auto file = (dir.path() / "ctl.toml").string();
  std::ofstream{file}
      << "url = \"https://file\"\nkey = \"file\"\nca = \"file.pem\"\ninsecure = true\n";
  answers = {{200, "{}"}};
  ASSERT_EQ(run({"--config", file, "--app", "flag", "app", "show"}), 0) << err.str();
  EXPECT_EQ(used.url, "https://file");
  EXPECT_EQ(used.key, "ak_1") << "environment";
  EXPECT_EQ(used.ca, "file.pem");
  EXPECT_TRUE(used.insecure);
  EXPECT_EQ(calls[0].target, "/v1/apps/flag");
  variables["XDG_CONFIG_HOME"] = dir.path().string();
  std::filesystem::create_directories(dir.path() / "shoal");
  std::ofstream{dir.path() / "shoal" / "shoalctl.toml"} << "url = \"https://default\"\n";
  answers = {{200, "{}"}};
  ASSERT_EQ(run({"app", "show"}), 0);
  EXPECT_EQ(used.url, "https://default");
}

TEST_F(command_line, refuses_a_settings_file_it_does_not_understand) {
  auto file = (dir.path() / "ctl.toml").string();
  EXPECT_EQ(run({"--config", file, "app", "show"}), 2) << "missing";
  for (auto text : {"url = 1\n", "urll = \"x\"\n", "= nonsense", "insecure = \"yes\"\n"}) {
    std::ofstream{file} << text;
    EXPECT_EQ(run({"--config", file, "app", "show"}), 2) << text;
  }
}

TEST_F(command_line, prints_help_and_completion) {
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_NE(out.str().find("sync"), std::string::npos);
  EXPECT_EQ(run({"completion", "bash"}), 0);
  EXPECT_NE(out.str().find("complete -F _shoalctl shoalctl"), std::string::npos);
  EXPECT_NE(
      out.str().find("\"sync send\") words=\"--check-online --device --key"), std::string::npos);
}

TEST_F(command_line, shows_rows_as_a_table_or_as_json) {
  auto body =
      std::string{R"({"keys":[{"id":"ak_1","role":"read","enabled":true,"note":"ü","created_ms":1},
      {"id":"ak_22","role":"write","enabled":false,"note":"evil\u001b[31m","created_ms":2}]})"};
  answers = {{200, body}, {200, body}, {200, R"({"keys":[]})"}};
  ASSERT_EQ(run({"key", "list"}), 0);
  EXPECT_EQ(out.str(), "ID     ROLE   ENABLED  NOTE       CREATED MS\n"
                       "ak_1   read   true     ü          1\n"
                       "ak_22  write  false    evil?[31m  2\n");
  ASSERT_EQ(run({"key", "list", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out.str()), json::parse(body));
  ASSERT_EQ(run({"key", "list"}), 0);
  EXPECT_EQ(out.str(), "none\n");
}

TEST_F(command_line, shows_one_object_as_lines) {
  answers = {{200, R"({"id":"shop","users_auth":{"mode":"hmac"},"no":1})"}, {204, ""}};
  ASSERT_EQ(run({"app", "show"}), 0);
  EXPECT_EQ(out.str(), "id               shop\nusers_auth.mode  hmac\nno               1\n");
  ASSERT_EQ(run({"key", "delete", "ak_1"}), 0);
  EXPECT_EQ(out.str(), "done\n");
}

TEST_F(command_line, shows_moments_as_people_write_them_and_durations_as_they_are) {
  answers = {{200, R"({"records":[{"time_ms":1795880000123,"by":"ak_1","what":"w","note":""}]})"},
      {200, R"({"device":"d1","connected_ms":1795880000123,"silent_ms":90000})"}};
  ASSERT_EQ(run({"audit"}), 0) << err.str();
  EXPECT_EQ(out.str(), "TIME                      BY    WHAT  NOTE\n"
                       "2026-11-28T15:33:20.123Z  ak_1  w\n");
  ASSERT_EQ(run({"device", "show", "d1"}), 0);
  EXPECT_EQ(out.str(), "device     d1\nconnected  2026-11-28T15:33:20.123Z\nsilent_ms  90000\n");
}

TEST_F(command_line, gives_the_parts_of_a_position_columns_of_their_own) {
  answers = {{200, R"({"cursors":[{"device":"d1","position":{"epoch":7,"id":22}}]})"}};
  ASSERT_EQ(run({"sync", "cursors", "user:u1", "X"}), 0) << err.str();
  EXPECT_EQ(out.str(), "DEVICE  POSITION.EPOCH  POSITION.ID\nd1      7               22\n");
}

TEST_F(command_line, says_in_one_line_what_became_of_a_change) {
  auto body = R"({"name":"NEWS","description":"","scope":"global","online":true,"payload_max":7})";
  answers = {{404, "{}"}, {201, body}, {200, body}, {200, body}, {404, "{}"}, {201, body}};
  ASSERT_EQ(run({"biz", "set", "NEWS", "--scope", "global"}), 0) << err.str();
  EXPECT_EQ(out.str(), "name=NEWS scope=global online=true\n");
  ASSERT_EQ(run({"biz", "online", "NEWS"}), 0);
  EXPECT_EQ(out.str(), "name=NEWS scope=global online=true\n");
  ASSERT_EQ(run({"biz", "show", "NEWS"}), 0);
  EXPECT_NE(out.str().find("payload_max  7\n"), std::string::npos) << out.str();
  ASSERT_EQ(run({"biz", "set", "NEWS", "-o", "json"}), 0);
  EXPECT_EQ(json::parse(out.str()), json::parse(body));
}

TEST_F(command_line, chooses_how_users_are_verified) {
  answers = {{200, R"({"mode":"hmac","secret":"made-up"})"}, {200, "{}"}, {200, "{}"}};
  ASSERT_EQ(run({"app", "users-auth", "hmac"}), 0) << err.str();
  EXPECT_EQ(calls[0].method, "PUT");
  EXPECT_EQ(calls[0].target, "/v1/apps/shop/users-auth");
  EXPECT_EQ(calls[0].body, json::parse(R"({"mode":"hmac"})"));
  EXPECT_NE(out.str().find("made-up"), std::string::npos) << "it is shown this one time";
  auto pem = (dir.path() / "key.pem").string(), secret = (dir.path() / "secret").string();
  std::ofstream{pem} << "PEM\n";
  std::ofstream{secret} << "not for ps\n";
  ASSERT_EQ(run({"app", "users-auth", "jwt", "--jwt-algorithm", "ES256", "--public-key", pem,
                "--issuer", "me", "--audience", "shop"}),
      0)
      << err.str();
  EXPECT_EQ(nlohmann::json(calls[1].body),
      nlohmann::json::parse(
          R"({"mode":"jwt","jwt_algorithm":"ES256","issuer":"me","audience":"shop","public_key":"PEM\n"})"));
  ASSERT_EQ(run({"app", "users-auth", "callback", "--callback-url", "https://me/validate",
                "--secret", "@" + secret}),
      0)
      << err.str();
  EXPECT_EQ(calls[2].body["url"], "https://me/validate");
  EXPECT_EQ(calls[2].body["secret"], "not for ps");
  answers = {{200, "{}"}};
  ASSERT_EQ(run({"app", "users-auth", "hmac", "--bind-unverified", "true"}), 0) << err.str();
  EXPECT_EQ(calls[3].body, json::parse(R"({"mode":"hmac","bind_unverified":true})"));
  EXPECT_EQ(run({"app", "users-auth", "hmac", "--secret", "@/absent"}), 2);
  EXPECT_EQ(run({"app", "users-auth"}), 2);
}

TEST_F(command_line, describes_every_command_and_every_group) {
  for (const auto& x : commands()) {
    EXPECT_FALSE(x.help.empty()) << x.words;
    for (auto split = x.words.find(' '); split != x.words.npos;
         split = x.words.find(' ', split + 1))
      EXPECT_FALSE(help_of_group(x.words.substr(0, split)).empty()) << x.words;
  }
  ASSERT_EQ(run({"--help"}), 0);
  EXPECT_NE(out.str().find("Business types"), std::string::npos) << out.str();
}

TEST_F(command_line, makes_certificates_without_server_or_key) {
  variables.clear();
  auto ca = (dir.path() / "certs").string();
  EXPECT_EQ(
      run({"certs", "--ca", ca, "--node", "n1", "--host", "127.0.0.1,n1.example", "-o", "json"}), 0)
      << err.str();
  EXPECT_EQ(json::parse(out.str())["certificate"], ca + "/n1.pem");
  for (auto name : {"/ca.pem", "/ca.key", "/n1.pem", "/n1.key"})
    EXPECT_TRUE(std::filesystem::exists(ca + name)) << name;
  auto authority = std::filesystem::last_write_time(ca + "/ca.pem");
  auto elsewhere = (dir.path() / "n2").string();
  EXPECT_EQ(run({"certs", "--ca", ca, "--node", "n2", "--out", elsewhere}), 0) << err.str();
  EXPECT_TRUE(std::filesystem::exists(elsewhere + "/n2.key"));
  EXPECT_EQ(std::filesystem::last_write_time(ca + "/ca.pem"), authority) << "is kept";
  EXPECT_TRUE(calls.empty());
}

TEST_F(command_line, makes_no_certificate_that_nobody_would_trust) {
  auto ca = dir.path().string();
  for (auto name : {"", "ca", "../n1", "N1"})
    EXPECT_EQ(run({"certs", "--ca", ca, "--node", name}), 2) << name;
  EXPECT_EQ(run({"certs", "--ca", ca, "--node", "n1", "--host", "a;b"}), 2);
  EXPECT_EQ(run({"certs", "--node", "n1"}), 2);
  std::filesystem::remove(ca + "/ca.key");
  EXPECT_EQ(run({"certs", "--ca", ca, "--node", "n1"}), 2);
  EXPECT_NE(err.str().find("one is missing"), std::string::npos) << err.str();
  EXPECT_EQ(run({"certs", "--ca", "/dev/null/x", "--node", "n1"}), 2);
}

} // namespace
} // namespace shoal::ctl
