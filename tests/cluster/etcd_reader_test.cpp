// What is read out of an etcd that belongs to others, or out of something in its place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/etcd/http.hpp"
#include "cluster/etcd_reader.hpp"
#include "protocol/signing.hpp"
#include "tests/support/child_etcd.hpp"
#include "tests/support/scripted_server.hpp"

namespace shoal::cluster {
namespace {

using namespace std::chrono_literals;
using test::scripted_server;
using ::testing::HasSubstr;

std::string kv(const std::string& key, const std::string& value) {
  return R"({"key":")" + base64(key) + R"(","value":")" + base64(value) +
         R"(","mod_revision":"1"})";
}

std::string range(const std::string& kvs, const std::string& rest = "") {
  return scripted_server::ok(R"({"header":{"revision":"7"},"kvs":[)" + kvs + "]" + rest + "}");
}

etcd_options options_for(const std::string& endpoint) {
  auto out = etcd_options{};
  out.endpoints = {endpoint};
  out.prefix = "/sd";
  out.connect_timeout = 200ms;
  out.request_timeout = 1s;
  return out;
}

TEST(etcd_reader, needs_an_endpoint) {
  EXPECT_THROW(etcd_reader{etcd_options{}}, std::invalid_argument);
}

TEST(etcd_reader, names_what_follows_the_prefix) {
  auto asked = std::string{};
  auto server = scripted_server{[&](const std::string& path, const std::string& body) {
    asked = path + " " + body;
    return range(kv("/sd/a/1", "one") + "," + kv("/sd/a/2", ""), R"(,"more":true)");
  }};
  auto reader = etcd_reader{options_for(server.url())};
  auto page = reader.read("/a/", 2);
  EXPECT_EQ(page.problem, "");
  EXPECT_TRUE(page.more);
  ASSERT_EQ(page.values.size(), 2u);
  EXPECT_EQ(page.values[0].name, "1");
  EXPECT_EQ(page.values[0].text, "one");
  EXPECT_EQ(page.values[1].text, "");
  EXPECT_THAT(asked, HasSubstr("/v3/kv/range"));
  EXPECT_THAT(asked, HasSubstr(base64("/sd/a/")));
  EXPECT_THAT(asked, HasSubstr(base64("/sd/a0")));
  EXPECT_THAT(asked, HasSubstr(R"("limit":"2")"));
}

TEST(etcd_reader, takes_nothing_of_an_answer_that_makes_no_sense) {
  for (auto& nonsense : {std::string{}, scripted_server::ok("{}"), scripted_server::ok("<html>"),
           range(kv("/other/1", "x")), range(kv("/sd/a/1", "x") + "," + kv("/sd/b/1", "y")),
           range(kv("/sd/a/1", "") + "," + kv("/sd/a/2", "") + "," + kv("/sd/a/3", "")),
           std::string{"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"}}) {
    auto server = scripted_server{[&](auto&, auto&) { return nonsense; }};
    auto reader = etcd_reader{options_for(server.url())};
    auto page = reader.read("/a/", 2);
    EXPECT_NE(page.problem, "") << nonsense;
    EXPECT_TRUE(page.values.empty()) << nonsense;
  }
}

TEST(etcd_reader, takes_no_more_than_its_limit) {
  auto server =
      scripted_server{[](auto&, auto&) { return range(kv("/sd/a/1", std::string(5'000, 'x'))); }};
  auto options = options_for(server.url());
  options.answer_limit = 4'096;
  auto reader = etcd_reader{options};
  EXPECT_NE(reader.read("/a/", 2).problem, "");
}

TEST(etcd_reader, fails_at_once_after_it_was_interrupted) {
  auto server = scripted_server{[](auto&, auto&) { return range(""); }};
  auto reader = etcd_reader{options_for(server.url())};
  EXPECT_EQ(reader.read("/a/", 2).problem, "");
  reader.interrupt();
  EXPECT_NE(reader.read("/a/", 2).problem, "");
}

TEST(etcd_reader, reads_a_real_etcd_page_by_prefix) {
  if (!test::child_etcd::is_installed())
    GTEST_SKIP() << "etcd is not installed: tools/dev setup";
  auto etcd = test::child_etcd{};
  auto options = etcd.options("/sd");
  auto members = etcd::http{options};
  for (auto name : {"/a/1", "/a/2", "/a/3", "/ab/1"}) {
    auto put = R"({"key":")" + base64("/sd" + std::string{name}) + R"(","value":")" +
               base64(std::string{name}) + "\"}";
    ASSERT_TRUE(members.post("/v3/kv/put", put, etcd::kind::write).arrived);
  }
  auto reader = etcd_reader{options};
  auto page = reader.read("/a/", 2);
  EXPECT_EQ(page.problem, "");
  EXPECT_TRUE(page.more);
  ASSERT_EQ(page.values.size(), 2u);
  EXPECT_EQ(page.values[1].name, "2");
  EXPECT_EQ(page.values[1].text, "/a/2");
  page = reader.read("/a/", 10);
  EXPECT_FALSE(page.more);
  EXPECT_EQ(page.values.size(), 3u);
  etcd.kill();
  EXPECT_NE(reader.read("/a/", 2).problem, "");
}

} // namespace
} // namespace shoal::cluster
