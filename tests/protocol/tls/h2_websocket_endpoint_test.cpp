#include <thread>

#include <gtest/gtest.h>

#include "tests/support/device_frames.hpp"
#include "tests/support/h2_caller.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

using namespace ws;

/// How the server ends a device: its Close frame, the WebSocket's close code, the stream's end.
void expect_end(h2_websocket& x, ec device_code, unsigned ws_code) {
  EXPECT_EQ(close_code(x.read_frame()), device_code);
  auto last = x.read();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->opcode, close_);
  EXPECT_EQ(last->code(), ws_code);
  EXPECT_TRUE(x.ends());
}

TEST(h2_websocket_endpoint, carries_a_device_beside_requests_of_the_same_connection) {
  auto server = test_endpoint{};
  auto line = h2_caller{server.port()};
  auto device = h2_websocket{line};
  ASSERT_TRUE(device.opened()) << device.answer().status();
  EXPECT_EQ(device.answer().header("sec-websocket-protocol"), "shoal.1");
  device.send_frame(frame_type::hello, "abc");
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(1));
  EXPECT_EQ(sink->frames()[0].type, frame_type::hello);
  EXPECT_EQ(sink->frames()[0].body, "abc");
  EXPECT_EQ(line.fetch(h2_head("POST", "/a"), "body").body, "POST /a?\nbody");
  sink->link.send(share(encode_frame(frame_type::welcome, "def")));
  auto answer = device.read_frame();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, frame_type::welcome);
  EXPECT_EQ(answer->body, "def");
  EXPECT_EQ(server->stats().websocket_connections, 1u);
  EXPECT_EQ(server->stats().device_connections, 1u);
  EXPECT_EQ(server->stats().http_connections, 1u);
}

TEST(h2_websocket_endpoint, announces_that_it_does) {
  auto server = test_endpoint{};
  auto line = h2_caller{server.port()};
  line.fetch(h2_head("GET", "/"));
  EXPECT_EQ(line.session().setting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL), 1u);
}

TEST(h2_websocket_endpoint, takes_the_first_message_with_the_request) {
  auto server = test_endpoint{};
  auto line = h2_caller{server.port()};
  auto device = h2_websocket{
      line, h2_connect(), masked(fin | binary, encode_frame(frame_type::hello, "early"))};
  EXPECT_TRUE(device.opened());
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(1));
  EXPECT_EQ(sink->frames()[0].body, "early");
}

TEST(h2_websocket_endpoint, moves_large_frames_both_ways) {
  auto server = test_endpoint{};
  server.reaction = echo;
  auto line = h2_caller{server.port()};
  auto device = h2_websocket{line};
  for (auto i = 0; i < 50; ++i) {
    auto body = std::string(60'000, static_cast<char>('a' + i % 26));
    device.send_frame(frame_type::ack, body);
    auto back = device.read_frame();
    ASSERT_TRUE(back);
    ASSERT_EQ(back->body, body);
  }
}

TEST(h2_websocket_endpoint, answers_pings_without_the_sink) {
  auto server = test_endpoint{};
  auto line = h2_caller{server.port()};
  auto device = h2_websocket{line};
  device.send(fin | ping, "x");
  auto answer = device.read();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->opcode, pong);
  EXPECT_EQ(answer->payload, "x");
  EXPECT_TRUE(server.next_sink()->frames().empty());
}

TEST(h2_websocket_endpoint, answers_a_close_with_the_same_code_and_goes_on_with_the_others) {
  auto server = test_endpoint{};
  auto line = h2_caller{server.port()};
  auto first = h2_websocket{line};
  auto first_sink = server.next_sink();
  auto second = h2_websocket{line};
  auto second_sink = server.next_sink();
  first.send(fin | close_, "\x03\xe9");
  auto last = first.read();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->opcode, close_);
  EXPECT_EQ(last->code(), 1001u);
  EXPECT_TRUE(first.ends());
  first.finish();
  ASSERT_TRUE(first_sink && first_sink->wait_closed());
  EXPECT_EQ(first_sink->why(), ec::none);
  EXPECT_EQ(first_sink->times_closed(), 1);
  second.send_frame(frame_type::hello, "still here");
  ASSERT_TRUE(second_sink && second_sink->wait_frames(1));
  EXPECT_EQ(second_sink->times_closed(), 0);
  EXPECT_TRUE(eventually([&] { return server->stats().websocket_connections == 1; }));
}

