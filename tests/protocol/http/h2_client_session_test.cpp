// Our client against our server, both without sockets, and against frames by hand.
#include <gmock/gmock.h>

#include "protocol/http/h2_client_session.hpp"
#include "protocol/http/h2_session.hpp"
#include "tests/support/h2_client.hpp"

namespace shoal::test {
namespace {

using http::h2_client_session;
using fate = h2_client_session::fate;

std::string post(const std::string& path, const std::string& body, const std::string& more = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: orders:80\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string settings(std::string_view payload = {}) { return h2_frame(4, 0, 0, payload); }

/// HEADERS with all of its fields; `end`: of the stream as well.
std::string head(std::uint32_t stream, const std::string& fields, bool end = false) {
  return h2_frame(1, end ? 5 : 4, stream, fields);
}

std::string number(std::uint32_t x) {
  auto out = std::string{};
  for (auto shift : {24, 16, 8, 0})
    out += static_cast<char>(x >> shift & 0xff);
  return out;
}

class H2ClientSession : public testing::Test {
protected:
  /// The one event that there is.
  h2_client_session::event only() {
    EXPECT_TRUE(client.has_event());
    auto out = client.has_event() ? client.take() : h2_client_session::event{};
    EXPECT_FALSE(client.has_event());
    return out;
  }

  std::string sent() {
    auto out = std::string{};
    client.produce(out, 1 << 20);
    return out;
  }

  h2_client_session client{http::h2_client_limits{3, 100, {1024, 10, 1'000'000}}, true};
};

/// Carries bytes to and fro until nobody has any.
void talk(h2_client_session& client, http::h2_session& server,
    const std::function<http::response(const http::request&)>& handler) {
  for (auto busy = true; busy;) {
    auto to_server = std::string{}, to_client = std::string{};
    client.produce(to_server, 1 << 20);
    server.feed(to_server, 0);
    while (server.has_request()) {
      auto x = server.take();
      server.answer(x.stream, handler(x.what));
    }
    server.produce(to_client, 1 << 20);
    EXPECT_TRUE(client.feed(to_client));
    busy = !to_server.empty() || !to_client.empty();
  }
}

TEST_F(H2ClientSession, ARequestArrivesAsItWasWritten) {
  auto server = http::h2_session{http::h2_limits{}};
  auto request = post("/a/b?c=d", "body",
      "X-One: 1\r\nConnection: close\r\nKeep-Alive: 5\r\nTE: gzip\r\nCookie: a=b\r\n");
  auto stream = client.ask(request);
  talk(client, server, [](const http::request& x) {
    EXPECT_EQ(x.method, "POST");
    EXPECT_EQ(x.path, "/a/b");
    EXPECT_EQ(x.query, "c=d");
    EXPECT_EQ(x.header("host"), "orders:80");
    EXPECT_EQ(x.header("x-one"), "1");
    EXPECT_EQ(x.header("cookie"), "a=b");
    EXPECT_EQ(x.header("connection"), "");
    EXPECT_EQ(x.header("te"), "");
    EXPECT_EQ(x.body, "body");
    return http::response{201, "text/plain", {{"X-Two", "2"}}, "made"};
  });
  auto x = only();
  EXPECT_EQ(x.stream, stream);
  EXPECT_EQ(x.what, fate::answered);
  EXPECT_EQ(x.answer.status, 201);
  EXPECT_EQ(x.answer.header("X-Two"), "2");
  EXPECT_EQ(x.answer.header("content-type"), "text/plain");
  EXPECT_EQ(x.answer.body, "made");
}

TEST_F(H2ClientSession, BodiesLargerThanEveryWindowPassBothWays) {
  auto server = http::h2_session{http::h2_limits{}};
  auto body = std::string(900'000, 'x');
  auto request = post("/", body);
  client.ask(request);
  talk(client, server, [](const http::request& x) {
    return http::response{200, "text/plain", {}, x.body};
  });
  EXPECT_TRUE(only().answer.body == body);
}

TEST_F(H2ClientSession, NoMoreStreamsThanBothSidesAllow) {
  EXPECT_EQ(client.room(), 3u);
  auto request = post("/", "");
  for (auto i = 0; i < 3; ++i)
    EXPECT_NE(client.ask(request), 0u);
  EXPECT_EQ(client.room(), 0u);
  EXPECT_EQ(client.ask(request), 0u);
  EXPECT_TRUE(client.feed(settings(std::string{"\0\x03\0\0\0\x01", 6}))); // one at a time
  sent();
  EXPECT_TRUE(client.feed(head(1, h2_literal(":status", "204"), true)));
  EXPECT_EQ(client.room(), 0u) << "two are open, one is allowed";
}

TEST_F(H2ClientSession, ARefusalBeforeTheServersSettingsIsToldApart) {
  EXPECT_EQ(client.streams_of_server(), std::nullopt);
  auto request = post("/", "");
  auto first = client.ask(request), second = client.ask(request);
  sent();
  auto refusal = [](std::uint32_t stream) { return h2_frame(3, 0, stream, number(7)); };
  ASSERT_TRUE(client.feed(settings(std::string{"\0\3", 2} + number(1)) + refusal(second)));
  EXPECT_EQ(client.streams_of_server(), 1u);
  auto early = only();
  EXPECT_EQ(early.what, fate::refused);
  EXPECT_TRUE(early.early);
  EXPECT_EQ(client.room(), 0u);
  ASSERT_TRUE(client.feed(head(first, h2_literal(":status", "200"), true)));
  EXPECT_EQ(only().what, fate::answered);
  EXPECT_EQ(client.room(), 1u);
  auto third = client.ask(request);
  sent();
  ASSERT_TRUE(client.feed(refusal(third)));
  EXPECT_FALSE(only().early);
}

TEST_F(H2ClientSession, HowManyAtFirstIsWhatItWasToldUntilTheServerSays) {
  auto cautious = h2_client_session{http::h2_client_limits{3, 1, {1024, 10, 1'000'000}}, true};
  EXPECT_EQ(cautious.room(), 1u);
  ASSERT_TRUE(cautious.feed(settings()));
  EXPECT_EQ(cautious.room(), 3u);
}

TEST_F(H2ClientSession, ARequestThatIsNoneIsNotBegun) {
  for (auto bad : {"", "GET", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost\r\n\r\n"})
    EXPECT_EQ(client.ask(bad), 0u) << bad;
}

TEST_F(H2ClientSession, InterimAnswersPassAndTrailersAreKeptApart) {
  auto request = post("/", "");
  client.ask(request);
  sent();
  EXPECT_TRUE(
      client.feed(settings() + head(1, h2_literal(":status", "103") + h2_literal("a", "1")) +
                  head(1, h2_literal(":status", "200") + h2_literal("b", "2")) +
                  h2_frame(0, 0, 1, "body") + head(1, h2_literal("c", "3"), true)));
  auto x = only();
  EXPECT_EQ(x.answer.status, 200);
  EXPECT_EQ(x.answer.header("a"), "");
  EXPECT_EQ(x.answer.header("b"), "2");
  EXPECT_EQ(x.answer.header("c"), "");
  EXPECT_EQ(x.answer.body, "body");
  EXPECT_THAT(x.answer.trailers, testing::ElementsAre(testing::Pair("c", "3")));
}

TEST_F(H2ClientSession, AStreamThatTheServerResetsEndsAlone) {
  auto request = post("/", "");
  client.ask(request), client.ask(request), client.ask(request);
  sent();
  EXPECT_TRUE(client.feed(settings() + h2_frame(3, 0, 1, number(7)) + // REFUSED_STREAM
                          h2_frame(3, 0, 3, number(2)) +              // INTERNAL_ERROR
                          head(5, h2_literal(":status", "200"), true)));
  EXPECT_EQ(client.take().what, fate::refused);
  EXPECT_EQ(client.take().what, fate::reset);
  EXPECT_EQ(client.take().what, fate::answered);
}

TEST_F(H2ClientSession, AGoodbyeRefusesWhatItHasNotBegun) {
  auto request = post("/", "");
  client.ask(request), client.ask(request);
  sent();
  EXPECT_TRUE(client.feed(settings() + h2_frame(7, 0, 0, number(1) + number(0))));
  EXPECT_TRUE(client.going_away());
  EXPECT_EQ(client.room(), 0u);
  auto x = only();
  EXPECT_EQ(x.stream, 3u);
  EXPECT_EQ(x.what, fate::refused);
  EXPECT_TRUE(client.feed(head(1, h2_literal(":status", "200"), true)));
  EXPECT_EQ(only().what, fate::answered);
}

TEST_F(H2ClientSession, AGoodbyeRefusesWhatHasNotLeftYet) {
  auto request = post("/", "");
  client.ask(request);
  sent();
  EXPECT_TRUE(client.feed(settings()));
  client.ask(request);
  EXPECT_TRUE(client.feed(
      head(1, h2_literal(":status", "200"), true) + h2_frame(7, 0, 0, number(1) + number(0))));
  EXPECT_EQ(only().what, fate::answered);
  sent();
  EXPECT_EQ(only().what, fate::refused);
}

TEST_F(H2ClientSession, AnAnswerThatIsNoneCostsItsStream) {
  auto bad = std::map<std::string, std::string>{
      {"no status", head(1, h2_literal("a", "b"), true)},
      {"a status of letters", head(1, h2_literal(":status", "abc"), true)},
      {"a wrong length", head(1, h2_literal(":status", "200") + h2_literal("content-length", "9")) +
                             h2_frame(0, 1, 1, "abc")},
      {"a field of HTTP/1.1",
          head(1, h2_literal(":status", "200") + h2_literal("connection", "close"), true)},
      {"a bad value", head(1, h2_literal(":status", "200") + h2_literal("a", "b\r\nc: d"), true)},
      {"trailers that do not end",
          head(1, h2_literal(":status", "200")) + head(1, h2_literal("a", "b"))},
  };
  for (auto& [what, bytes] : bad) {
    auto one = h2_client_session{http::h2_client_limits{}, true};
    auto request = post("/", "");
    one.ask(request);
    auto out = std::string{};
    one.produce(out, 1 << 20);
    EXPECT_TRUE(one.feed(settings() + bytes)) << what;
    one.produce(out, 1 << 20);
    ASSERT_TRUE(one.has_event()) << what;
    EXPECT_EQ(one.take().what, fate::malformed) << what;
    EXPECT_FALSE(one.has_event()) << what;
  }
}

TEST_F(H2ClientSession, WhatIsTooLargeCostsItsStream) {
  auto fields = h2_literal(":status", "200");
  for (auto i = 0; i < 11; ++i)
    fields += h2_literal("a" + std::to_string(i), "b");
  auto request = post("/", "");
  client.ask(request), client.ask(request), client.ask(request);
  sent();
  EXPECT_TRUE(client.feed(settings() + head(1, fields, true)));
  EXPECT_EQ(only().what, fate::malformed) << "fields";
  fields = h2_literal(":status", "200");
  for (auto i = 0; i < 9; ++i)
    fields += h2_literal("a", std::string(120, 'b'));
  EXPECT_TRUE(client.feed(head(3, fields, true)));
  EXPECT_EQ(only().what, fate::malformed) << "head";
  EXPECT_TRUE(client.feed(head(5, h2_literal(":status", "200"))));
  for (auto i = 0; i < 70 && !client.has_event(); ++i) {
    EXPECT_TRUE(client.feed(h2_frame(0, 0, 5, std::string(16'000, 'x'))));
    sent();
  }
  EXPECT_EQ(only().what, fate::malformed) << "body";
}

TEST_F(H2ClientSession, EndlessInterimAnswersCostTheStream) {
  auto request = post("/", "");
  client.ask(request);
  sent();
  client.feed(settings());
  for (auto i = 0; i < 9; ++i)
    EXPECT_TRUE(client.feed(head(1, h2_literal(":status", "100"))));
  EXPECT_EQ(only().what, fate::malformed);
}

TEST_F(H2ClientSession, AServerThatSpeaksSomethingElseIsNotBelieved) {
  auto request = post("/", "");
  client.ask(request);
  client.feed("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  EXPECT_NE(sent(), ""); // GOAWAY
  auto out = std::string{};
  EXPECT_FALSE(client.produce(out, 1'000));
}

TEST_F(H2ClientSession, WhatWasGivenUpIsResetAndNeverHeardOf) {
  auto request = post("/", "body");
  auto stream = client.ask(request);
  sent();
  client.give_up(stream);
  EXPECT_EQ(client.streams(), 0u);
  EXPECT_THAT(sent(), testing::EndsWith(h2_frame(3, 0, 1, number(8)))); // CANCEL
  EXPECT_TRUE(client.feed(settings() + head(1, h2_literal(":status", "200"), true)));
  EXPECT_FALSE(client.has_event());
  stream = client.ask(request); // before anything of it has left
  client.give_up(stream);
  sent();
  EXPECT_FALSE(client.has_event());
}

TEST_F(H2ClientSession, AnAnswerNeedNotWaitForTheRequest) {
  auto request = post("/", std::string(500'000, 'x')); // more than the window
  client.ask(request);
  sent();
  EXPECT_TRUE(client.feed(settings() + head(1, h2_literal(":status", "413"), true)));
  EXPECT_EQ(only().answer.status, 413);
  sent();
  EXPECT_EQ(client.streams(), 0u);
}

} // namespace
} // namespace shoal::test
