#include <functional>

#include <gtest/gtest.h>

#include "protocol/http/h2_session.hpp"
#include "tests/support/h2_client.hpp"

namespace shoal::http {
namespace {

using test::h2_client;
using test::h2_frame;
using test::h2_get;
using test::h2_head;
using test::h2_literal;

constexpr unsigned data = 0, headers = 1, priority = 2, rst_stream = 3, settings = 4, ping = 6,
                   window_update = 8, continuation = 9;
constexpr unsigned end_stream = 1, end_headers = 4;

/// A server and its client, joined by their strings.
struct pair {
  explicit pair(h2_limits limits = {}, std::uint32_t window = 65'535)
      : server{limits}, client{window} {
    talk();
  }

  /// Lets bytes go both ways until nobody has any. Requests wait in `got`.
  void talk() {
    for (auto quiet = false; !quiet;) {
      auto there = client.take();
      server.feed(there, now);
      collect();
      auto back = std::string{};
      server.produce(back, 1024 * 1024);
      EXPECT_TRUE(client.give(back)) << "the server's bytes must be HTTP/2";
      quiet = there.empty() && back.empty();
    }
  }

  void collect() {
    while (server.has_request())
      got.push_back(server.take());
  }

  void answer(std::size_t which, response x) {
    server.answer(got.at(which).stream, std::move(x));
    talk();
  }

  h2_session server;
  h2_client client;
  std::vector<h2_session::arrival> got;
  std::uint64_t now = 1'000'000;
};

/// A server that hears bytes made by hand.
struct raw {
  explicit raw(h2_limits limits = {}) : server{limits} {
    send(std::string{test::h2_preface} + h2_frame(settings, 0, 0));
  }

  void send(std::string_view bytes) {
    server.feed(bytes, now);
    while (server.has_request())
      got.push_back(server.take());
    auto out = std::string{};
    server.produce(out, 16 * 1024 * 1024);
    said += out;
  }

  /// Sends `what(i)` until the server ends the connection; how often, at most `most`.
  int until_over(int most, const std::function<std::string(int)>& what) {
    for (auto i = 0; i < most; ++i) {
      if (server.over())
        return i;
      send(what(i));
    }
    return most;
  }

  /// The code of the last GOAWAY.
  unsigned goodbye() const {
    auto code = 0u;
    for (auto at = std::size_t{0}; at + 9 <= said.size();) {
      auto byte = [&](std::size_t i) { return static_cast<unsigned char>(said[at + i]); };
      auto size = static_cast<std::size_t>(byte(0) << 16 | byte(1) << 8 | byte(2));
      if (byte(3) == 7)
        code = static_cast<unsigned>(byte(13) << 24 | byte(14) << 16 | byte(15) << 8 | byte(16));
      at += 9 + size;
    }
    return code;
  }