TEST(h2_websocket_endpoint, ends_one_device_with_the_end_or_the_reset_of_its_stream) {
  auto server = test_endpoint{};
  auto line = h2_caller{server.port()};
  auto finished = h2_websocket{line};
  auto finished_sink = server.next_sink();
  auto given_up = h2_websocket{line};
  auto given_up_sink = server.next_sink();
  auto other = h2_websocket{line};
  auto other_sink = server.next_sink();
  finished.send_frame(frame_type::hello, "last words");
  finished.finish();
  given_up.reset();
  ASSERT_TRUE(finished_sink && finished_sink->wait_closed());
  EXPECT_EQ(finished_sink->frames().size(), 1u);
  EXPECT_TRUE(finished.ends());
  ASSERT_TRUE(given_up_sink && given_up_sink->wait_closed());
  other.send_frame(frame_type::hello);
  ASSERT_TRUE(other_sink && other_sink->wait_frames(1));
  EXPECT_EQ(other_sink->times_closed(), 0);
  finished_sink->link.send(share("to nobody"));
  given_up_sink->link.close(nullptr, ec::kicked);
  EXPECT_EQ(line.fetch(h2_head("GET", "/")).status(), "200");
  EXPECT_EQ(finished_sink->times_closed() + given_up_sink->times_closed(), 2);
}

TEST(h2_websocket_endpoint, ends_all_devices_with_their_connection) {
  auto server = test_endpoint{};
  auto sinks = std::vector<std::shared_ptr<recording_sink>>{};
  {
    auto line = h2_caller{server.port()};
    for (auto i = 0; i < 3; ++i) {
      EXPECT_TRUE((h2_websocket{line}.opened()));
      sinks.push_back(server.next_sink());
    }
    line.stream().reset();
  }
  for (auto& sink : sinks) {
    ASSERT_TRUE(sink && sink->wait_closed());
    EXPECT_EQ(sink->times_closed(), 1);
    sink->link.send(share("to nobody"));
  }
  EXPECT_TRUE(eventually([&] { return server->stats().device_connections == 0; }));
}

TEST(h2_websocket_endpoint, says_with_the_close_code_what_the_close_frame_says) {
  auto server = test_endpoint{};
  auto line = h2_caller{server.port()};
  struct {
    ec why;
    unsigned code;
    std::string reason;
  } cases[] = {{ec::session_lost, 4001, "1005 session_lost"}, {ec::kicked, 4004, "4021 kicked"},
      {ec::going_away, 1001, "2000 going_away"}, {ec::none, 1000, ""}};
  for (auto& x : cases) {
    auto device = h2_websocket{line};
    auto sink = server.next_sink();
    ASSERT_TRUE(sink);
    sink->link.close(share(encode_frame(frame_type::close, "bye")), x.why);
    auto bye = device.read_frame();
    ASSERT_TRUE(bye);
    EXPECT_EQ(bye->body, "bye");
    auto last = device.read();
    ASSERT_TRUE(last);
    EXPECT_EQ(last->code(), x.code);
    EXPECT_EQ(last->payload.substr(2), x.reason);
    EXPECT_TRUE(device.ends());
    EXPECT_FALSE(device.answer().reset);
    device.finish();
  }
}

