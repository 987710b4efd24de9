#include <deque>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/device.pb.h"
#include "protocol/signing.hpp"
#include "tools/sdk/cpp/session.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using sdk::milliseconds;
using sdk::time_point;
using testing::ElementsAre;
using testing::IsEmpty;

std::string written(position x) { return std::to_string(x.epoch) + ":" + std::to_string(x.id); }

/// Writes down what the app hears.
struct recorder : sdk::session_events {
  std::vector<std::string> heard;
  std::string fail_on;

  void on_online() override { heard.push_back("online"); }
  void on_op(const received_op& op) override {
    if (!fail_on.empty() && op.payload == fail_on)
      throw std::runtime_error{"no"};
    heard.push_back(op.biz + " " + written(op.at) + " " + op.payload);
  }
  void on_reset(const std::string& biz, position to, reset_why why) override {
    heard.push_back("reset " + biz + " " + written(to) + " " + std::to_string(int(why)));
  }
  void on_bound(const std::string& user, ec code, const std::string&) override {
    heard.push_back("bound " + user + " " + std::to_string(int(code)));
  }
  void on_subscribed(const std::string& biz, ec code, const std::string&) override {
    heard.push_back("subscribed " + biz + " " + std::to_string(int(code)));
  }
  std::vector<std::string> take() { return std::exchange(heard, {}); }
};

struct flushed_positions : memory_positions {
  int flushes = 0;
  bool fail = false;
  void flush() override {
    if (fail)
      throw std::runtime_error{"disk full"};
    ++flushes;
  }
};

class sdk_session : public testing::Test {
public:
  sdk::session_options options() {
    auto x = sdk::session_options{};
    x.key = "dk_test";
    x.secret = "test-secret";
    x.device = "d1";
    x.heartbeat = 60s;
    x.uniform = [this] { return random; };
    return x;
  }

  void open() { client.opened(now, wall); }

  void welcome(std::uint32_t window_ops = 256) {
    auto m = wire::Welcome{};
    m.set_server_time_ms(wall);
    m.set_heartbeat_s(60);
    m.set_window_ops(window_ops);
    m.set_window_bytes(1 << 20);
    say(frame_type::welcome, m);
  }

  void say(frame_type type, const google::protobuf::MessageLite& m) {
    client.received(encode_frame(type, m.SerializeAsString()), now, wall);
  }

  void bound(const std::string& user, std::uint32_t binding, ec code = ec::none) {
    auto m = wire::Bound{};
    m.set_user(user);
    m.set_binding(binding);
    m.set_code(static_cast<std::uint32_t>(code));
    say(frame_type::bound, m);
  }

  void subscribed(const std::string& biz, position at, ec code = ec::none) {
    auto m = wire::Subscribed{};
    m.set_biz(biz);
    m.set_code(static_cast<std::uint32_t>(code));
    m.mutable_position()->set_epoch(at.epoch);
    m.mutable_position()->set_id(at.id);
    say(frame_type::subscribed, m);
  }

  /// Ops (after, upto] with the given ids; payload is "p<id>".
  void ops(const std::string& biz, std::uint64_t epoch, std::uint64_t after, std::uint64_t upto,
      std::vector<std::uint64_t> ids) {
    auto m = wire::Ops{};
    m.set_biz(biz);
    m.set_epoch(epoch);
    m.set_after(after);
    m.set_upto(upto);
    for (auto id : ids) {
      m.add_ops()->set_id(id);
      m.mutable_ops()->rbegin()->set_payload(std::string{"p"}.append(std::to_string(id)));
    }
    say(frame_type::ops, m);
  }

  void close(ec code, std::uint32_t retry_after_ms = 0, std::int64_t server_ms = 0) {
    auto m = wire::Close{};
    m.set_code(static_cast<std::uint32_t>(code));
    m.set_retry_after_ms(retry_after_ms);
    m.set_server_time_ms(server_ms);
    say(frame_type::close, m);
  }

  /// The frames the session wants sent.
  std::deque<frame> sent() {
    auto reader = frame_reader{};
    reader.append(client.take_output());
    auto result = std::deque<frame>{};
    for (auto x = frame{}; reader.next(x) == frame_reader::outcome::have_frame;)
      result.push_back(x);
    return result;
  }

  /// The same, in short.
  std::vector<std::string> sent_text() {
    auto result = std::vector<std::string>{};
    for (auto& x : sent())
      result.push_back(in_short(x));
    return result;
  }

