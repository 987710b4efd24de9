// Answers that nobody reads, on many HTTP/1.1 connections of one loop, have a bound together.
#include <atomic>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/test_endpoint.hpp"
#include "tests/support/tls_client.hpp"

namespace shoal::test {
namespace {

constexpr auto large = 16'000'000u; // more than the sockets of one connection take
constexpr auto most = 2 * large + large / 2;

constexpr std::string_view ask_large = "GET /large HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view ask_small = "GET /small HTTP/1.1\r\nHost: h\r\n\r\n";

client_options reader_of(int receive_buffer) {
  return {.alpn = {"http/1.1"}, .receive_buffer = receive_buffer};
}

TEST(http_unread, all_connections_together_leave_no_more_lying_than_the_loop_allows) {
  auto server = test_endpoint{{.loops = 1, .max_http_body = large, .max_http_unread = most}};
  auto asked = std::atomic<unsigned>{0};
  server.on_request = [&](http::request x, http::responder answer) {
    answer({200, "text/plain", {}, x.path == "/large" ? std::string(large, 'x') : "small"});
    ++asked;
  };
  auto greedy = std::vector<std::unique_ptr<tls_client>>{};
  for (auto i = 1u; i <= 2; ++i) {
    greedy.push_back(std::make_unique<tls_client>(server.port(), reader_of(4'096)));
    greedy.back()->send(ask_large);
    ASSERT_TRUE(eventually([&] { return asked == i; }));
  }
  auto late = tls_client{server.port(), reader_of(4'096)};
  EXPECT_EQ(late.ask(ask_large).status, 503) << "answers of others lie";
  auto honest = tls_client{server.port(), reader_of(0)};
  EXPECT_EQ(honest.ask(ask_small).status, 200) << "who reads is served";
  greedy.clear();
  ASSERT_TRUE(eventually([&] { return server->stats().http_connections == 1; }));
  EXPECT_EQ(honest.ask(ask_large).body.size(), large) << "there is room again";
}

} // namespace
} // namespace shoal::test
