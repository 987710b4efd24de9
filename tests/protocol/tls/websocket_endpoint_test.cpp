#include <thread>

#include <gtest/gtest.h>

#include "protocol/device.pb.h"
#include "tests/support/device_frames.hpp"
#include "tests/support/test_endpoint.hpp"
#include "tests/support/ws_client.hpp"

namespace shoal::test {
namespace {

using namespace ws;

/// How the server ends it: its Close frame, then the WebSocket's close code, then nothing.
void expect_end(ws_client& x, ec device_code, unsigned ws_code) {
  EXPECT_EQ(close_code(x.read_frame()), device_code);
  auto last = x.read();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->opcode, close_);
  EXPECT_EQ(last->code(), ws_code);
  EXPECT_EQ(x.stream.read_to_end(), "");
}

TEST(websocket_endpoint, carries_the_device_protocol_in_binary_messages) {
  auto server = test_endpoint{};
  auto client = ws_client{server.port()};
  ASSERT_TRUE(client.upgraded()) << client.head;
  EXPECT_NE(client.head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
      std::string::npos);
  EXPECT_NE(client.head.find("Sec-WebSocket-Protocol: shoal.1\r\n"), std::string::npos);
  client.send_frame(frame_type::hello, "abc");
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(1));
  EXPECT_EQ(sink->frames()[0].type, frame_type::hello);
  EXPECT_EQ(sink->frames()[0].body, "abc");
  sink->link.send(share(encode_frame(frame_type::welcome, "def")));
  auto answer = client.read_frame();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, frame_type::welcome);
  EXPECT_EQ(answer->body, "def");
  EXPECT_EQ(server->stats().websocket_connections, 1u);
  EXPECT_EQ(server->stats().device_connections, 1u);
  EXPECT_TRUE(eventually([&] { return server->stats().http_connections == 0; }));
}