  static std::string in_short(const frame& x) {
    switch (x.type) {
    case frame_type::hello:
      return "hello";
    case frame_type::bind: {
      auto m = wire::Bind{};
      m.ParseFromString(x.body);
      return "bind " + m.user() + " " + m.token();
    }
    case frame_type::unbind:
      return "unbind";
    case frame_type::subscribe: {
      auto m = wire::Subscribe{};
      m.ParseFromString(x.body);
      auto text = std::string{"subscribe"};
      for (auto& e : m.entries()) {
        text += " " + e.biz();
        if (e.has_position())
          text += "@" + written({e.position().epoch(), e.position().id()});
      }
      return text;
    }
    case frame_type::ack: {
      auto m = wire::Ack{};
      m.ParseFromString(x.body);
      auto text = std::string{"ack"};
      for (auto& e : m.entries())
        text += " " + e.biz() + "@" + written({e.epoch(), e.id()});
      return text + " binding " + std::to_string(m.binding());
    }
    case frame_type::ping:
      return "ping";
    case frame_type::pong:
      return "pong";
    default:
      return "type " + std::to_string(int(x.type));
    }
  }

  void follow(const std::string& biz) { client.subscribe(biz, now); }
  void bind(const std::string& user) {
    client.bind(
        user, [this](auto&) { return std::string{"t"}.append(std::to_string(++tokens)); }, now);
  }
  void pass(milliseconds x) {
    now += x;
    client.tick(now);
  }
  /// Connected, subscribed to NEWS from `at`, nothing left to read.
  void follow_news(position at = {7, 0}) {
    follow("NEWS");
    open();
    welcome();
    subscribed("NEWS", at);
    sent();
    app.take();
  }

  time_point now{1000s};
  std::int64_t wall = 1'760'000'000'000;
  double random = 0.5;
  int tokens = 0;
  recorder app;
  flushed_positions positions;
  sdk::session client{options(), app, positions};
};

TEST_F(sdk_session, signs_its_hello) {
  open();
  auto m = wire::Hello{};
  ASSERT_TRUE(m.ParseFromString(sent().at(0).body));
  EXPECT_EQ(m.key(), "dk_test");
  EXPECT_EQ(m.timestamp_ms(), wall);
  EXPECT_EQ(m.nonce().size(), 16u);
  EXPECT_EQ(
      m.signature(), hmac_sha256("test-secret", hello_string("dk_test", "d1", wall, m.nonce())));
}

TEST_F(sdk_session, uses_a_new_nonce_for_each_hello) {
  auto nonce = [this] {
    open();
    auto m = wire::Hello{};
    m.ParseFromString(sent().at(0).body);
    client.ended(now);
    return m.nonce();
  };
  EXPECT_NE(nonce(), nonce());
}

TEST_F(sdk_session, says_all_wishes_without_waiting_for_answers) {
  positions.save("u1", "NEWS", {7, 41});
  follow("NEWS");
  follow("LOCK");
  bind("u1");
  open();
  EXPECT_THAT(sent_text(), ElementsAre("hello", "bind u1 t1", "subscribe LOCK NEWS@7:41"));
}

TEST_F(sdk_session, starts_where_the_server_says) {
  follow("NEWS");
  open();
  welcome();
  subscribed("NEWS", {7, 41});
  EXPECT_EQ(positions.load("", "NEWS"), (position{7, 41}));
  EXPECT_THAT(app.take(), ElementsAre("online", "subscribed NEWS 0"));
}

TEST_F(sdk_session, hands_over_ops_in_order_and_acknowledges_after_a_delay) {
  follow_news();
  ops("NEWS", 7, 0, 2, {1, 2});
  EXPECT_THAT(app.take(), ElementsAre("NEWS 7:1 p1", "NEWS 7:2 p2"));
  EXPECT_THAT(sent_text(), IsEmpty());
  EXPECT_EQ(client.deadline(), now + 50ms);
  pass(50ms);
  EXPECT_THAT(sent_text(), ElementsAre("ack NEWS@7:2 binding 0"));
  EXPECT_EQ(positions.flushes, 1);
}

TEST_F(sdk_session, acknowledges_at_once_when_half_the_window_is_handled) {
  follow("NEWS");
  open();
  welcome(4);
  subscribed("NEWS", {7, 0});
  sent();
  ops("NEWS", 7, 0, 1, {1});
  EXPECT_THAT(sent_text(), IsEmpty());
  ops("NEWS", 7, 1, 2, {2});
  EXPECT_THAT(sent_text(), ElementsAre("ack NEWS@7:2 binding 0"));
}

