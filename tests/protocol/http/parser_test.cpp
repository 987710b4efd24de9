#include <random>

#include <gtest/gtest.h>

#include "protocol/http/parser.hpp"

namespace shoal::http {
namespace {

using outcome = parser::outcome;

struct result {
  outcome what = outcome::need_more;
  request got;
  int status = 0;
};

result parse(std::string_view bytes, parser_limits limits = {}) {
  auto x = parser{limits};
  auto out = result{};
  x.feed(bytes);
  out.what = x.next();
  if (out.what == outcome::have_request)
    out.got = x.take();
  if (out.what == outcome::failed)
    out.status = x.error().status;
  return out;
}

struct bad_input {
  const char* why;
  std::string bytes;
  int status;
};

std::string post(std::string_view headers, std::string_view body = {}) {
  return "POST /x HTTP/1.1\r\nHost: h\r\n" + std::string{headers} + "\r\n" + std::string{body};
}

const auto chunked = std::string{"Transfer-Encoding: chunked\r\n"};

const auto bad_inputs = std::vector<bad_input>{
    {"both lengths", post("Content-Length: 3\r\n" + chunked, "0\r\n\r\n"), 400},
    {"both lengths, other order", post(chunked + "Content-Length: 3\r\n", "0\r\n\r\n"), 400},
    {"two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400},
    {"two equal lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
    {"list of lengths", post("Content-Length: 3, 3\r\n", "abc"), 400},
    {"signed length", post("Content-Length: +3\r\n", "abc"), 400},
    {"negative length", post("Content-Length: -3\r\n", "abc"), 400},
    {"hex length", post("Content-Length: 0x3\r\n", "abc"), 400},
    {"no length", post("Content-Length:\r\n", "abc"), 400},
    {"length over 64 bits", post("Content-Length: 99999999999999999999999\r\n"), 400},
    {"chunked not last", post("Transfer-Encoding: chunked, gzip\r\n"), 400},
    {"chunked after another", post("Transfer-Encoding: gzip, chunked\r\n"), 400},
    {"unknown encoding", post("Transfer-Encoding: identity\r\n"), 400},
    {"chunked twice", post(chunked + chunked, "0\r\n\r\n"), 400},
    {"disguised chunked",
        post("Transfer-Encoding: \x0b"
             "chunked\r\n"),
        400},
    {"xchunked", post("Transfer-Encoding: xchunked\r\n"), 400},
    {"space before colon", post("Content-Length : 3\r\n", "abc"), 400},
    {"tab before colon", post("Transfer-Encoding\t: chunked\r\n"), 400},
    {"folded line", post("X: a\r\n b\r\n"), 400},
    {"folded line with tab", post("X: a\r\n\tb\r\n"), 400},
    {"folded first line", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
    {"bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400},
    {"bare LF in one line", post("X: a\nY: b\r\n"), 400},
    {"bare CR", post("X: a\rY: b\r\n"), 400},
    {"NUL in a value", post(std::string{"X: a\0b\r\n", 8}), 400},
    {"control character", post("X: a\x01\r\n"), 400},
    {"no name", post(": a\r\n"), 400},
    {"no colon", post("Xab\r\n"), 400},
    {"bad character in a name", post("X(y): a\r\n"), 400},
    {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two hosts", post("Host: other\r\n"), 400},
    {"chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"malformed host", "GET / HTTP/1.1\r\nHost: a b/c\r\n\r\n", 400},
    {"user in the host", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400},
    {"absolute target without Host", "GET http://h/ HTTP/1.1\r\n\r\n", 400},
    {"absolute target of another protocol", "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"absolute target with a user", "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"authority target", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"asterisk target", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"space and another version", "GET /a b HTTP/3.0\r\nHost: h\r\n\r\n", 400},
    {"no version but something", "GET / a\r\nHost: h\r\n\r\n", 400},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"bytes above ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"no version", "GET /\r\nHost: h\r\n\r\n", 400},
    {"version 2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
    {"version 1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
    {"version 0.9", "GET / HTTP/0.9\r\nHost: h\r\n\r\n", 505},
    {"lower-case version", "GET / http/1.1\r\nHost: h\r\n\r\n", 505},
    {"h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"endless method", std::string(40, 'A') + " / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
    {"TLS hello", std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11}, 400},
    {"noise", "\xff\xfe\x02\x01\r\n\r\n", 400},
    {"unknown expectation", post("Expect: a-miracle\r\nContent-Length: 3\r\n", "abc"), 417},
    {"chunk size not hex", post(chunked, "zz\r\nabc\r\n0\r\n\r\n"), 400},
    {"chunk size signed", post(chunked, "-1\r\nabc\r\n0\r\n\r\n"), 400},
    {"chunk size with 0x", post(chunked, "0x3\r\nabc\r\n0\r\n\r\n"), 400},
    {"chunk size over 64 bits", post(chunked, "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400},
    {"chunk line with bare LF", post(chunked, "3\nabc\r\n0\r\n\r\n"), 400},
    {"chunk longer than told", post(chunked, "3\r\nabcd\r\n0\r\n\r\n"), 400},
    {"chunk ended by bare LF", post(chunked, "3\r\nabc\n0\r\n\r\n"), 400},
    {"bare LF in a chunk extension", post(chunked, "3;a\nb\r\nabc\r\n0\r\n\r\n"), 400},
    {"trailer", post(chunked, "3\r\nabc\r\n0\r\nX: y\r\n\r\n"), 400},
    {"trailer that frames", post(chunked, "0\r\nContent-Length: 5\r\n\r\n"), 400},
};

class parser_refuses : public ::testing::TestWithParam<bad_input> {};

TEST_P(parser_refuses, this_request) {
  auto got = parse(GetParam().bytes);
  EXPECT_EQ(got.what, outcome::failed);
  EXPECT_EQ(got.status, GetParam().status);
}

TEST_P(parser_refuses, this_request_byte_by_byte) {
  auto x = parser{parser_limits{}};
  auto what = outcome::need_more;
  for (auto c : GetParam().bytes) {
    x.feed({&c, 1});
    what = x.next();
    if (what != outcome::need_more)
      break;
  }
  EXPECT_EQ(what, outcome::failed);
  EXPECT_EQ(x.error().status, GetParam().status);
}

INSTANTIATE_TEST_SUITE_P(table, parser_refuses, ::testing::ValuesIn(bad_inputs), [](auto& x) {
  auto name = std::string{};
  for (auto* c = x.param.why; *c; ++c)
    name += std::isalnum(static_cast<unsigned char>(*c)) ? *c : '_';
  return name;
});

TEST(parser, does_not_wait_behind_a_bare_line_feed_between_chunks) {
  for (auto part : {"3\nabc\n0", "3;ab\n", "3\r\nabc\n0\n\nGET", "3\r\nabc\r\n0\n\n"}) {
    auto x = parser{parser_limits{}};
    x.feed(post(chunked, part));
    EXPECT_EQ(x.next(), outcome::failed) << part;
  }
}

TEST(parser, takes_line_feeds_that_are_data_of_a_chunk) {
  auto x = parser{parser_limits{}};
  x.feed(post(chunked, "6\r\n\n"));
  EXPECT_EQ(x.next(), outcome::need_more);
  x.feed("\n\n\n\n\n\r\n0\r\n\r\n");
  ASSERT_EQ(x.next(), outcome::have_request);
  EXPECT_EQ(x.take().body, "\n\n\n\n\n\n");
}

TEST(parser, takes_a_request_apart) {
  auto got = parse("PUT /v1/a%2Fb?x=1&y=?2 HTTP/1.1\r\nHost: h\r\nX-A: one \r\nx-b:two\r\n"
                   "Content-Length: 5\r\n\r\nhello");
  ASSERT_EQ(got.what, outcome::have_request);
  EXPECT_EQ(got.got.method, "PUT");
  EXPECT_EQ(got.got.path, "/v1/a%2Fb");
  EXPECT_EQ(got.got.query, "x=1&y=?2");
  EXPECT_EQ(got.got.header("x-a"), "one");
  EXPECT_EQ(got.got.header("X-B"), "two");
  EXPECT_EQ(got.got.header("missing"), "");
  EXPECT_EQ(got.got.body, "hello");
}

TEST(parser, prefers_the_host_of_an_absolute_target) {
  auto got = parse("GET http://shop.example:80/a?b HTTP/1.1\r\nHost: other\r\n\r\n");
  ASSERT_EQ(got.what, outcome::have_request);
  EXPECT_EQ(got.got.path, "/a");
  EXPECT_EQ(got.got.query, "b");
  EXPECT_EQ(got.got.header("host"), "shop.example:80");
  EXPECT_EQ(got.got.headers.size(), 1u);
}

TEST(parser, skips_an_extra_line_end_that_arrives_in_two_parts) {
  auto x = parser{{}};
  x.feed("\r");
  EXPECT_EQ(x.next(), outcome::need_more);
  x.feed("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(x.next(), outcome::have_request);
}

TEST(parser, joins_chunks) {
  auto got = parse(post(chunked, "3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\n\r\n"));
  ASSERT_EQ(got.what, outcome::have_request);
  EXPECT_EQ(got.got.body, "abc0123456789");
}

TEST(parser, gives_pipelined_requests_one_at_a_time) {
  auto x = parser{parser_limits{}};
  x.feed(post("Content-Length: 3\r\n", "abc") + "\r\n" + post(chunked, "2\r\nde\r\n0\r\n\r\n") +
         "GET /last HTTP/1.1\r\nHost: h\r\n\r\nGET /unfin");
  ASSERT_EQ(x.next(), outcome::have_request);
  EXPECT_EQ(x.take().body, "abc");
  ASSERT_EQ(x.next(), outcome::have_request);
  EXPECT_EQ(x.take().body, "de");
  ASSERT_EQ(x.next(), outcome::have_request);
  EXPECT_EQ(x.take().path, "/last");
  EXPECT_EQ(x.next(), outcome::need_more);
  EXPECT_EQ(x.at(), parser::stage::head);
}

TEST(parser, reads_any_split_the_same) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto bytes = std::string{};
  for (auto i = 0; i < 50; ++i)
    bytes += random() % 2 ? post("Content-Length: 10\r\n", "0123456789")
                          : post(chunked, "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n");
  for (auto round = 0; round < 20; ++round) {
    auto x = parser{parser_limits{}};
    auto count = 0;
    for (auto at = std::size_t{0}; at < bytes.size();) {
      auto n = std::min<std::size_t>(1 + random() % 60, bytes.size() - at);
      x.feed(std::string_view{bytes}.substr(at, n));
      at += n;
      auto what = x.next();
      for (; what == outcome::have_request; what = x.next(), ++count)
        ASSERT_EQ(x.take().body, "0123456789");
      ASSERT_EQ(what, outcome::need_more);
    }
    EXPECT_EQ(count, 50);
  }
}

TEST(parser, knows_whether_the_connection_stays) {
  auto stays = [](std::string_view bytes) {
    auto x = parser{parser_limits{}};
    x.feed(bytes);
    EXPECT_EQ(x.next(), outcome::have_request);
    return x.keep_alive();
  };
  EXPECT_TRUE(stays("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(stays("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(parser, ignores_an_upgrade) {
  auto got = parse(post("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n", "ab"));
  ASSERT_EQ(got.what, outcome::have_request);
  EXPECT_EQ(got.got.body, "ab");
}

TEST(parser, limits_the_head_before_it_is_complete) {
  auto limits = parser_limits{.header = 100, .body = 100};
  EXPECT_EQ(parse(post("X: " + std::string(200, 'a') + "\r\n"), limits).status, 431);
  EXPECT_EQ(parse("GET /" + std::string(200, 'a'), limits).status, 431);
  EXPECT_EQ(parse(post("X: a\r\n"), limits).what, outcome::have_request);
}

TEST(parser, limits_the_body_before_it_arrives) {
  auto limits = parser_limits{.header = 1000, .body = 10};
  EXPECT_EQ(parse(post("Content-Length: 11\r\n"), limits).status, 413);
  EXPECT_EQ(
      parse(post("Content-Length: 10\r\n", "0123456789"), limits).what, outcome::have_request);
  EXPECT_EQ(parse(post(chunked, "b\r\n01"), limits).status, 413);
  EXPECT_EQ(parse(post(chunked, "6\r\n012345\r\n5\r\n"), limits).status, 413);
  EXPECT_EQ(
      parse(post(chunked, "a\r\n0123456789\r\n0\r\n\r\n"), limits).what, outcome::have_request);
}

TEST(parser, limits_what_surrounds_chunks) {
  auto limits = parser_limits{.header = 1000, .body = 1000};
  EXPECT_EQ(parse(post(chunked, "1;" + std::string(2000, 'x')), limits).status, 400);
  EXPECT_EQ(parse(post(chunked, "0\r\nX: " + std::string(2000, 'x')), limits).status, 400);
}

TEST(parser, tells_once_that_the_sender_waits_to_continue) {
  auto x = parser{parser_limits{}};
  x.feed(post("Expect: 100-continue\r\nContent-Length: 3\r\n"));
  ASSERT_EQ(x.next(), outcome::need_more);
  EXPECT_EQ(x.at(), parser::stage::body);
  EXPECT_TRUE(x.take_continue());
  EXPECT_FALSE(x.take_continue());
  x.feed("abc");
  EXPECT_EQ(x.next(), outcome::have_request);
  EXPECT_FALSE(x.take_continue());
}

TEST(parser, does_not_ask_to_continue_what_is_already_here_or_from_old_clients) {
  auto whole = parser{parser_limits{}};
  whole.feed(post("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc"));
  EXPECT_EQ(whole.next(), outcome::have_request);
  EXPECT_FALSE(whole.take_continue());
  auto old = parser{parser_limits{}};
  old.feed("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(old.next(), outcome::need_more);
  EXPECT_FALSE(old.take_continue());
}

TEST(parser, stays_failed) {
  auto x = parser{parser_limits{}};
  x.feed("noise\n");
  EXPECT_EQ(x.next(), outcome::failed);
  x.feed("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(x.next(), outcome::failed);
}

TEST(parser, survives_damaged_requests) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto good = post(chunked, "4;a=\"b\"\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n");
  for (auto round = 0; round < 5000; ++round) {
    auto bytes = good;
    for (auto i = random() % 4; i <= 4; ++i)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    auto x = parser{parser_limits{}};
    for (auto at = std::size_t{0}; at < bytes.size();) {
      auto n = std::min<std::size_t>(1 + random() % 60, bytes.size() - at);
      x.feed(std::string_view{bytes}.substr(at, n));
      at += n;
      while (x.next() == outcome::have_request)
        ASSERT_LE(x.take().body.size(), bytes.size());
    }
  }
}

} // namespace
} // namespace shoal::http
