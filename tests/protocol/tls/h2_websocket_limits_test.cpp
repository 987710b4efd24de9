// What devices in WebSockets over HTTP/2 may take from each other and from the endpoint: little.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/h2_caller.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

using namespace ws;

TEST(h2_websocket_limits, refuses_more_devices_than_one_connection_or_the_endpoint_may_have) {
  auto server = test_endpoint{};
  auto line = h2_caller{server.port()};
  for (auto i = 0; i < 32; ++i)
    ASSERT_TRUE((h2_websocket{line}.opened())) << i;
  EXPECT_EQ((h2_websocket{line}.answer().status()), "503");
  EXPECT_EQ(line.fetch(h2_head("GET", "/")).status(), "200");
  auto small = test_endpoint{{.loops = 1, .max_connections = 2}};
  auto other = h2_caller{small.port()};
  EXPECT_TRUE((h2_websocket{other}.opened()));
  EXPECT_EQ((h2_websocket{other}.answer().status()), "503");
}

TEST(h2_websocket_limits, holds_back_a_device_whose_sink_does_not_keep_up_and_nobody_else) {
  auto server = test_endpoint{{.unhandled_frames = 8}};
  auto line = h2_caller{server.port()};
  auto device = h2_websocket{line};
  auto sink = server.next_sink();
  auto bytes = std::string{};
  for (auto i = 0; i < 1'000; ++i)
    bytes += masked(fin | binary, encode_frame(frame_type::ack, std::to_string(i)));
  device.say(bytes);
  ASSERT_TRUE(sink && sink->wait_frames(8));
  auto other = h2_websocket{line};
  auto other_sink = server.next_sink();
  other.send_frame(frame_type::hello);
  ASSERT_TRUE(other_sink && other_sink->wait_frames(1));
  EXPECT_EQ(line.fetch(h2_head("GET", "/")).status(), "200");
  EXPECT_EQ(sink->frames().size(), 8u);
  for (auto got = std::size_t{8}; got < 1'000; got = sink->frames().size()) {
    sink->link.consumed(4);
    ASSERT_TRUE(sink->wait_frames(std::min<std::size_t>(got + 4, 1'000)));
  }
  auto frames = sink->frames();
  for (auto i = 0; i < 1'000; ++i)
    ASSERT_EQ(frames[static_cast<std::size_t>(i)].body, std::to_string(i));
}

TEST(h2_websocket_limits, takes_no_more_from_a_flood_than_a_window) {
  auto server = test_endpoint{{.unhandled_frames = 8}};
  auto line = h2_caller{server.port()};
  auto device = h2_websocket{line};
  auto sink = server.next_sink();
  auto one = masked(fin | binary, encode_frame(frame_type::ack, std::string(10'000, 'x')));
  auto all = std::string{};
  for (auto i = 0; i < 400; ++i)
    all += one;
  device.say(all);
  ASSERT_TRUE(sink && sink->wait_frames(8));
  for (auto i = 0; i < 5; ++i) // a round trip each: what may be said has been said
    EXPECT_EQ(line.fetch(h2_head("GET", "/")).status(), "200");
  EXPECT_GT(line.session().unsaid(device.id()), 3'000'000u);
  EXPECT_EQ(sink->frames().size(), 8u);
  for (auto i = 0; i < 10'000 && sink->frames().size() < 400; ++i) {
    sink->link.consumed(8);
    line.fetch(h2_head("GET", "/")); // hears of the wider window
    ASSERT_EQ(sink->times_closed(), 0);
  }
  EXPECT_EQ(sink->frames().size(), 400u);
  EXPECT_EQ(line.session().unsaid(device.id()), 0u);
}

TEST(h2_websocket_limits, ends_a_slow_consumer_and_not_its_connection) {
  auto server = test_endpoint{{.write_limit = 256 * 1024}};
  server.on_request = [](http::request, http::responder answer) { answer({204, "", {}, ""}); };
  auto line = h2_caller{server.port(), 65'535, false};
  auto slow = h2_websocket{line};
  auto slow_sink = server.next_sink();
  ASSERT_TRUE((h2_websocket{line}.opened()));
  auto other_sink = server.next_sink();
  ASSERT_TRUE(slow_sink && other_sink);
  auto bytes =
      std::make_shared<const std::string>(encode_frame(frame_type::ops, std::string(10'000, 'x')));
  for (auto sent = 0; slow_sink->times_closed() == 0 && sent < 5'000; ++sent)
    slow_sink->link.send(bytes);
  ASSERT_TRUE(slow_sink->wait_closed());
  EXPECT_EQ(slow_sink->why(), ec::slow_consumer);
  EXPECT_EQ(server->stats().slow_consumers, 1u);
  EXPECT_TRUE(line.talk_until([&] { return slow.answer().reset; })) << "it has had its time";
  EXPECT_EQ(line.fetch(h2_head("GET", "/")).status(), "204");
  EXPECT_EQ(other_sink->times_closed(), 0);
}

} // namespace
} // namespace shoal::test