TEST_F(sdk_session, counts_filtered_ids_as_handled) {
  follow_news();
  ops("NEWS", 7, 0, 9, {3});
  EXPECT_EQ(positions.load("", "NEWS"), (position{7, 9}));
  pass(50ms);
  EXPECT_THAT(sent_text(), ElementsAre("ack NEWS@7:9 binding 0"));
}

TEST_F(sdk_session, drops_ops_it_has_seen_and_acknowledges_them_again) {
  follow_news({7, 5});
  ops("NEWS", 7, 2, 4, {3, 4});
  EXPECT_THAT(app.take(), IsEmpty());
  pass(50ms);
  EXPECT_THAT(sent_text(), ElementsAre("ack NEWS@7:4 binding 0"));
  EXPECT_EQ(positions.load("", "NEWS"), (position{7, 5}));
}

TEST_F(sdk_session, takes_only_the_new_part_of_an_overlap) {
  follow_news({7, 5});
  ops("NEWS", 7, 3, 7, {4, 5, 6, 7});
  EXPECT_THAT(app.take(), ElementsAre("NEWS 7:6 p6", "NEWS 7:7 p7"));
}

TEST_F(sdk_session, reconnects_when_the_server_leaves_a_gap) {
  follow_news({7, 5});
  ops("NEWS", 7, 6, 7, {7});
  EXPECT_THAT(app.take(), IsEmpty());
  EXPECT_TRUE(client.finished());
  EXPECT_TRUE(client.ended(now).again);
}

TEST_F(sdk_session, keeps_no_position_of_a_biz_that_is_not_persistent) {
  follow("LIVE");
  open();
  welcome();
  subscribed("LIVE", {0, 0});
  sent();
  ops("LIVE", 0, 0, 0, {0});
  EXPECT_EQ(app.take().back(), "LIVE 0:0 p0");
  pass(50ms);
  EXPECT_THAT(sent_text(), IsEmpty());
  EXPECT_EQ(positions.load("", "LIVE"), std::nullopt);
}

TEST_F(sdk_session, delivers_again_what_a_handler_threw_at) {
  follow_news();
  app.fail_on = "p2";
  ops("NEWS", 7, 0, 3, {1, 2, 3});
  EXPECT_THAT(app.take(), ElementsAre("NEWS 7:1 p1"));
  EXPECT_TRUE(client.finished());
  client.ended(now);
  open();
  EXPECT_THAT(sent_text(), ElementsAre("hello", "subscribe NEWS@7:1"));
}

TEST_F(sdk_session, acknowledges_nothing_that_it_cannot_remember) {
  follow_news();
  positions.fail = true;
  ops("NEWS", 7, 0, 1, {1});
  pass(50ms);
  EXPECT_THAT(sent_text(), IsEmpty());
  EXPECT_TRUE(client.finished());
}

TEST_F(sdk_session, stores_a_reset_and_tells_the_app_why) {
  follow_news({7, 5});
  auto m = wire::Reset{};
  m.set_biz("NEWS");
  m.set_epoch(8);
  m.set_id(3);
  m.set_reason(wire::RESET_EPOCH);
  say(frame_type::reset, m);
  EXPECT_EQ(positions.load("", "NEWS"), (position{8, 3}));
  ops("NEWS", 8, 3, 4, {4});
  EXPECT_THAT(app.take(), ElementsAre("reset NEWS 8:3 2", "NEWS 8:4 p4"));
}

TEST_F(sdk_session, treats_an_unknown_reset_like_trimmed) {
  follow_news();
  auto m = wire::Reset{};
  m.set_biz("NEWS");
  m.set_epoch(7);
  m.set_id(3);
  m.set_reason(static_cast<wire::ResetReason>(99));
  say(frame_type::reset, m);
  EXPECT_THAT(app.take(), ElementsAre("reset NEWS 7:3 1"));
}

TEST_F(sdk_session, lets_nothing_of_one_user_reach_the_next) {
  bind("u1");
  follow("LOCK");
  open();
  welcome();
  bound("u1", 1);
  subscribed("LOCK", {7, 0});
  sent();
  app.take();
  ops("LOCK", 7, 0, 1, {1});
  bind("u2"); // acknowledges for u1 first
  EXPECT_THAT(sent_text(), ElementsAre("ack LOCK@7:1 binding 1", "bind u2 t2", "subscribe LOCK"));
  ops("LOCK", 7, 1, 2, {2}); // was on its way to u1
  bound("u2", 2);
  ops("LOCK", 7, 2, 3, {3}); // before Subscribed: of a feed that has ended
  subscribed("LOCK", {7, 100});
  ops("LOCK", 7, 100, 101, {101});
  EXPECT_THAT(
      app.take(), ElementsAre("LOCK 7:1 p1", "bound u2 0", "subscribed LOCK 0", "LOCK 7:101 p101"));
  EXPECT_EQ(positions.load("u1", "LOCK"), (position{7, 1}));
  EXPECT_EQ(positions.load("u2", "LOCK"), (position{7, 101}));
  pass(50ms);
  EXPECT_THAT(sent_text(), ElementsAre("ack LOCK@7:101 binding 2"));
}