TEST(websocket_endpoint, takes_frames_wherever_messages_and_fragments_begin_and_end) {
  auto server = test_endpoint{};
  auto client = ws_client{server.port()};
  auto bytes = encode_frame(frame_type::hello, "one") + encode_frame(frame_type::ack, "two") +
               encode_frame(frame_type::ack, std::string(60'000, 'x'));
  client.send(fin | binary, std::string_view{bytes}.substr(0, 12));
  client.send(binary, std::string_view{bytes}.substr(12, 1));
  client.send(fin | ping, "between fragments");
  client.send(more, "");
  client.send(fin | more, std::string_view{bytes}.substr(13, 1'000));
  client.send(fin | binary, "");
  client.send(fin | binary, std::string_view{bytes}.substr(1'013));
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(3));
  EXPECT_EQ(sink->frames()[0].body, "one");
  EXPECT_EQ(sink->frames()[1].body, "two");
  EXPECT_EQ(sink->frames()[2].body, std::string(60'000, 'x'));
  auto answer = client.read();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->opcode, pong);
  EXPECT_EQ(answer->payload, "between fragments");
}

TEST(websocket_endpoint, takes_the_first_message_with_the_request) {
  auto server = test_endpoint{};
  auto client = ws_client{server.port(), {.alpn = {"http/1.1"}},
      ws_request() + masked(fin | binary, encode_frame(frame_type::hello, "early"))};
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(1));
  EXPECT_EQ(sink->frames()[0].body, "early");
}

TEST(websocket_endpoint, takes_over_after_requests_of_the_same_connection) {
  auto server = test_endpoint{};
  server.reaction = echo;
  auto plain = std::string{"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"};
  auto client = ws_client{server.port(), {.alpn = {"http/1.1"}}, plain};
  EXPECT_TRUE(client.head.starts_with("HTTP/1.1 200 "));
  client.stream.send(plain + ws_request() +
                     masked(fin | binary, encode_frame(frame_type::hello, "behind another")));
  auto all = std::string{};
  while (all.find("behind another") == std::string::npos) {
    auto bytes = client.stream.read_some();
    ASSERT_FALSE(bytes.empty()) << all;
    all += bytes;
  }
  EXPECT_NE(all.find("HTTP/1.1 101 "), std::string::npos);
  EXPECT_LT(all.find("HTTP/1.1 200 "), all.find("HTTP/1.1 101 "));
}

TEST(websocket_endpoint, answers_the_pings_of_both_protocols_without_the_sink) {
  auto server = test_endpoint{};
  auto client = ws_client{server.port()};
  auto sink = server.next_sink();
  ASSERT_TRUE(sink);
  sink->link.send(share(encode_frame(frame_type::welcome, "")));
  ASSERT_TRUE(client.read_frame());
  auto asked = wire::Ping{};
  asked.set_number(7);
  client.send_frame(frame_type::ping, asked.SerializeAsString());
  client.send(fin | ping, "x");
  auto answer = client.read_frame();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, frame_type::pong);
  EXPECT_EQ(client.read()->opcode, pong);
  client.send(fin | pong, "unasked");
  client.send_frame(frame_type::ping, asked.SerializeAsString());
  EXPECT_TRUE(client.read_frame());
  EXPECT_TRUE(sink->frames().empty());
}

TEST(websocket_endpoint, answers_a_close_with_the_same_code_and_tells_the_sink) {
  auto server = test_endpoint{};
  auto client = ws_client{server.port()};
  auto sink = server.next_sink();
  client.send(fin | close_, "\x03\xe9");
  auto last = client.read();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->opcode, close_);
  EXPECT_EQ(last->code(), 1001u);
  EXPECT_EQ(client.stream.read_to_end(), "");
  ASSERT_TRUE(sink && sink->wait_closed());
  EXPECT_EQ(sink->why(), ec::none);
  EXPECT_EQ(sink->times_closed(), 1);
}

TEST(websocket_endpoint, says_with_the_close_code_what_the_close_frame_says) {
  auto server = test_endpoint{};
  struct {
    ec why;
    unsigned code;
    std::string reason;
  } cases[] = {{ec::session_lost, 4001, "1005 session_lost"},
      {ec::overloaded, 4002, "2001 overloaded"}, {ec::bad_position, 4003, "3001 bad_position"},
      {ec::kicked, 4004, "4021 kicked"}, {ec::going_away, 1001, "2000 going_away"},
      {ec::none, 1000, ""}};
  for (auto& x : cases) {
    auto client = ws_client{server.port()};
    auto sink = server.next_sink();
    ASSERT_TRUE(sink);
    sink->link.close(share(encode_frame(frame_type::close, "bye")), x.why);
    EXPECT_EQ(client.read_frame()->body, "bye");
    auto last = client.read();
    ASSERT_TRUE(last);
    EXPECT_EQ(last->code(), x.code);
    EXPECT_EQ(last->payload.substr(2), x.reason);
    EXPECT_EQ(client.stream.read_to_end(), "");
  }
}

TEST(websocket_endpoint, refuses_clients_that_break_the_rules) {
  auto server = test_endpoint{{.max_frame = 1'000}};
  auto small = std::string(600, 'x');
  struct {
    std::string what;
    std::string bytes;
    ec device_code;
    unsigned ws_code;
  } cases[] = {
      {"not masked", std::string{"\x82\x01x", 3}, ec::bad_frame, 1002},
      {"a reserved bit", masked(0xc0 | binary, "x"), ec::bad_frame, 1002},
      {"an unknown opcode", masked(fin | 3, "x"), ec::bad_frame, 1002},
      {"a ping in pieces", masked(ping, "x"), ec::bad_frame, 1002},
      {"a huge ping", masked(fin | ping, std::string(126, 'x')), ec::bad_frame, 1002},
      {"a continuation of nothing", masked(fin | more, "x"), ec::bad_frame, 1002},
      {"a message in a message", masked(binary, "x") + masked(fin | binary, "x"), ec::bad_frame,
          1002},
      {"a long spelling of a short length", masked(fin | binary, "x", 8), ec::bad_frame, 1002},
      {"text", masked(fin | text, "hello"), ec::bad_frame, 1003},
      {"text that is none", masked(fin | text, "\xff"), ec::bad_frame, 1007},
      {"a close without a code", masked(fin | close_, "x"), ec::bad_frame, 1002},
      {"an announced giant", std::string{"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask", 14},
          ec::frame_too_large, 1009},
      {"a large message", masked(fin | binary, std::string(1'005, 'x')), ec::frame_too_large, 1009},
      {"fragments that add up", masked(binary, small) + masked(more, small), ec::frame_too_large,
          1009},
      {"a large frame", masked(fin | binary, std::string{"\0\0\3\xe9", 4}), ec::frame_too_large,
          1009},
      {"bytes that are no frame", masked(fin | binary, std::string{"\0\0\0\1\1\0", 6}),
          ec::bad_frame, 4004},
  };
  for (auto& x : cases) {
    SCOPED_TRACE(x.what);
    auto client = ws_client{server.port()};
    client.send_frame(frame_type::hello, "first");
    client.stream.send(x.bytes);
    expect_end(client, x.device_code, x.ws_code);
    auto sink = server.next_sink();
    ASSERT_TRUE(sink && sink->wait_closed());
    EXPECT_EQ(sink->why(), x.device_code);
    EXPECT_EQ(sink->frames().size(), 1u);
  }
}

TEST(websocket_endpoint, takes_a_message_of_the_largest_frame) {
  auto server = test_endpoint{{.max_frame = 1'000}};
  auto client = ws_client{server.port()};
  client.send_frame(frame_type::hello, std::string(998, 'x'));
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(1));
  EXPECT_EQ(sink->frames()[0].body.size(), 998u);
}

TEST(websocket_endpoint, is_not_kept_open_by_fragments_without_end) {
  auto server = test_endpoint{{.handshake_timeout = std::chrono::seconds{1}}};
  auto client = ws_client{server.port()};
  client.send(binary, "");
  // The socket's own timeout keeps the pace without a sleep.
  auto wait = timeval{0, 50'000};
  ::setsockopt(client.stream.fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  auto sink = server.next_sink();
  for (auto i = 0; i < 400 && sink->times_closed() == 0; ++i) {
    client.send(more, "");
    client.stream.read_some();
  }
  ASSERT_TRUE(sink->wait_closed());
  EXPECT_EQ(sink->why(), ec::handshake_timeout);
}

TEST(websocket_endpoint, stops_reading_when_the_sink_does_not_keep_up) {
  auto server = test_endpoint{{.unhandled_frames = 8}};
  auto client = ws_client{server.port()};
  auto bytes = std::string{};
  for (auto i = 0; i < 1'000; ++i)
    bytes += masked(fin | binary, encode_frame(frame_type::ack, std::to_string(i)));
  client.stream.send(bytes);
  auto sink = server.next_sink();
  ASSERT_TRUE(sink && sink->wait_frames(8));
  for (auto i = 0; i < 4; ++i) // a round trip on each loop: they are not just late
    EXPECT_TRUE((ws_client{server.port()}.upgraded()));
  EXPECT_EQ(sink->frames().size(), 8u);
  for (auto got = std::size_t{8}; got < 1'000; got = sink->frames().size()) {
    sink->link.consumed(4);
    ASSERT_TRUE(sink->wait_frames(std::min<std::size_t>(got + 4, 1'000)));
  }
  auto frames = sink->frames();
  for (auto i = 0; i < 1'000; ++i)
    ASSERT_EQ(frames[static_cast<std::size_t>(i)].body, std::to_string(i));
}

TEST(websocket_endpoint, ends_a_slow_consumer_with_whole_messages) {
  auto server = test_endpoint{{.write_limit = 256 * 1024}};
  auto slow = ws_client{server.port(), {.alpn = {"http/1.1"}, .receive_buffer = 4096}};
  auto sink = server.next_sink();
  ASSERT_TRUE(sink);
  auto bytes = share(encode_frame(frame_type::ops, std::string(10'000, 'x')));
  for (auto sent = 0; sink->times_closed() == 0 && sent < 5'000; ++sent)
    sink->link.send(bytes);
  ASSERT_TRUE(sink->wait_closed());
  EXPECT_EQ(sink->why(), ec::slow_consumer);
  auto x = slow.read_frame();
  for (; x && x->type == frame_type::ops; x = slow.read_frame())
    ASSERT_EQ(x->body.size(), 10'000u);
  EXPECT_EQ(close_code(x), ec::slow_consumer);
  EXPECT_EQ(slow.read()->code(), 4001u);
}

TEST(websocket_endpoint, ends_who_pings_without_reading_the_answers) {
  auto server = test_endpoint{{.write_limit = 16 * 1024}};
  auto client = ws_client{server.port(), {.alpn = {"http/1.1"}, .receive_buffer = 4096}};
  auto sink = server.next_sink();
  ASSERT_TRUE(sink);
  auto bytes = std::string{};
  for (auto i = 0; i < 1'000; ++i)
    bytes += masked(fin | ping, std::string(125, 'x'));
  for (auto i = 0; i < 1'000 && sink->times_closed() == 0; ++i)
    client.stream.send(bytes);
  ASSERT_TRUE(sink->wait_closed());
  EXPECT_EQ(sink->why(), ec::slow_consumer);
}

TEST(websocket_endpoint, shares_a_broadcast_with_devices_on_tls) {
  auto server = test_endpoint{};
  auto plain = tls_client{server.port()};
  auto links = std::vector{server.next_sink()->link};
  auto first = ws_client{server.port()};
  links.push_back(server.next_sink()->link);
  auto second = ws_client{server.port()};
  links.push_back(server.next_sink()->link);
  for (auto text : {"one", "two"})
    tls::send_all(links, share(encode_frame(frame_type::ops, text)));
  for (auto text : {"one", "two"}) {
    EXPECT_EQ(plain.read_frame()->body, text);
    EXPECT_EQ(first.read_frame()->body, text);
    EXPECT_EQ(second.read_frame()->body, text);
  }
}

TEST(websocket_endpoint, closes_who_misses_the_heartbeat_or_says_no_hello) {
  auto server = test_endpoint{{.handshake_timeout = std::chrono::seconds{1}}};
  auto mute = ws_client{server.port()};
  auto mute_sink = server.next_sink();
  auto silent = ws_client{server.port()};
  server.next_sink()->link.set_heartbeat(std::chrono::seconds{1});
  expect_end(mute, ec::handshake_timeout, 4001);
  expect_end(silent, ec::heartbeat_missed, 4001);
  EXPECT_EQ(server->stats().heartbeats_missed, 1u);
}

TEST(websocket_endpoint, drains_with_a_last_frame_for_each) {
  auto server = test_endpoint{};
  auto client = ws_client{server.port()};
  ASSERT_TRUE(server.next_sink());
  auto drain = std::thread{[&] {
    server->drain([](std::size_t) { return share(encode_frame(frame_type::close, "bye")); },
        std::chrono::seconds{20});
  }};
  EXPECT_EQ(client.read_frame()->body, "bye");
  EXPECT_EQ(client.read()->code(), 1001u);
  EXPECT_EQ(client.stream.read_to_end(), "");
  client.stream.close();
  drain.join();
  EXPECT_EQ(server->stats().device_connections, 0u);
  EXPECT_EQ(server->stats().websocket_connections, 0u);
}

TEST(websocket_endpoint, refuses_what_is_no_good_upgrade_with_a_problem_and_closes) {
  auto server = test_endpoint{};
  struct {
    std::string what;
    std::string request;
    int status;
  } cases[] = {
      {"a plain request", "GET /v1/device HTTP/1.1\r\nHost: x\r\n\r\n", 426},
      {"HTTP/1.0", "GET /v1/device HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
          505},
      {"no protocol", ws_request("", "/v1/device", ""), 400},
      {"another protocol", ws_request("", "/v1/device", "mqtt"), 400},
      {"a body", ws_request("Content-Length: 1\r\n") + "x", 400},
  };
  for (auto& x : cases) {
    SCOPED_TRACE(x.what);
    auto client = tls_client{server.port(), {.alpn = {"http/1.1"}}};
    auto answer = client.ask(x.request);
    EXPECT_EQ(answer.status, x.status);
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(answer.head.find("Sec-WebSocket-Version: 13") != std::string::npos, x.status == 426);
  }
  EXPECT_EQ(server->stats().bad_requests, 5u);
  EXPECT_EQ(server->stats().websocket_connections, 0u);
}

TEST(websocket_endpoint, leaves_upgrades_of_other_paths_to_the_handler) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port(), {.alpn = {"http/1.1"}}};
  EXPECT_EQ(client.ask(ws_request("", "/v1/other")).status, 200);
}

TEST(websocket_endpoint, lets_pages_of_listed_origins_in_and_who_is_no_page) {
  auto server = test_endpoint{{.web_origins = {"https://shop.example.com"}}};
  auto status_of = [&](const std::string& headers) {
    auto client = tls_client{server.port(), {.alpn = {"http/1.1"}}};
    return client.ask(ws_request(headers)).status;
  };
  EXPECT_EQ(status_of("Origin: https://shop.example.com\r\n"), 101);
  EXPECT_EQ(status_of(""), 101);
  EXPECT_EQ(status_of("Origin: https://shop.example.com.evil.org\r\n"), 403);
  EXPECT_EQ(status_of("Origin: http://shop.example.com\r\n"), 403);
  EXPECT_EQ(status_of("Origin: null\r\n"), 403);
  auto open = test_endpoint{};
  auto anybody = ws_client{
      open.port(), {.alpn = {"http/1.1"}}, ws_request("Origin: https://anybody.example\r\n")};
  EXPECT_TRUE(anybody.upgraded());
}

TEST(websocket_endpoint, offers_no_websockets_where_no_devices_are_heard) {
  auto dir = temp_dir{};
  auto options = tls::endpoint_options{.tls = false};
  auto handlers = tls::endpoint_handlers{};
  handlers.on_request = [](auto, auto answer) { answer({404, "text/plain", {}, ""}); };
  auto admin = tls::endpoint{options, std::move(handlers)};
  EXPECT_EQ((tls_client{admin.port(), {.tls = false}}.ask(ws_request()).status), 404);
}

TEST(websocket_endpoint, serves_others_while_many_keep_half_a_message_back) {
  auto server = test_endpoint{{.loops = 1}};
  auto body = std::string(60'000, 'x');
  auto clients = std::vector<std::unique_ptr<ws_client>>{};
  for (auto i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<ws_client>(server.port()));
    clients.back()->send(binary, body); // and never the rest
  }
  auto good = ws_client{server.port()};
  good.send_frame(frame_type::hello, "good");
  auto last = std::shared_ptr<recording_sink>{};
  for (auto i = 0; i < 51; ++i)
    last = server.next_sink();
  ASSERT_TRUE(last && last->wait_frames(1));
  for (auto& x : clients) {
    x->send(more, body);
    expect_end(*x, ec::frame_too_large, 1009);
  }
}

} // namespace
} // namespace shoal::test