  h2_session server;
  std::vector<h2_session::arrival> got;
  std::string said;
  std::uint64_t now = 1'000'000;
};

response plain(std::string body) { return {200, "text/plain", {}, std::move(body)}; }

// -- ordinary use ---------------------------------------------------------------------------------

TEST(h2_session, hands_out_requests_as_http_1_does) {
  auto x = pair{};
  x.client.ask(
      h2_head("POST", "/v1/a?b=c&d", {{"cookie", "a=1"}, {"x-mine", "2"}, {"cookie", "b=2"}}),
      "body");
  x.talk();
  ASSERT_EQ(x.got.size(), 1u);
  auto& what = x.got[0].what;
  EXPECT_EQ(what.method, "POST");
  EXPECT_EQ(what.path, "/v1/a");
  EXPECT_EQ(what.query, "b=c&d");
  EXPECT_EQ(what.body, "body");
  EXPECT_EQ(what.header("Host"), "example.com");
  EXPECT_EQ(what.header("X-Mine"), "2");
  EXPECT_EQ(what.header("Cookie"), "a=1; b=2");
  for (auto& [name, value] : what.headers)
    EXPECT_FALSE(name.starts_with(':')) << name;
}

TEST(h2_session, sends_answers_in_any_order) {
  auto x = pair{};
  auto first = x.client.ask(h2_head("GET", "/1")), second = x.client.ask(h2_head("GET", "/2"));
  x.talk();
  ASSERT_EQ(x.got.size(), 2u);
  EXPECT_EQ(x.server.under_way(), 2u);
  x.answer(1, plain("two"));
  EXPECT_EQ(x.client.answers[second].body, "two");
  EXPECT_FALSE(x.client.answers[first].whole);
  x.answer(0, plain("one"));
  auto& answer = x.client.answers[first];
  EXPECT_EQ(answer.body, "one");
  EXPECT_EQ(answer.status(), "200");
  EXPECT_EQ(answer.header("content-type"), "text/plain");
  EXPECT_EQ(answer.header("content-length"), "3");
  EXPECT_EQ(answer.header("date").size(), 29u);
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(x.server.streams(), 0u);
  EXPECT_EQ(x.server.under_way(), 0u);
  EXPECT_EQ(x.server.leaving(), 0u);
}

TEST(h2_session, leaves_the_body_out_where_there_is_none) {
  auto x = pair{};
  auto head = x.client.ask(h2_head("HEAD", "/")), empty = x.client.ask(h2_head("GET", "/")),
       same = x.client.ask(h2_head("GET", "/")), none = x.client.ask(h2_head("GET", "/"));
  x.talk();
  x.answer(0, plain("12345"));
  x.answer(1, {204, "text/plain", {}, "never"});
  x.answer(2, {304, "text/plain", {{"ETag", "\"a\""}}, "never"});
  x.answer(3, plain(""));
  EXPECT_EQ(x.client.answers[head].header("content-length"), "5");
  EXPECT_EQ(x.client.answers[same].header("etag"), "\"a\"");
  for (auto id : {head, empty, same, none}) {
    EXPECT_EQ(x.client.answers[id].body, "") << id;
    EXPECT_TRUE(x.client.answers[id].whole) << id;
  }
  EXPECT_EQ(x.client.answers[empty].header("content-length"), "(none)");
  EXPECT_EQ(x.client.answers[none].header("content-length"), "0");
}

TEST(h2_session, keeps_what_frames_http_1_out_of_answers) {
  auto x = pair{};
  auto id = x.client.ask(h2_head("GET", "/"));
  x.talk();
  x.answer(0, {200, "a\r\nb",
                  {{"Connection", "close"}, {"Content-Length", "7"},
                      {"Transfer-Encoding", "chunked"}, {"Bad Name", "1"}, {"", "1"},
                      {":status", "500"}, {"X-Bad", "a\r\nb: c"}, {"X-Good", "1"}},
                  "ab"});
  auto& got = x.client.answers[id];
  EXPECT_EQ(got.status(), "200");
  EXPECT_EQ(got.statuses.size(), 1u);
  EXPECT_EQ(got.header("content-length"), "2");
  EXPECT_EQ(got.header("content-type"), "(none)");
  EXPECT_EQ(got.header("connection"), "(none)");
  EXPECT_EQ(got.header("x-bad"), "(none)");
  EXPECT_EQ(got.header("x-good"), "1");
}

TEST(h2_session, sends_large_answers_as_the_windows_open) {
  auto x = pair{};
  auto id = x.client.ask(h2_head("GET", "/"));
  x.talk();
  auto body = std::string(3'000'000, 'x');
  x.answer(0, plain(body));
  EXPECT_EQ(x.client.answers[id].body, body);
  EXPECT_EQ(x.server.sent(), body.size());
  EXPECT_EQ(x.server.refused(), 0u) << "the client's window updates are explained";
}

TEST(h2_session, takes_large_bodies_as_they_come) {
  auto x = pair{};
  auto body = std::string(3'000'000, 'x');
  x.client.ask(h2_head("POST", "/"), body);
  x.talk();
  ASSERT_EQ(x.got.size(), 1u);
  EXPECT_EQ(x.got[0].what.body, body);
  EXPECT_EQ(x.server.held(), 0u);
}

TEST(h2_session, tells_who_waits_to_send_the_body) {
  auto x = pair{};
  auto id = x.client.ask(h2_head("POST", "/", {{"expect", "100-continue"}}), "body");
  x.talk();
  x.answer(0, plain("ok"));
  EXPECT_EQ(x.client.answers[id].statuses, (std::vector<std::string>{"100", "200"}));
}

TEST(h2_session, answers_pings) {
  auto x = pair{};
  x.client.ping();
  x.talk();
  EXPECT_EQ(x.client.pongs, 1);
}

TEST(h2_session, reads_the_same_byte_by_byte) {
  auto client = h2_client{};
  client.ask(h2_head("POST", "/a", {{"x", "y"}}), "body");
  auto server = h2_session{{}};
  for (auto c : client.take())
    server.feed({&c, 1}, 0);
  ASSERT_TRUE(server.has_request());
  EXPECT_EQ(server.take().what.body, "body");
}

TEST(h2_session, never_tires_of_ordinary_use) {
  auto x = pair{};
  for (auto i = 0; i < 5'000; ++i) { // at one moment: nothing refills
    auto id = x.client.ask(h2_head("POST", "/"), "[1]");
    x.talk();
    x.answer(x.got.size() - 1, plain(std::string(40'000, 'x')));
    ASSERT_TRUE(x.client.answers[id].whole) << i;
    x.client.answers.clear();
  }
  EXPECT_FALSE(x.server.over());
}

// -- bounds ---------------------------------------------------------------------------------------

TEST(h2_session, refuses_a_head_above_its_limit_and_goes_on) {
  auto x = pair{{.header = 2'000}};
  auto big = x.client.ask(h2_head("GET", "/", {{"x", std::string(2'000, 'x')}}));
  x.talk();
  EXPECT_EQ(x.client.answers[big].status(), "431");
  auto good = x.client.ask(h2_head("GET", "/", {{"x", std::string(1'000, 'x')}}));
  x.talk();
  ASSERT_EQ(x.got.size(), 1u);
  x.answer(0, plain("ok"));
  EXPECT_EQ(x.client.answers[good].body, "ok");
  EXPECT_EQ(x.server.refused(), 1u);
}

TEST(h2_session, refuses_a_body_above_its_limit_and_goes_on) {
  auto x = pair{{.body = 1'000'000}};
  auto body = std::string{};
  body.resize(10'000'000, 'x');
  auto big = x.client.ask(h2_head("POST", "/"), body);
  x.talk();
  EXPECT_EQ(x.client.answers[big].status(), "413");
  EXPECT_EQ(x.server.held(), 0u);
  EXPECT_EQ(x.server.streams(), 0u);
  x.client.ask(h2_head("POST", "/"), std::string(1'000'000, 'x'));
  x.talk();
  EXPECT_EQ(x.got.size(), 1u);
}

TEST(h2_session, bounds_all_incomplete_bodies_together) {
  auto x = pair{{.unfinished = 100'000}};
  auto first = x.client.ask(h2_head("POST", "/"), std::string(60'000, 'x'), true);
  auto second = x.client.ask(h2_head("POST", "/"), std::string(60'000, 'x'), true);
  x.talk();
  EXPECT_EQ(x.client.answers[first].status() + x.client.answers[second].status(), "503");
  EXPECT_LE(x.server.held(), 100'000u);
  EXPECT_EQ(x.server.streams(), 1u);
}

TEST(h2_session, refuses_more_streams_than_it_said) {
  auto x = raw{{.streams = 10}};
  for (auto i = 0u; i < 11; ++i)
    x.send(h2_frame(headers, end_headers, 1 + 2 * i, h2_get()));
  EXPECT_EQ(x.server.streams(), 10u);
}

TEST(h2_session, bounds_the_work_for_streams_that_were_given_up) {
  auto x = raw{{.streams = 10}};
  auto id = 1u;
  for (auto i = 0; i < 50; ++i, id += 2) {
    x.send(h2_frame(headers, end_headers | end_stream, id, h2_get()));
    x.send(h2_frame(rst_stream, 0, id, std::string("\0\0\0\x8", 4)));
  }
  EXPECT_EQ(x.got.size(), 20u);
  EXPECT_EQ(x.server.under_way(), 20u);
  for (auto& waiting : x.got)
    x.server.answer(waiting.stream, plain("late"));
  EXPECT_EQ(x.server.under_way(), 0u);
  x.send(h2_frame(headers, end_headers | end_stream, id, h2_get()));
  EXPECT_EQ(x.got.size(), 21u);
}

TEST(h2_session, hands_nothing_out_that_was_given_up_before) {
  auto x = raw{};
  x.send(h2_frame(headers, end_headers | end_stream, 1, h2_get()) +
         h2_frame(rst_stream, 0, 1, std::string("\0\0\0\x8", 4)));
  EXPECT_TRUE(x.got.empty());
  EXPECT_EQ(x.server.under_way(), 0u);
}

TEST(h2_session, tells_of_requests_whose_peer_waits_no_longer) {
  constexpr auto given_up = 1u, answered = 3u, arriving = 5u;
  auto x = raw{};
  x.send(h2_frame(headers, end_headers | end_stream, given_up, h2_get()) +
         h2_frame(headers, end_headers | end_stream, answered, h2_get()) +
         h2_frame(headers, end_headers, arriving, h2_get()));
  ASSERT_EQ(x.got.size(), 2u);
  x.server.answer(answered, plain("x"));
  for (auto stream : {given_up, answered, arriving})
    x.send(h2_frame(rst_stream, 0, stream, std::string("\0\0\0\x8", 4)));
  EXPECT_EQ(x.server.take_given_up(), std::vector{given_up});
  EXPECT_TRUE(x.server.take_given_up().empty()) << "each is told once";
  x.server.answer(given_up, plain("late"));
  EXPECT_EQ(x.server.under_way(), 0u);
}

TEST(h2_session, ends_requests_that_do_not_arrive) {
  auto x = pair{};
  auto slow = x.client.ask(h2_head("POST", "/"), "half", true);
  x.talk();
  x.server.expire(x.now + 59'999, {});
  x.talk();
  EXPECT_EQ(x.client.answers[slow].status(), "");
  x.server.expire(x.now + 60'000, {});
  x.talk();
  EXPECT_EQ(x.client.answers[slow].status(), "408");
  EXPECT_EQ(x.server.streams(), 0u);
}

TEST(h2_session, ends_heads_that_do_not_arrive) {
  auto x = raw{};
  x.send(h2_frame(headers, 0, 1, h2_get()));
  EXPECT_EQ(x.server.streams(), 1u);
  x.server.expire(x.now + 10'000, {});
  x.send("");
  EXPECT_EQ(x.server.streams(), 0u);
}

TEST(h2_session, answers_for_a_handler_that_does_not) {
  auto x = pair{};
  auto id = x.client.ask(h2_head("GET", "/"));
  x.talk();
  x.server.expire(x.now + 119'999, {});
  x.talk();
  EXPECT_EQ(x.client.answers[id].status(), "");
  x.server.expire(x.now + 120'000, {});
  x.talk();
  EXPECT_EQ(x.client.answers[id].status(), "504");
  x.answer(0, plain("too late"));
  EXPECT_EQ(x.server.under_way(), 0u);
  EXPECT_EQ(x.client.answers[id].status(), "504");
}

TEST(h2_session, makes_room_when_it_is_told_to) {
  auto x = pair{};
  auto half = x.client.ask(h2_head("POST", "/"), "half", true);
  auto whole = x.client.ask(h2_head("POST", "/"), "whole");
  x.talk();
  EXPECT_EQ(x.server.held(), 4u);
  x.server.shed();
  x.talk();
  EXPECT_EQ(x.server.held(), 0u);
  EXPECT_EQ(x.client.answers[half].status(), "503");
  x.answer(0, plain("ok"));
  EXPECT_EQ(x.client.answers[whole].body, "ok");
}

TEST(h2_session, holds_no_more_than_one_answer_for_who_does_not_read) {
  auto x = pair{{}, 0};
  auto id = x.client.ask(h2_head("GET", "/"));
  x.talk();
  x.answer(0, plain(std::string(1'000'000, 'x')));
  EXPECT_EQ(x.client.answers[id].status(), "200");
  EXPECT_EQ(x.client.answers[id].body, "");
  EXPECT_EQ(x.server.leaving(), 1u);
  EXPECT_EQ(x.server.sent(), 0u);
  x.client.reset(id);
  x.talk();
  EXPECT_EQ(x.server.leaving(), 0u);
}

// -- the end --------------------------------------------------------------------------------------

TEST(h2_session, shuts_down_in_two_steps_and_loses_nothing) {
  auto x = pair{};
  auto first = x.client.ask(h2_head("GET", "/1"));
  x.talk();
  x.server.shut_down();
  auto on_its_way = x.client.ask(h2_head("GET", "/2")); // before the notice arrives
  x.talk();
  ASSERT_EQ(x.client.goodbyes.size(), 1u);
  EXPECT_EQ(x.client.goodbyes[0], std::pair(0u, 0x7fff'ffff));
  ASSERT_EQ(x.got.size(), 2u);
  x.server.shut_down();
  x.talk();
  EXPECT_EQ(x.client.goodbyes.at(1), std::pair(0u, on_its_way));
  EXPECT_FALSE(x.server.over());
  x.answer(0, plain("one"));
  x.answer(1, plain("two"));
  EXPECT_EQ(x.client.answers[first].body, "one");
  EXPECT_EQ(x.client.answers[on_its_way].body, "two");
  EXPECT_TRUE(x.server.over());
}

// -- malformed ------------------------------------------------------------------------------------

TEST(h2_session, refuses_other_protocols) {
  for (auto bytes : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\x01"}) {
    auto server = h2_session{{}};
    server.feed(bytes, 0);
    EXPECT_TRUE(server.over());
    EXPECT_EQ(server.refused(), 1u);
  }
}

TEST(h2_session, resets_streams_whose_head_is_not_allowed) {
  auto const base = h2_head("POST", "/");
  auto const bad = std::vector<test::h2_headers>{{{"connection", "close"}},
      {{"transfer-encoding", "chunked"}}, {{"te", "gzip"}}, {{"content-length", "5"}},
      {{"content-length", "4"}, {"content-length", "4"}}, {{"content-length", "+4"}},
      {{":path", "/2"}}, {{":unknown", "1"}}, {{"a b", "1"}}, {{"x", "a\nb"}},
      {{"x", std::string("a\0b", 3)}}};
  for (auto& more : bad) {
    auto x = pair{};
    auto head = base;
    head.insert(head.end(), more.begin(), more.end());
    auto id = x.client.ask(head, "body");
    x.talk();
    EXPECT_TRUE(x.got.empty()) << more[0].first << ": " << more[0].second;
    EXPECT_TRUE(x.client.answers[id].reset || !x.client.answers[id].statuses.empty() ||
                !x.client.goodbyes.empty())
        << more[0].first;
    EXPECT_EQ(x.server.held(), 0u);
  }
}

TEST(h2_session, resets_streams_with_capitals_in_a_name) {
  auto x = raw{};
  x.send(h2_frame(headers, end_headers | end_stream, 1, h2_get() + h2_literal("Upper", "1")));
  EXPECT_TRUE(x.got.empty());
  EXPECT_EQ(x.server.streams(), 0u);
  EXPECT_FALSE(x.server.over());
}

TEST(h2_session, reads_over_frames_that_it_does_not_know) {
  auto x = raw{};
  x.send(h2_frame(0xfe, 0xff, 7, "whatever") +
         h2_frame(headers, end_headers | end_stream, 1, h2_get()));
  EXPECT_EQ(x.got.size(), 1u);
}

TEST(h2_session, refuses_requests_that_are_for_a_proxy) {
  auto x = pair{};
  auto connect = x.client.ask({{":method", "CONNECT"}, {":authority", "x:1"}});
  auto odd = x.client.ask(h2_head(std::string(33, 'M'), "/"));
  auto fragment = x.client.ask(h2_head("GET", "/#a"));
  auto absolute = x.client.ask(h2_head("GET", "http://x/"));
  x.talk();
  EXPECT_TRUE(x.got.empty());
  EXPECT_EQ(x.client.answers[connect].status(), "501");
  EXPECT_EQ(x.client.answers[odd].status(), "501");
  EXPECT_EQ(x.client.answers[fragment].status(), "400");
  EXPECT_TRUE(x.client.answers[absolute].reset || x.client.answers[absolute].status() == "400");
}

TEST(h2_session, refuses_requests_for_two_hosts) {
  auto x = pair{};
  auto two = x.client.ask(h2_head("GET", "/", {{"host", "other.com"}}));
  x.client.ask(h2_head("GET", "/", {{"host", "example.com"}}));
  x.talk();
  EXPECT_EQ(x.client.answers[two].status(), "400");
  ASSERT_EQ(x.got.size(), 1u);
  EXPECT_EQ(x.got[0].what.header("host"), "example.com");
}

TEST(h2_session, refuses_hosts_and_schemes_that_are_none) {
  auto x = pair{};
  auto user = x.client.ask(
      {{":method", "GET"}, {":scheme", "https"}, {":authority", "a@b"}, {":path", "/"}});
  auto slash =
      x.client.ask({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "a/b"}});
  auto ftp =
      x.client.ask({{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}});
  x.talk();
  EXPECT_TRUE(x.got.empty());
  for (auto id : {user, slash, ftp})
    EXPECT_TRUE(x.client.answers[id].reset || x.client.answers[id].status() == "400");
  EXPECT_EQ(x.client.answers[user].status(), "400");
  EXPECT_EQ(x.client.answers[ftp].status(), "400");
}

TEST(h2_session, refuses_trailers) {
  auto x = raw{};
  x.send(h2_frame(headers, end_headers, 1, h2_get()) + h2_frame(data, 0, 1, "body") +
         h2_frame(headers, end_headers | end_stream, 1, h2_literal("x", "y")));
  EXPECT_TRUE(x.got.empty());
  EXPECT_EQ(x.server.held(), 0u);
  EXPECT_EQ(x.server.refused(), 1u);
}

TEST(h2_session, ends_the_connection_on_frames_that_break_the_protocol) {
  auto const bad = std::vector<std::string>{
      h2_frame(data, 0, 1, "x"),                             // of no stream
      h2_frame(headers, end_headers, 2, h2_get()),           // a server's number
      h2_frame(headers, end_headers, 0, h2_get()),           // of the connection
      h2_frame(continuation, end_headers, 1, h2_get()),      // of nothing
      h2_frame(headers, end_headers, 1, "\xff\xff\xff\xff"), // no HPACK
      h2_frame(ping, 0, 0, "short"), h2_frame(settings, 0, 0, "short"),
      h2_frame(window_update, 0, 0, std::string(4, '\0')),
      h2_frame(5, end_headers, 1, "push"), // PUSH_PROMISE from a client
      h2_frame(data, 0, 1, std::string(20'000, 'x')),
      h2_frame(headers, 0, 1, h2_get()) + h2_frame(ping, 0, 0, "12345678"), // inside a head
  };
  for (auto& bytes : bad) {
    auto x = raw{};
    x.send(bytes);
    EXPECT_TRUE(x.server.over());
    EXPECT_NE(x.goodbye(), 0u);
    EXPECT_EQ(x.server.refused(), 1u);
    EXPECT_TRUE(x.got.empty());
  }
}

// -- floods ---------------------------------------------------------------------------------------

constexpr unsigned enhance_your_calm = 11;

struct flood {
  const char* name;
  std::function<std::string(int)> frame;
};

const auto floods = std::vector<flood>{
    {"ping", [](int) { return h2_frame(ping, 0, 0, "12345678"); }},
    {"settings", [](int) { return h2_frame(settings, 0, 0); }},
    {"priority", [](int) { return h2_frame(priority, 0, 1, std::string("\0\0\0\0\1", 5)); }},
    {"window", [](int) { return h2_frame(window_update, 0, 0, std::string("\0\0\0\1", 4)); }},
    {"empty data",
        [](int i) {
          return (i == 0 ? h2_frame(headers, end_headers, 1, h2_get()) : "") + h2_frame(data, 0, 1);
        }},
    {"rapid reset",
        [](int i) {
          auto id = 1 + 2 * static_cast<std::uint32_t>(i);
          return h2_frame(headers, end_headers | end_stream, id, h2_get()) +
                 h2_frame(rst_stream, 0, id, std::string("\0\0\0\x8", 4));
        }},
};

TEST(h2_session, ends_floods_of_frames_that_carry_nothing) {
  for (auto& what : floods) {
    auto x = raw{};
    auto n = x.until_over(2'000, what.frame);
    EXPECT_LT(n, 500) << what.name;
    EXPECT_GT(n, 100) << what.name;
    EXPECT_EQ(x.goodbye(), enhance_your_calm) << what.name;
    EXPECT_EQ(x.server.refused(), 1u) << what.name;
    EXPECT_LT(x.said.size(), 64 * 1024u) << what.name;
  }
}

TEST(h2_session, lets_the_same_frames_come_slowly) {
  for (auto& what : floods) {
    auto x = raw{};
    auto n = x.until_over(2'000, [&](int i) {
      x.now += 25;
      for (auto& waiting : x.got)
        x.server.answer(waiting.stream, plain(""));
      x.got.clear();
      return what.frame(i);
    });
    EXPECT_EQ(n, 2'000) << what.name;
  }
}

TEST(h2_session, ends_heads_without_end) {
  auto x = raw{};
  auto n = x.until_over(10'000, [](int i) {
    return i == 0 ? h2_frame(headers, 0, 1, h2_get())
                  : h2_frame(continuation, 0, 1, h2_literal("x", std::string(100, 'y')));
  });
  EXPECT_LT(n, 500);
  EXPECT_TRUE(x.server.over());
  EXPECT_EQ(x.server.refused(), 1u);
  EXPECT_EQ(x.server.held(), 0u);
}

/// One field of 4 KB is remembered, then named by one byte each.
std::string named_again(std::size_t times) {
  return h2_get() + std::string("\x40\x01x\x7f\xa1\x1e", 6) + std::string(4'000, 'y') +
         std::string(times, '\xbe');
}

TEST(h2_session, answers_a_head_that_unpacks_to_a_little_more_than_its_limit) {
  auto x = raw{};
  x.send(h2_frame(headers, end_headers | end_stream, 1, named_again(10)));
  EXPECT_TRUE(x.got.empty());
  EXPECT_EQ(x.server.refused(), 1u);
  EXPECT_FALSE(x.server.over());
}

TEST(h2_session, ends_who_sends_a_bomb) {
  auto x = raw{};
  x.send(h2_frame(headers, end_headers | end_stream, 1, named_again(12'000)));
  EXPECT_TRUE(x.got.empty());
  EXPECT_TRUE(x.server.over());
  EXPECT_EQ(x.goodbye(), enhance_your_calm);
}

TEST(h2_session, bounds_all_answers_that_nobody_reads) {
  auto limits = h2_limits{};
  limits.unsent = 2'500'000;
  auto x = pair{limits, 0};
  auto asked = std::vector<std::int32_t>{};
  for (auto i = 0; i < 4; ++i)
    asked.push_back(x.client.ask(h2_head("GET", "/")));
  x.talk();
  for (auto i = std::size_t{0}; i < 3; ++i)
    x.answer(i, plain(std::string(1'000'000, 'x')));
  EXPECT_EQ(x.client.answers[asked[1]].status(), "200");
  EXPECT_EQ(x.client.answers[asked[2]].status(), "503");
  EXPECT_LE(x.server.unsent(), limits.unsent);
  x.client.reset(asked[0]);
  x.talk();
  x.answer(3, plain(std::string(1'000'000, 'x')));
  EXPECT_EQ(x.client.answers[asked[3]].status(), "200") << "there is room again";
}

TEST(h2_session, bounds_them_further_when_its_owner_has_no_more_room) {
  auto x = pair{h2_limits{}, 0};
  auto asked = std::vector<std::int32_t>{};
  for (auto i = 0; i < 4; ++i)
    asked.push_back(x.client.ask(h2_head("GET", "/")));
  x.talk();
  auto answer_with_room = [&](std::size_t i, std::size_t room) {
    x.server.allow_unsent(room);
    x.answer(i, plain(std::string(1'000, 'x')));
    return x.client.answers[asked[i]].status();
  };
  EXPECT_EQ(answer_with_room(0, 1'000), "200");
  EXPECT_EQ(answer_with_room(1, 1'999), "503") << "with what waits already it is too much";
  EXPECT_EQ(answer_with_room(2, 0), "503");
  EXPECT_EQ(answer_with_room(3, 1'000'000), "200");
}

} // namespace
} // namespace shoal::http
