#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocol/mgw/json_text.hpp"
#include "protocol/mgw/request.hpp"
#include "protocol/mgw/result.hpp"
#include "protocol/percent.hpp"

namespace shoal::mgw {
namespace {

std::string header(const http::response& x, std::string_view name) {
  for (auto& [key, value] : x.headers)
    if (key == name)
      return value;
  return "(none)";
}

TEST(result, has_the_numbers_that_clients_know) {
  auto numbers = std::vector<unsigned>{};
  for (auto& x : all_results())
    numbers.push_back(static_cast<unsigned>(x.code));
  EXPECT_EQ(numbers, (std::vector<unsigned>{1000, 1001, 1002, 1005, 2000, 3000, 3001, 3002, 3003,
                         4001, 4002, 4003, 5000, 6000, 7000, 7001, 7002, 7003, 7007, 7014, 8002}));
}

TEST(result, has_a_name_and_a_text_for_each) {
  auto names = std::set<std::string_view>{};
  for (auto& x : all_results()) {
    EXPECT_TRUE(names.insert(x.name).second) << x.name;
    EXPECT_EQ(to_string(x.code), x.name);
    EXPECT_EQ(x.tips.empty(), x.code == result::success) << x.name;
    EXPECT_EQ(default_tips(x.code), x.tips);
  }
}

TEST(result, knows_a_backends_code_from_a_number_nobody_has) {
  EXPECT_EQ(to_string(static_cast<result>(6001)), "backend_code");
  EXPECT_EQ(to_string(static_cast<result>(9999)), "unknown");
  EXPECT_EQ(default_tips(static_cast<result>(9999)), "");
}

TEST(envelope, is_this_text) {
  EXPECT_EQ(envelope({result::success, "", "", R"({"a":1})"}),
      R"({"resultStatus":1000,"result":{"a":1}})");
  EXPECT_EQ(envelope({result::limit_exceeded, "busy \"now\""}),
      R"({"resultStatus":1002,"tips":"busy \"now\""})");
  EXPECT_EQ(envelope({result::success, "", "", "a\"b", result_form::text}),
      R"({"resultStatus":1000,"result":"a\"b"})");
  EXPECT_EQ(envelope({result::success, "", "", std::string("\x00\xff", 2), result_form::bytes}),
      R"({"resultStatus":1000,"result":"AP8="})");
}

TEST(envelope, uses_the_codes_own_text_when_there_is_no_other) {
  EXPECT_EQ(envelope({result::backend_timeout}),
      R"({"resultStatus":4001,"tips":"The service did not answer in time."})");
}

TEST(make_response, gives_a_bare_result_in_version_2) {
  auto x = make_response(
      {result::success, "", "", "<a/>", result_form::text, "text/xml"}, rpc_version::v2);
  EXPECT_EQ(x.status, 200);
  EXPECT_EQ(x.body, "<a/>");
  EXPECT_EQ(x.content_type, "text/xml");
  EXPECT_EQ(header(x, "Result-Status"), "1000");
  EXPECT_EQ(header(x, "Tips"), "(none)");
  EXPECT_EQ(header(x, "Memo"), "(none)");
}

TEST(make_response, gives_an_envelope_in_version_1_and_for_every_failure) {
  auto v1 = make_response({result::success, "", "", "[1]"}, rpc_version::v1);
  EXPECT_EQ(v1.body, R"({"resultStatus":1000,"result":[1]})");
  EXPECT_EQ(v1.content_type, "application/json");
  for (auto& info : all_results()) {
    if (info.code == result::success)
      continue;
    auto x = make_response({info.code, "", "a field"}, rpc_version::v2);
    EXPECT_EQ(x.status, 200);
    EXPECT_EQ(nlohmann::json::parse(x.body)["resultStatus"], static_cast<unsigned>(info.code));
    EXPECT_EQ(header(x, "Result-Status"), std::to_string(static_cast<unsigned>(info.code)));
    EXPECT_EQ(form_decoded(header(x, "Tips")), info.tips);
    EXPECT_EQ(header(x, "Memo"), "a%20field");
  }
}

TEST(make_response, keeps_headers_to_one_line_of_ascii_and_bounded) {
  auto fish = std::string{};
  for (auto i = 0; i < 1000; ++i)
    fish += "\u9c7c";
  auto x = make_response({result::access_denied, "a\r\nSet-Cookie: b", fish}, rpc_version::v2);
  EXPECT_EQ(header(x, "Tips"), "a%0D%0ASet-Cookie%3A%20b");
  auto memo = header(x, "Memo");
  EXPECT_LE(memo.size(), 1024u);
  EXPECT_GT(memo.size(), 1000u);
  EXPECT_TRUE(fish.starts_with(*form_decoded(memo)));
  EXPECT_EQ(form_decoded(memo)->size() % 3, 0u) << "cut inside a character";
}

} // namespace
} // namespace shoal::mgw
