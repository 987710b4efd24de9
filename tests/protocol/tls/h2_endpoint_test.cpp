#include <cstdio>
#include <future>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/h2_caller.hpp"
#include "tests/support/test_endpoint.hpp"

namespace shoal::test {
namespace {

using caller = h2_caller;

TEST(h2_endpoint, is_chosen_by_alpn) {
  auto server = test_endpoint{};
  EXPECT_EQ((tls_client{server.port(), {.alpn = {"http/1.1", "h2"}}}.alpn()), "h2");
  EXPECT_EQ((tls_client{server.port(), {.alpn = {"h2", "shoal/1"}}}.alpn()), "shoal/1");
}

TEST(h2_endpoint, answers_on_the_same_port) {
  auto server = test_endpoint{};
  auto x = caller{server.port()};
  for (auto i = 0; i < 3; ++i)
    EXPECT_EQ(x.fetch(h2_head("POST", "/a?b=c"), "body").body, "POST /a?b=c\nbody");
  EXPECT_EQ(server->stats().http_requests, 3u);
  EXPECT_EQ(server->stats().http_connections, 1u);
  EXPECT_EQ(server->stats().bad_requests, 0u);
}

TEST(h2_endpoint, tells_the_handler_who_asks) {
  auto server = test_endpoint{};
  server.on_request = [](http::request x, http::responder answer) {
    answer({200, "text/plain", {}, x.peer});
  };
  auto x = caller{server.port()};
  EXPECT_TRUE(x.fetch(h2_head("GET", "/")).body.starts_with("127.0.0.1:"));
}

TEST(h2_endpoint, lets_a_fast_answer_overtake_a_slow_one) {
  auto server = test_endpoint{};
  auto held = http::responder{};
  server.on_request = [&](http::request x, http::responder answer) {
    if (x.path == "/slow")
      held = std::move(answer);
    else
      answer({200, "text/plain", {}, "fast"});
  };
  auto x = caller{server.port()};
  auto slow = x.session().ask(h2_head("GET", "/slow"));
  EXPECT_EQ(x.fetch(h2_head("GET", "/fast")).body, "fast");
  EXPECT_FALSE(x.session().answers[slow].whole);
  held({200, "text/plain", {}, "slow"});
  EXPECT_TRUE(x.talk_until([&] { return x.session().answers[slow].whole; }));
}

TEST(h2_endpoint, moves_large_bodies_both_ways) {
  auto server = test_endpoint{};
  auto x = caller{server.port()};
  auto body = std::string(5'000'000, 'x');
  EXPECT_EQ(x.fetch(h2_head("POST", "/"), body).body, "POST /?\n" + body);
}

TEST(h2_endpoint, answers_500_for_a_handler_that_throws) {
  auto server = test_endpoint{};
  server.on_request = [](http::request, http::responder) { throw std::runtime_error{"no"}; };
  auto x = caller{server.port()};
  EXPECT_EQ(x.fetch(h2_head("GET", "/")).status(), "500");
}

TEST(h2_endpoint, drops_who_does_not_read) {
  auto server = test_endpoint{{.http_idle_timeout = std::chrono::seconds{1}}};
  server.on_request = [](http::request, http::responder answer) {
    answer({200, "text/plain", {}, std::string(1'000'000, 'x')});
  };
  auto x = caller{server.port(), 0};
  auto id = x.session().ask(h2_head("GET", "/"));
  EXPECT_FALSE(x.talk_until([&] { return x.session().answers[id].whole; }));
}

TEST(h2_endpoint, closes_a_connection_without_requests) {
  auto server = test_endpoint{{.http_idle_timeout = std::chrono::seconds{1}}};
  auto x = caller{server.port()};
  EXPECT_FALSE(x.talk_until([] { return false; }));
  ASSERT_FALSE(x.session().goodbyes.empty());
  EXPECT_EQ(x.session().goodbyes.back().first, 0u);
}

TEST(h2_endpoint, ends_a_flood_and_serves_others) {
  auto server = test_endpoint{};
  auto bad = caller{server.port()};
  auto flood = std::string{};
  for (auto i = 0; i < 1'000; ++i)
    flood += h2_frame(6, 0, 0, "12345678");
  bad.stream().send(bad.session().take());
  bad.stream().send(flood);
  EXPECT_FALSE(bad.talk_until([] { return false; }));
  ASSERT_FALSE(bad.session().goodbyes.empty());
  EXPECT_EQ(bad.session().goodbyes.back().first, 11u);
  auto good = caller{server.port()};
  EXPECT_EQ(good.fetch(h2_head("GET", "/")).status(), "200");
  EXPECT_EQ(server->stats().bad_requests, 1u);
}

TEST(h2_endpoint, answers_what_is_under_way_before_it_drains) {
  auto server = test_endpoint{};
  auto asked = std::promise<http::responder>{};
  server.on_request = [&](http::request, http::responder answer) { asked.set_value(answer); };
  auto x = caller{server.port()};
  auto id = x.session().ask(h2_head("GET", "/"));
  x.stream().send(x.session().take());
  auto answer = asked.get_future().get();
  auto drain = std::thread{[&] { server->drain({}, std::chrono::seconds{20}); }};
  EXPECT_TRUE(x.talk_until([&] { return !x.session().goodbyes.empty(); }));
  answer({200, "text/plain", {}, "last"});
  EXPECT_TRUE(x.talk_until([&] { return x.session().answers[id].whole; }));
  EXPECT_EQ(x.session().answers[id].body, "last");
  EXPECT_FALSE(x.talk_until([] { return false; }));
  x.stream().close();
  drain.join();
}

TEST(h2_endpoint, is_understood_by_curl) {
  auto server = test_endpoint{};
  auto command =
      "curl -q -sk --noproxy '*' --http2 --max-time 20 -d body -w ' %{http_version} %{http_code}' "
      "'https://127.0.0.1:" +
      std::to_string(server.port()) + "/a?b=c' 2>&1";
  auto* pipe = ::popen(command.c_str(), "r");
  ASSERT_TRUE(pipe);
  auto out = std::string(1024, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), pipe));
  EXPECT_EQ(::pclose(pipe), 0);
  EXPECT_EQ(out, "POST /a?b=c\nbody 2 200");
}

} // namespace
} // namespace shoal::test
