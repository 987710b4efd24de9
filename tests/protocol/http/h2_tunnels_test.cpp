#include <gtest/gtest.h>

#include "protocol/http/h2_session.hpp"
#include "tests/support/h2_client.hpp"

namespace shoal::http {
namespace {

using test::h2_connect;
using test::h2_frame;
using test::h2_head;

constexpr std::size_t window = 256 * 1024; // what a peer may say ahead on a stream

shared_bytes share(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

h2_limits with_tunnels(std::uint32_t n = 4) {
  auto out = h2_limits{};
  out.tunnels = n;
  return out;
}

/// A server and its client, joined by their strings.
struct joined {
  explicit joined(
      h2_limits limits = with_tunnels(), std::uint32_t ahead = 65'535, bool reads = true)
      : server{limits}, client{ahead, reads} {
    talk();
  }

  void talk() {
    for (auto quiet = false; !quiet;) {
      auto there = client.take();
      server.feed(there, now);
      while (server.has_request())
        got.push_back(server.take());
      auto back = std::string{};
      server.produce(back, 1024 * 1024);
      EXPECT_TRUE(client.give(back)) << "the server's bytes must be HTTP/2";
      quiet = there.empty() && back.empty();
    }
  }

  /// A tunnel that the server has accepted.
  std::uint32_t open() {
    auto id = client.ask(h2_connect(), {}, true);
    talk();
    server.open_tunnel(static_cast<std::uint32_t>(id), "shoal.1");
    talk();
    return static_cast<std::uint32_t>(id);
  }

  void say(std::uint32_t stream, std::string_view bytes) {
    client.say(static_cast<std::int32_t>(stream), bytes);
    talk();
  }

  void finish(std::uint32_t stream) {
    client.finish(static_cast<std::int32_t>(stream));
    talk();
  }

  test::h2_answer& at(std::uint32_t stream) {
    return client.answers[static_cast<std::int32_t>(stream)];
  }

  h2_tunnels& tunnels() { return server.tunnels(); }

  std::string status_of(const test::h2_headers& head) {
    auto id = client.ask(head, {}, true);
    talk();
    return client.answers[id].status();
  }

  h2_session server;
  test::h2_client client;
  std::vector<h2_session::arrival> got;
  std::uint64_t now = 1'000'000;
};

class h2_tunnels_test : public ::testing::Test, public joined {};

TEST_F(h2_tunnels_test, are_announced_where_they_are_allowed) {
  EXPECT_EQ(client.setting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL), 1u);
  auto without = h2_session{h2_limits{}};
  auto other = test::h2_client{};
  auto bytes = std::string{};
  without.produce(bytes, 1024);
  EXPECT_TRUE(other.give(bytes));
  EXPECT_EQ(other.setting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL), 0u);
}

TEST_F(h2_tunnels_test, are_asked_for_like_a_request_before_the_stream_ends) {
  client.ask(
      h2_connect({{"sec-websocket-protocol", "shoal.1"}, {"origin", "https://a"}}), {}, true);
  talk();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_TRUE(got[0].asks_for_websocket);
  EXPECT_EQ(got[0].what.method, "CONNECT");
  EXPECT_EQ(got[0].what.path, "/v1/device");
  EXPECT_EQ(got[0].what.header("Origin"), "https://a");
  EXPECT_EQ(got[0].what.header("Host"), "example.com");
  client.ask(h2_head("GET", "/"));
  talk();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_FALSE(got[1].asks_for_websocket);
}

TEST_F(h2_tunnels_test, carry_bytes_both_ways) {
  auto x = open();
  EXPECT_EQ(at(x).status(), "200");
  EXPECT_EQ(at(x).header("sec-websocket-protocol"), "shoal.1");
  EXPECT_EQ(at(x).header("content-length"), "(none)");
  EXPECT_FALSE(at(x).whole);
  say(x, "there");
  EXPECT_EQ(tunnels().take_stirred(), std::vector{x});
  EXPECT_EQ(tunnels().take(x, 3), "the");
  EXPECT_EQ(tunnels().take(x, 100), "re");
  EXPECT_EQ(tunnels().take(x, 100), "");
  tunnels().send(x, share("and "));
  tunnels().send(x, share("back"));
  EXPECT_EQ(tunnels().unsent(x), 8u + 2 * 64) << "a message takes more than its bytes";
  talk();
  EXPECT_EQ(at(x).body, "and back");
  tunnels().send(x, share(", later"));
  talk();
  EXPECT_EQ(at(x).body, "and back, later");
  EXPECT_EQ(tunnels().unsent(x), 0u);
}

TEST_F(h2_tunnels_test, keep_what_came_before_they_were_opened) {
  auto id = client.ask(h2_connect(), "early", true);
  talk();
  auto x = static_cast<std::uint32_t>(id);
  server.open_tunnel(x, "shoal.1");
  EXPECT_EQ(tunnels().take(x, 100), "early");
}

TEST_F(h2_tunnels_test, forget_what_came_for_one_that_is_refused) {
  auto id = client.ask(h2_connect(), "early", true);
  talk();
  EXPECT_EQ(server.held(), 5u);
  server.answer(static_cast<std::uint32_t>(id), {403, "text/plain", {}, "no"});
  talk();
  EXPECT_EQ(client.answers[id].status(), "403");
  EXPECT_EQ(client.answers[id].body, "no");
  EXPECT_TRUE(client.answers[id].whole);
  EXPECT_EQ(server.held(), 0u);
  EXPECT_EQ(server.streams(), 0u);
  EXPECT_EQ(server.leaving(), 0u);
  EXPECT_EQ(tunnels().size(), 0u);
}

TEST_F(h2_tunnels_test, end_for_the_peer_when_we_finish_and_then_when_it_does) {
  auto x = open();
  tunnels().send(x, share("last"));
  tunnels().finish(x);
  talk();
  EXPECT_EQ(at(x).body, "last");
  EXPECT_TRUE(at(x).whole);
  EXPECT_TRUE(tunnels().has(x)) << "the peer has time for its own end";
  say(x, "unheard");
  EXPECT_EQ(tunnels().take(x, 100), "");
  finish(x);
  EXPECT_FALSE(tunnels().has(x));
  EXPECT_FALSE(at(x).reset);
  EXPECT_EQ(server.streams(), 0u);
}

TEST_F(h2_tunnels_test, tell_when_the_peer_says_no_more) {
  auto x = open();
  say(x, "last");
  finish(x);
  EXPECT_FALSE(tunnels().heard_all(x));
  EXPECT_EQ(tunnels().take(x, 100), "last");
  EXPECT_TRUE(tunnels().heard_all(x));
  tunnels().send(x, share("bye"));
  tunnels().finish(x);
  talk();
  EXPECT_EQ(at(x).body, "bye");
  EXPECT_TRUE(at(x).whole);
  EXPECT_FALSE(tunnels().has(x));
}

TEST_F(h2_tunnels_test, are_gone_when_the_peer_gives_them_up) {
  auto x = open();
  say(x, "unread");
  tunnels().send(x, share("unsent"));
  tunnels().take_stirred();
  client.reset(static_cast<std::int32_t>(x));
  talk();
  EXPECT_EQ(tunnels().take_stirred(), std::vector{x});
  EXPECT_FALSE(tunnels().has(x));
  EXPECT_EQ(tunnels().take(x, 100), "");
  EXPECT_EQ(server.held(), 0u);
  tunnels().send(x, share("into the void"));
  tunnels().finish(x);
  tunnels().cut(x);
  talk();
  EXPECT_EQ(server.streams(), 0u);
}

TEST_F(h2_tunnels_test, are_cut_with_cancel_or_as_over) {
  auto given_up = open();
  tunnels().cut(given_up);
  auto over = open();
  tunnels().finish(over);
  talk();
  tunnels().cut(over);
  talk();
  EXPECT_EQ(at(given_up).why, static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  EXPECT_FALSE(at(over).reset);
  EXPECT_EQ(tunnels().size(), 0u);
}

TEST_F(h2_tunnels_test, hold_one_window_of_who_is_not_listened_to) {
  auto x = open();
  say(x, std::string(4 * window, 'x'));
  EXPECT_EQ(server.held(), window);
  EXPECT_EQ(client.unsaid(static_cast<std::int32_t>(x)), 3 * window);
  auto heard = std::size_t{0};
  for (auto bytes = tunnels().take(x, 10'000); !bytes.empty(); bytes = tunnels().take(x, 10'000)) {
    heard += bytes.size();
    talk();
    ASSERT_LE(server.held(), window);
  }
  EXPECT_EQ(heard, 4 * window);
}

TEST_F(h2_tunnels_test, do_not_hold_up_requests_and_each_other) {
  for (auto i = 0; i < 4; ++i)
    say(open(), std::string(2 * window, 'x'));
  client.ask(h2_head("POST", "/"), std::string(2 * window, 'y'));
  talk();
  EXPECT_EQ(got.back().what.body.size(), 2 * window);
  server.answer(got.back().stream, {200, "text/plain", {}, "served"});
  talk();
  EXPECT_EQ(client.answers[static_cast<std::int32_t>(got.back().stream)].body, "served");
}

TEST_F(h2_tunnels_test, wait_for_the_window_of_a_peer_that_does_not_read) {
  auto slow = joined{with_tunnels(), 150, false};
  auto x = slow.open();
  for (auto i = 0; i < 10; ++i)
    slow.tunnels().send(x, share(std::string(100, 'x')));
  slow.talk();
  EXPECT_EQ(slow.at(x).body.size(), 150u);
  EXPECT_EQ(slow.tunnels().unsent(x), 850u + 9 * 64);
  EXPECT_EQ(slow.server.leaving(), 0u) << "a tunnel is no answer that does not leave";
  slow.tunnels().forget_unsent(x);
  EXPECT_EQ(slow.tunnels().unsent(x), 50u + 64) << "the rest of a message that has begun";
}

TEST_F(h2_tunnels_test, let_small_messages_share_a_frame_and_cut_large_ones) {
  auto x = open();
  auto all = std::string{};
  for (auto size : {1, 10, 20'000, 5, 40'000, 8'192, 7}) {
    all.append(static_cast<std::size_t>(size), static_cast<char>('a' + size % 26));
    tunnels().send(x, share(all.substr(all.size() - static_cast<std::size_t>(size))));
  }
  talk();
  EXPECT_EQ(at(x).body, all);
}

TEST_F(h2_tunnels_test, have_no_deadline) {
  auto x = open();
  now += 1'000'000'000;
  server.expire(now, {});
  talk();
  EXPECT_TRUE(tunnels().has(x));
  EXPECT_FALSE(at(x).whole || at(x).reset);
}

TEST_F(h2_tunnels_test, go_on_after_a_goodbye_until_they_end) {
  auto x = open();
  server.shut_down();
  talk();
  server.shut_down();
  talk();
  EXPECT_EQ(client.goodbyes.size(), 2u);
  say(x, "still there");
  EXPECT_EQ(tunnels().take(x, 100), "still there");
  EXPECT_FALSE(server.over());
  tunnels().finish(x);
  talk();
  finish(x);
  EXPECT_TRUE(server.over());
}

TEST_F(h2_tunnels_test, are_cut_for_want_of_room_if_they_hold_something) {
  auto quiet = open(), loud = open();
  say(loud, "held");
  server.shed();
  talk();
  EXPECT_TRUE(tunnels().has(quiet));
  EXPECT_FALSE(tunnels().has(loud));
  EXPECT_EQ(at(loud).why, static_cast<std::uint32_t>(NGHTTP2_ENHANCE_YOUR_CALM));
  EXPECT_EQ(server.held(), 0u);
}

TEST_F(h2_tunnels_test, are_refused_when_there_are_too_many) {
  for (auto i = 0; i < 4; ++i)
    open();
  EXPECT_EQ(status_of(h2_connect()), "503");
  EXPECT_EQ(server.refused(), 1u);
  tunnels().cut(got[0].stream);
  talk();
  EXPECT_EQ(at(open()).status(), "200");
}

TEST_F(h2_tunnels_test, are_refused_when_the_request_is_none_for_a_websocket) {
  auto with = [](std::string protocol, std::string scheme, test::h2_headers more = {}) {
    auto out = test::h2_headers{{":method", "CONNECT"}, {":protocol", std::move(protocol)},
        {":scheme", std::move(scheme)}, {":authority", "a"}, {":path", "/v1/device"}};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  };
  EXPECT_EQ(status_of(with("mqtt", "https")), "501");
  EXPECT_EQ(status_of(with("websocket", "http")), "400");
  EXPECT_EQ(status_of(with("websocket", "https", {{"content-length", "5"}})), "400");
  auto ended = client.ask(h2_connect());
  auto plain = client.ask(h2_head("GET", "/", {{":protocol", "websocket"}}));
  talk();
  EXPECT_EQ(client.answers[ended].status(), "400");
  EXPECT_TRUE(client.answers[plain].reset);
  EXPECT_TRUE(got.empty());
  EXPECT_EQ(tunnels().size(), 0u);
}

TEST_F(h2_tunnels_test, are_a_broken_rule_where_they_were_not_announced) {
  auto x = joined{h2_limits{}};
  auto id = x.client.ask(h2_connect(), {}, true);
  x.talk();
  EXPECT_TRUE(x.client.answers[id].reset);
  EXPECT_TRUE(x.got.empty());
  EXPECT_EQ(x.server.streams(), 0u);
}

TEST_F(h2_tunnels_test, do_not_hide_a_flood_of_empty_frames) {
  auto x = open();
  auto flood = std::string{};
  for (auto i = 0; i < 1'000; ++i)
    flood += h2_frame(0, 0, x);
  server.feed(flood, now);
  auto back = std::string{};
  server.produce(back, 1024 * 1024);
  EXPECT_TRUE(server.over());
}

TEST(h2_tunnels, that_come_and_go_all_the_time_end_the_session) {
  auto x = joined{};
  auto opened = 0;
  for (; opened < 2'000 && !x.server.over(); ++opened) {
    auto stream = x.open();
    x.tunnels().finish(stream);
    x.finish(stream);
  }
  EXPECT_TRUE(x.server.over());
  EXPECT_LT(opened, 500) << "each makes a device, whatever becomes of it";
}

} // namespace
} // namespace shoal::http