TEST_F(sdk_session, ignores_a_reset_of_the_user_before) {
  bind("u1");
  follow("LOCK");
  open();
  welcome();
  bound("u1", 1);
  subscribed("LOCK", {7, 0});
  bind("u2");
  app.take();
  auto m = wire::Reset{};
  m.set_biz("LOCK");
  m.set_epoch(7);
  m.set_id(50);
  m.set_reason(wire::RESET_CONSUMED_ELSEWHERE);
  say(frame_type::reset, m);
  EXPECT_THAT(app.take(), IsEmpty());
  EXPECT_EQ(positions.load("u2", "LOCK"), std::nullopt);
}

TEST_F(sdk_session, unbinds_and_goes_on_with_the_devices_own_positions) {
  positions.save("", "LOCK", {7, 9});
  bind("u1");
  follow("LOCK");
  open();
  welcome();
  bound("u1", 1);
  sent();
  client.unbind(now);
  EXPECT_THAT(sent_text(), ElementsAre("unbind", "subscribe LOCK@7:9"));
}

TEST_F(sdk_session, asks_once_for_a_fresh_token) {
  bind("u1");
  open();
  welcome();
  bound("u1", 0, ec::token_expired);
  EXPECT_THAT(sent_text(), ElementsAre("hello", "bind u1 t1", "bind u1 t2"));
  EXPECT_THAT(app.take(), ElementsAre("online"));
  bound("u1", 0, ec::token_expired);
  EXPECT_THAT(sent_text(), IsEmpty());
  EXPECT_THAT(app.take(), ElementsAre("bound u1 4014"));
}

TEST_F(sdk_session, asks_for_a_fresh_token_also_when_it_was_bound_unverified) {
  bind("u1");
  follow("LOCK");
  open();
  welcome();
  sent();
  auto m = wire::Bound{};
  m.set_user("u1");
  m.set_binding(1);
  m.set_unverified(static_cast<std::uint32_t>(ec::token_expired));
  say(frame_type::bound, m);
  EXPECT_THAT(sent_text(), ElementsAre("bind u1 t2", "subscribe LOCK"));
  m.set_binding(2);
  say(frame_type::bound, m);
  EXPECT_THAT(sent_text(), IsEmpty());
  EXPECT_THAT(app.take(), ElementsAre("online", "bound u1 0")) << "bound it is";
}

TEST_F(sdk_session, binds_again_later_when_the_verifier_is_away) {
  bind("u1");
  open();
  welcome();
  bound("u1", 0, ec::verifier_unavailable);
  sent();
  pass(1999ms);
  EXPECT_THAT(sent_text(), IsEmpty());
  pass(1ms); // 1 s and half of 2 s
  EXPECT_THAT(sent_text(), ElementsAre("bind u1 t2"));
}

TEST_F(sdk_session, binds_again_later_when_there_is_no_token) {
  client.bind(
      "u1", [](auto&) -> std::string { throw std::runtime_error{"offline"}; }, now);
  follow("NEWS");
  open();
  EXPECT_THAT(sent_text(), ElementsAre("hello", "subscribe NEWS"));
  EXPECT_THAT(app.take(), ElementsAre("bound u1 2006"));
}

TEST_F(sdk_session, tells_which_biz_was_refused_and_ignores_its_ops) {
  follow("NEWS");
  open();
  welcome();
  subscribed("NEWS", {}, ec::biz_offline);
  ops("NEWS", 7, 0, 1, {1});
  EXPECT_THAT(app.take(), ElementsAre("online", "subscribed NEWS 4032"));
}

TEST_F(sdk_session, subscribes_again_when_the_server_was_busy) {
  follow("NEWS");
  open();
  welcome();
  subscribed("NEWS", {}, ec::overloaded);
  sent();
  pass(1s);
  EXPECT_THAT(sent_text(), ElementsAre("subscribe NEWS"));
}

