#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocol/http/problem.hpp"
#include "protocol/http/writer.hpp"

namespace shoal::http {
namespace {

std::string without_date(std::string text) {
  auto at = text.find("Date: ");
  if (at != std::string::npos)
    text.erase(at, text.find("\r\n", at) + 2 - at);
  return text;
}

TEST(to_bytes, frames_the_body) {
  auto text = to_bytes({201, "text/plain", {{"X-A", "b"}}, "hello"}, {});
  EXPECT_NE(text.find("\r\nDate: "), std::string::npos);
  EXPECT_EQ(without_date(text), "HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\n"
                                "Content-Length: 5\r\nX-A: b\r\n\r\nhello");
}

TEST(to_bytes, names_every_status) {
  EXPECT_TRUE(to_bytes({426, "", {}, ""}, {}).starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
  EXPECT_TRUE(to_bytes({502, "", {}, ""}, {}).starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
  EXPECT_EQ(reason_phrase(99), "Unknown");
  EXPECT_EQ(reason_phrase(100), "Continue");
  EXPECT_EQ(reason_phrase(511), "Network Authentication Required");
  EXPECT_EQ(reason_phrase(599), "Unknown");
}

TEST(to_bytes, leaves_the_body_out_for_head_but_tells_its_length) {
  auto text = to_bytes({200, "text/plain", {}, "hello"}, {.head = true});
  EXPECT_NE(text.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(to_bytes, sends_neither_body_nor_length_where_none_is_allowed) {
  for (auto status : {204, 304}) {
    auto text = to_bytes({status, "text/plain", {}, "hello"}, {});
    EXPECT_EQ(text.find("Content-"), std::string::npos);
    EXPECT_TRUE(text.ends_with("\r\n\r\n"));
  }
}

TEST(to_bytes, says_what_happens_to_the_connection) {
  EXPECT_NE(to_bytes({}, {.then = after::close}).find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(to_bytes({}, {.http_1_0 = true}).find("Connection: keep-alive\r\n"), std::string::npos);
  EXPECT_EQ(to_bytes({}, {}).find("Connection"), std::string::npos);
}

TEST(to_bytes, lets_no_handler_frame_or_split_the_answer) {
  auto x = response{200, "text/plain",
      {{"content-length", "99"}, {"Transfer-Encoding", "chunked"}, {"A", "b\r\nEvil: 1"},
          {"B\n", "c"}},
      "hi"};
  EXPECT_EQ(without_date(to_bytes(x, {})),
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi");
}

TEST(asks_to_close, looks_at_the_connection_header) {
  EXPECT_TRUE(asks_to_close({200, "", {{"connection", "Close"}}, ""}));
  EXPECT_FALSE(asks_to_close({}));
}

TEST(problem, is_a_problem_document_with_a_stable_code) {
  auto x = problem(400, ec::invalid_argument);
  EXPECT_EQ(x.content_type, "application/problem+json");
  EXPECT_EQ(x.body, R"({"type":"about:blank","title":"Bad Request","status":400,)"
                    "\"code\":\"invalid_argument\"}\n");
  auto detailed = nlohmann::json::parse(problem(413, ec::payload_too_large, "a \"b\" \xff").body);
  EXPECT_EQ(detailed["title"], "Content Too Large");
  EXPECT_EQ(detailed["detail"], "a \"b\" \xef\xbf\xbd");
}

TEST(responder, answers_with_the_first_call) {
  auto got = std::vector<int>{};
  auto x = responder{[&](response r) { got.push_back(r.status); }};
  auto copy = x;
  x({201, "", {}, ""});
  copy({202, "", {}, ""});
  x = copy = {};
  EXPECT_EQ(got, std::vector<int>{201});
}

TEST(responder, answers_500_when_dropped) {
  auto got = std::vector<int>{};
  {
    auto x = responder{[&](response r) { got.push_back(r.status); }};
    auto copy = x;
  }
  EXPECT_EQ(got, std::vector<int>{500});
}

} // namespace
} // namespace shoal::http
