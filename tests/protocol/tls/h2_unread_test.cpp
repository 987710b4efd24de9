// Answers that nobody reads, on many HTTP/2 connections of one loop: together they have a bound,
// and whoever reads is served on.
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/tls/unread_room.hpp"
#include "tests/support/h2_caller.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

constexpr auto answer_size = 50'000u;

void answer_by_path(test_endpoint& server) {
  server.on_request = [](http::request x, http::responder answer) {
    answer({200, "text/plain", {}, x.path == "/large" ? std::string(answer_size, 'x') : "small"});
  };
}

TEST(h2_unread, all_connections_together_leave_no_more_lying_than_the_loop_allows) {
  constexpr auto most = 1'000'000u;
  auto server = test_endpoint{{.loops = 1, .max_http_unread = most}};
  answer_by_path(server);
  auto greedy = std::vector<std::unique_ptr<h2_caller>>{};
  auto taken = 0u, refused = 0u;
  for (auto i = 0; i < 10; ++i) {
    auto& x = *greedy.emplace_back(std::make_unique<h2_caller>(server.port(), 0, false));
    auto asked = std::vector<std::int32_t>{};
    for (auto n = 0; n < 10; ++n)
      asked.push_back(x.session().ask(h2_head("GET", "/large")));
    auto& answers = x.session().answers;
    ASSERT_TRUE(x.talk_until([&] { return !answers[asked.back()].statuses.empty(); }));
    for (auto id : asked)
      ++(answers[id].status() == "200" ? taken : refused);
  }
  EXPECT_GE(taken * answer_size, most / 2) << "half of it is anybody's";
  EXPECT_LE(taken * answer_size, most + greedy.size() * tls::reader_room);
  EXPECT_EQ(taken + refused, 100u);
  auto honest = h2_caller{server.port()};
  EXPECT_EQ(honest.fetch(h2_head("GET", "/small")).status(), "200");
  greedy.clear();
  EXPECT_TRUE(eventually([&] { return server->stats().http_connections == 1; }));
  EXPECT_EQ(honest.fetch(h2_head("GET", "/large")).body.size(), answer_size) << "there is room";
}

TEST(h2_unread, a_device_in_a_tunnel_that_does_not_read_is_sent_away_in_time) {
  auto server = test_endpoint{{.loops = 1, .max_http_unread = 200'000}};
  auto line = h2_caller{server.port(), 65'535, false};
  ASSERT_TRUE((h2_websocket{line}.opened()));
  auto slow = server.next_sink();
  ASSERT_TRUE((h2_websocket{line}.opened()));
  auto other = server.next_sink();
  ASSERT_TRUE(slow && other);
  auto bytes =
      std::make_shared<const std::string>(encode_frame(frame_type::ops, std::string(10'000, 'x')));
  for (auto i = 0; i < 100; ++i) // a million bytes: far less than `write_limit`
    slow->link.send(bytes);
  ASSERT_TRUE(slow->wait_closed());
  EXPECT_EQ(slow->why(), ec::slow_consumer);
  EXPECT_EQ(other->times_closed(), 0);
}

} // namespace
} // namespace shoal::test