TEST_F(sdk_session, stops_delivering_what_was_unsubscribed) {
  follow_news();
  client.unsubscribe("NEWS", now);
  EXPECT_THAT(sent_text(), ElementsAre("type 8"));
  ops("NEWS", 7, 0, 1, {1});
  EXPECT_THAT(app.take(), IsEmpty());
}

TEST_F(sdk_session, pings_when_it_has_been_silent_and_gives_up_without_pong) {
  follow_news();
  pass(60s);
  EXPECT_THAT(sent_text(), ElementsAre("ping"));
  pass(9999ms);
  EXPECT_FALSE(client.finished());
  pass(1ms);
  EXPECT_TRUE(client.finished());
  EXPECT_EQ(client.ended(now).code, ec::session_lost);
}

TEST_F(sdk_session, goes_on_after_a_pong) {
  follow_news();
  pass(60s);
  say(frame_type::pong, wire::Pong{});
  pass(10s);
  EXPECT_FALSE(client.finished());
}

TEST_F(sdk_session, answers_a_ping) {
  follow_news();
  say(frame_type::ping, wire::Ping{});
  EXPECT_THAT(sent_text(), ElementsAre("pong"));
}

TEST_F(sdk_session, gives_up_waiting_for_a_welcome) {
  open();
  pass(10s);
  EXPECT_TRUE(client.finished());
}

TEST_F(sdk_session, ignores_frame_types_it_does_not_know) {
  follow_news();
  client.received(encode_frame(static_cast<frame_type>(200), "x"), now, wall);
  EXPECT_FALSE(client.finished());
}

TEST_F(sdk_session, leaves_a_server_that_sends_nonsense) {
  follow_news();
  client.received(std::string(8, '\xff'), now, wall);
  EXPECT_TRUE(client.finished());
  client.ended(now);
  open();
  client.received(encode_frame(frame_type::welcome, "\xff"), now, wall);
  EXPECT_TRUE(client.finished());
}

TEST_F(sdk_session, corrects_its_clock_and_connects_at_once_but_only_once_in_a_row) {
  open();
  sent();
  close(ec::clock_skew, 0, wall + 3'600'000);
  auto first = client.ended(now);
  EXPECT_TRUE(first.again);
  EXPECT_EQ(first.delay, 0ms);
  open();
  auto m = wire::Hello{};
  m.ParseFromString(sent().at(0).body);
  EXPECT_EQ(m.timestamp_ms(), wall + 3'600'000);
  close(ec::clock_skew, 0, wall);
  EXPECT_GT(client.ended(now).delay, 0ms);
}

TEST_F(sdk_session, waits_longer_after_each_failure_up_to_a_minute) {
  auto delays = std::vector<std::int64_t>{};
  for (auto i = 0; i < 7; ++i)
    delays.push_back(client.ended(now).delay.count());
  EXPECT_THAT(delays, ElementsAre(1000, 2000, 4000, 8000, 16000, 30000, 30000));
}

TEST_F(sdk_session, returns_at_once_to_a_connection_that_had_lasted) {
  follow_news();
  now += 30s;
  close(ec::heartbeat_missed);
  EXPECT_EQ(client.ended(now).delay, 0ms);
  EXPECT_EQ(client.ended(now).delay, 1000ms);
}

TEST_F(sdk_session, keeps_away_as_long_as_the_server_asks_and_up_to_as_much_again) {
  open();
  close(ec::going_away, 20'000);
  EXPECT_EQ(client.ended(now).delay, 30s);
  open();
  close(ec::overloaded);
  EXPECT_EQ(client.ended(now).delay, 2000ms); // its backoff is longer than 1 s and a half
}

TEST_F(sdk_session, drops_positions_that_the_server_calls_wrong) {
  follow_news({7, 5});
  close(ec::bad_position);
  EXPECT_TRUE(client.ended(now).again);
  open();
  EXPECT_THAT(sent_text(), ElementsAre("hello", "subscribe NEWS"));
}

TEST_F(sdk_session, does_not_come_back_when_repeating_cannot_work) {
  for (auto code : {ec::replaced, ec::bad_signature, static_cast<ec>(4999)}) {
    open();
    close(code);
    auto end = client.ended(now);
    EXPECT_FALSE(end.again);
    EXPECT_EQ(end.code, code);
  }
}

TEST_F(sdk_session, treats_unknown_codes_by_their_thousands) {
  open();
  close(static_cast<ec>(2999), 5000);
  auto end = client.ended(now);
  EXPECT_TRUE(end.again);
  EXPECT_EQ(end.delay, 7500ms);
}

} // namespace
