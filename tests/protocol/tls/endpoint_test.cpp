#include <gtest/gtest.h>

#include "protocol/device.pb.h"
#include "protocol/tls/endpoint.hpp"
#include "tests/support/test_endpoint.hpp"
#include "tests/support/tls_client.hpp"

namespace shoal::test {
namespace {

constexpr std::string_view get = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";

shared_bytes share(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

client_options http_client() { return {.alpn = {"http/1.1"}}; }

TEST(endpoint, gives_frames_to_the_sink_and_sends_what_the_link_is_told) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port()};
  ASSERT_TRUE(client.connected());
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
}

TEST(endpoint, answers_http_on_the_same_port) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port(), http_client()};
  EXPECT_EQ(client.alpn(), "http/1.1");
  for (auto i = 0; i < 3; ++i) {
    auto answer = client.ask(get);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "GET /a?b=c\n");
  }
  EXPECT_EQ(server->stats().http_requests, 3u);
  EXPECT_EQ(server->stats().handshakes, 1u);
}

TEST(endpoint, answers_pings_without_the_sink) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port()};
  auto ping = wire::Ping{};
  ping.set_number(7);
  client.send_frame(frame_type::ping, ping.SerializeAsString());
  auto answer = client.read_frame();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, frame_type::pong);
  auto pong = wire::Pong{};
  ASSERT_TRUE(pong.ParseFromString(answer->body));
  EXPECT_EQ(pong.number(), 7u);
  EXPECT_GT(pong.server_time_ms(), 1'700'000'000'000);
  EXPECT_TRUE(server.next_sink()->frames().empty());
}

TEST(endpoint, closes_a_link_after_its_last_frame) {
  auto server = test_endpoint{};
  auto client = tls_client{server.port()};
  auto sink = server.next_sink();
  ASSERT_TRUE(sink);
  sink->link.close(share(encode_frame(frame_type::close, "bye")), ec::kicked);
  auto last = client.read_frame();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->body, "bye");
  EXPECT_FALSE(client.read_frame());
  ASSERT_TRUE(sink->wait_closed());
  EXPECT_EQ(sink->why(), ec::kicked);
}

} // namespace
} // namespace shoal::test