TEST(h2_websocket_endpoint, ends_devices_that_break_the_rules_and_no_others) {
  auto server = test_endpoint{{.max_frame = 1'000}};
  auto line = h2_caller{server.port()};
  auto good = h2_websocket{line};
  auto good_sink = server.next_sink();
  struct {
    std::string what;
    std::string bytes;
    ec device_code;
    unsigned ws_code;
  } cases[] = {
      {"not masked", std::string{"\x82\x01x", 3}, ec::bad_frame, 1002},
      {"text", masked(fin | text, "hello"), ec::bad_frame, 1003},
      {"a large message", masked(fin | binary, std::string(1'005, 'x')), ec::frame_too_large, 1009},
      {"bytes that are no frame", masked(fin | binary, std::string{"\0\0\0\1\1\0", 6}),
          ec::bad_frame, 4004},
  };
  for (auto& x : cases) {
    SCOPED_TRACE(x.what);
    auto device = h2_websocket{line};
    device.say(x.bytes);
    expect_end(device, x.device_code, x.ws_code);
    auto sink = server.next_sink();
    ASSERT_TRUE(sink && sink->wait_closed());
    EXPECT_EQ(sink->why(), x.device_code);
    device.finish();
  }
  good.send_frame(frame_type::hello);
  ASSERT_TRUE(good_sink && good_sink->wait_frames(1));
}

TEST(h2_websocket_endpoint, refuses_what_is_no_good_request_for_one) {
  auto server = test_endpoint{{.web_origins = {"https://shop.example.com"}}};
  auto line = h2_caller{server.port()};
  auto with = [](std::string protocol, std::string path, h2_headers more) {
    auto out = h2_headers{{":method", "CONNECT"}, {":protocol", std::move(protocol)},
        {":scheme", "https"}, {":authority", "x"}, {":path", std::move(path)}};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  };
  auto version = std::pair<std::string, std::string>{"sec-websocket-version", "13"};
  auto spoken = std::pair<std::string, std::string>{"sec-websocket-protocol", "shoal.1"};
  struct {
    std::string what;
    h2_headers head;
    std::string status;
  } cases[] = {
      {"another path", with("websocket", "/other", {version, spoken}), "404"},
      {"no version", with("websocket", "/v1/device", {spoken}), "400"},
      {"no subprotocol", with("websocket", "/v1/device", {version}), "400"},
      {"another subprotocol",
          with("websocket", "/v1/device", {version, {"sec-websocket-protocol", "mqtt"}}), "400"},
      {"another origin",
          with("websocket", "/v1/device", {version, spoken, {"origin", "https://evil.org"}}),
          "403"},
      {"another protocol", with("connect-udp", "/v1/device", {version, spoken}), "501"},
      {"an ordinary CONNECT", {{":method", "CONNECT"}, {":authority", "x:443"}}, "501"},
  };
  for (auto& x : cases) {
    SCOPED_TRACE(x.what);
    auto device = h2_websocket{line, x.head};
    EXPECT_EQ(device.answer().status(), x.status);
    EXPECT_EQ(device.answer().header("content-type"), "application/problem+json");
    EXPECT_EQ(device.answer().header("sec-websocket-version"), x.status == "400" ? "13" : "(none)");
  }
  EXPECT_EQ(server->stats().bad_requests, 7u);
  EXPECT_EQ(server->stats().websocket_connections, 0u);
  EXPECT_TRUE(
      (h2_websocket{line, h2_connect({spoken, {"origin", "https://shop.example.com"}})}.opened()));
}

TEST(h2_websocket_endpoint, shares_a_broadcast_with_other_devices) {
  auto server = test_endpoint{};
  auto plain = tls_client{server.port()};
  auto links = std::vector{server.next_sink()->link};
  auto line = h2_caller{server.port()};
  auto first = h2_websocket{line};
  links.push_back(server.next_sink()->link);
  auto second = h2_websocket{line};
  links.push_back(server.next_sink()->link);
  for (auto text : {"one", "two"})
    tls::send_all(links, share(encode_frame(frame_type::ops, text)));
  for (auto text : {"one", "two"}) {
    EXPECT_EQ(plain.read_frame()->body, text);
    EXPECT_EQ(first.read_frame()->body, text);
    EXPECT_EQ(second.read_frame()->body, text);
  }
}

TEST(h2_websocket_endpoint, closes_who_misses_the_heartbeat_or_says_no_hello) {
  auto server = test_endpoint{{.handshake_timeout = std::chrono::seconds{1}}};
  auto line = h2_caller{server.port()};
  auto mute = h2_websocket{line};
  auto mute_sink = server.next_sink();
  auto silent = h2_websocket{line};
  server.next_sink()->link.set_heartbeat(std::chrono::seconds{1});
  expect_end(mute, ec::handshake_timeout, 4001);
  expect_end(silent, ec::heartbeat_missed, 4001);
  EXPECT_EQ(server->stats().heartbeats_missed, 1u);
}

TEST(h2_websocket_endpoint, keeps_a_quiet_device_longer_than_a_quiet_connection) {
  auto server = test_endpoint{{.http_idle_timeout = std::chrono::seconds{1}}};
  auto line = h2_caller{server.port()};
  auto device = h2_websocket{line};
  auto sink = server.next_sink();
  ASSERT_TRUE(sink);
  sink->link.set_heartbeat(std::chrono::seconds{2}); // 3 s: by then the connection would be gone
  expect_end(device, ec::heartbeat_missed, 4001);
  device.finish();
  EXPECT_FALSE(line.talk_until([] { return false; })) << "and then it goes";
  EXPECT_FALSE(line.session().goodbyes.empty());
}

TEST(h2_websocket_endpoint, drains_with_a_last_frame_for_each) {
  auto server = test_endpoint{};
  auto line = h2_caller{server.port()};
  auto device = h2_websocket{line};
  ASSERT_TRUE(server.next_sink());
  auto drain = std::thread{[&] {
    server->drain([](std::size_t) { return share(encode_frame(frame_type::close, "bye")); },
        std::chrono::seconds{20});
  }};
  auto bye = device.read_frame();
  auto last = device.read();
  device.finish();
  EXPECT_FALSE(line.talk_until([] { return false; })) << "the connection ends";
  line.stream().close();
  drain.join();
  ASSERT_TRUE(bye && last);
  EXPECT_EQ(bye->body, "bye");
  EXPECT_EQ(last->code(), 1001u);
  EXPECT_FALSE(line.session().goodbyes.empty());
  EXPECT_EQ(server->stats().device_connections, 0u);
}

} // namespace
} // namespace shoal::test
