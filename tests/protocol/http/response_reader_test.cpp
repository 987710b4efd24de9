#include <gmock/gmock.h>

#include "protocol/http/response_reader.hpp"

namespace shoal::http {
namespace {

using outcome = response_reader::outcome;

struct read_all {
  outcome what = outcome::need_more;
  reply got;
  std::string flaw;
  std::size_t used = 0;
  bool keep_alive = false;
};

/// Feeds in pieces of `piece` bytes, then perhaps the end of the connection.
read_all read(std::string_view bytes, std::size_t piece = 1u << 20, bool ends = false,
    bool head = false, response_limits limits = {}) {
  auto reader = response_reader{limits};
  reader.begin(head);
  auto out = read_all{};
  while (out.used < bytes.size() && out.what == outcome::need_more) {
    auto used = std::size_t{0};
    out.what = reader.feed(bytes.substr(out.used, piece), used);
    out.used += used;
  }
  if (ends && out.what == outcome::need_more)
    out.what = reader.end();
  out.flaw = reader.flaw();
  out.keep_alive = reader.keep_alive();
  if (out.what == outcome::done)
    out.got = reader.take();
  return out;
}

constexpr std::string_view simple =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
constexpr std::string_view chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nabcd\r\nA\r\n0123456789\r\n"
    "0\r\nX-Sum: 1\r\n\r\n";

TEST(ResponseReader, AnAnswerWithALengthIsReadWhereverItIsCut) {
  for (auto piece : {1u, 2u, 3u, 7u, 1000u}) {
    auto x = read(simple, piece);
    ASSERT_EQ(x.what, outcome::done) << piece;
    EXPECT_EQ(x.got.status, 200);
    EXPECT_EQ(x.got.body, "{\"a\":1}");
    EXPECT_EQ(x.got.header("content-type"), "application/json");
    EXPECT_TRUE(x.keep_alive);
  }
}

TEST(ResponseReader, ChunksAreReadWhereverTheyAreCut) {
  for (auto piece : {1u, 2u, 3u, 7u, 1000u}) {
    auto x = read(chunked, piece);
    ASSERT_EQ(x.what, outcome::done) << piece << x.flaw;
    EXPECT_EQ(x.got.body, "abcd0123456789");
    EXPECT_TRUE(x.keep_alive);
  }
}

TEST(ResponseReader, BytesBehindTheAnswerAreNotTaken) {
  auto x = read(std::string{simple} + "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(x.what, outcome::done);
  EXPECT_EQ(x.used, simple.size());
}

TEST(ResponseReader, AnAnswerWithoutLengthEndsWithItsConnection) {
  auto bytes = "HTTP/1.0 200 OK\r\n\r\nall of it";
  EXPECT_EQ(read(bytes).what, outcome::need_more);
  auto x = read(bytes, 3, true);
  EXPECT_EQ(x.what, outcome::done);
  EXPECT_EQ(x.got.body, "all of it");
  EXPECT_FALSE(x.keep_alive);
}

TEST(ResponseReader, HeadAndEmptyAnswersHaveNoBody) {
  EXPECT_EQ(
      read("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", 100, false, true).what, outcome::done);
  EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n").what, outcome::done);
  EXPECT_EQ(read("HTTP/1.1 204\r\n\r\n").what, outcome::done);
}

TEST(ResponseReader, InterimAnswersAreReadOver) {
  auto interim = std::string{"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"};
  auto x = read("HTTP/1.1 100 Continue\r\n\r\n" + interim + std::string{simple}, 5);
  ASSERT_EQ(x.what, outcome::done);
  EXPECT_EQ(x.got.status, 200);
  auto many = std::string{};
  for (auto i = 0; i < 9; ++i)
    many += interim;
  EXPECT_EQ(read(many + std::string{simple}).what, outcome::failed);
}

TEST(ResponseReader, ConnectionFieldsDecideWhetherAnotherRequestMayFollow) {
  EXPECT_FALSE(
      read("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n").keep_alive);
  EXPECT_FALSE(read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keep_alive);
  EXPECT_TRUE(
      read("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n").keep_alive);
}

TEST(ResponseReader, WhatTwoReadersCouldReadDifferentlyIsRefused) {
  auto head = std::string{"HTTP/1.1 200 OK\r\n"};
  for (auto fields : {
           "Content-Length: 1\r\nContent-Length: 2\r\n",
           "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
           "Transfer-Encoding: gzip, chunked\r\n",
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
           "Content-Length: -1\r\n",
           "Content-Length: 1 1\r\n",
           "Content-Length:\r\n",
           "Content-Length: 9999999999999999\r\n",
           "A: b\r\n folded\r\n",
           "A: b\nB: c\r\n",
           "A: b\rB: c\r\n",
           "A : b\r\n",
           ": b\r\n",
           "no colon\r\n",
           "A: \x01\r\n",
       })
    EXPECT_EQ(read(head + fields + "\r\n").what, outcome::failed) << fields;
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").what, outcome::failed);
}

TEST(ResponseReader, GarbageIsRefused) {
  for (auto bytes : {"HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 20x OK\r\n\r\n",
           "HTTP/1.1 600 OK\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n", "\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n"})
    EXPECT_EQ(read(bytes).what, outcome::failed) << bytes;
}

TEST(ResponseReader, BrokenChunksAreRefused) {
  auto head = std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"};
  for (auto chunks : {"x\r\n", "-1\r\n", "\r\n", "1\nA\r\n", "1\r\nAB\r\n", "1\r\nA\n\n",
           "FFFFFFFFFFFFFFFF\r\n", "0\r\nA: b\n\r\n"})
    EXPECT_EQ(read(head + chunks).what, outcome::failed) << chunks;
}

TEST(ResponseReader, EndlessAnswersEndAtALimit) {
  auto limits = response_limits{1000, 10, 100};
  auto with = [&](const std::string& bytes) { return read(bytes, 64, false, false, limits).what; };
  EXPECT_EQ(with("HTTP/1.1 200 OK\r\nA: " + std::string(1000, 'a')), outcome::failed);
  auto fields = std::string{};
  for (auto i = 0; i < 11; ++i)
    fields += "A: b\r\n";
  EXPECT_EQ(with("HTTP/1.1 200 OK\r\n" + fields + "\r\n"), outcome::failed);
  EXPECT_EQ(with("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"), outcome::failed);
  EXPECT_EQ(with("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'a')), outcome::failed);
  auto head = std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"};
  EXPECT_EQ(with(head + "65\r\n"), outcome::failed);
  EXPECT_EQ(with(head + "1;" + std::string(300, 'x')), outcome::failed);
  EXPECT_EQ(with(head + "0\r\n" + std::string(1001, 'x')), outcome::failed);
  auto tiny = head;
  for (auto i = 0; i < 90; ++i)
    tiny += "1;" + std::string(100, 'x') + "\r\na\r\n";
  EXPECT_EQ(with(tiny), outcome::failed);
}

TEST(ResponseReader, AnEndWithinTheAnswerIsAFailure) {
  for (auto size = std::size_t{0}; size < simple.size(); ++size)
    EXPECT_EQ(read(simple.substr(0, size), 100, true).what, outcome::failed) << size;
}

} // namespace
} // namespace shoal::http
