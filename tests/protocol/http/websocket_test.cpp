#include <random>

#include <gtest/gtest.h>

#include "protocol/http/websocket.hpp"
#include "tests/support/ws_frames.hpp"

namespace shoal::http {
namespace {

using outcome = ws_reader::outcome;
using namespace test::ws;

constexpr auto key = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455, 1.3

struct event {
  outcome what;
  std::string payload;
  int code = 0;
  bool operator==(const event&) const = default;
};

std::vector<event> read(
    std::string_view bytes, std::size_t piece = 1'000'000, std::size_t most = 1000) {
  auto x = ws_reader{most};
  auto out = std::vector<event>{};
  while (!bytes.empty()) {
    auto now = bytes.substr(0, piece);
    bytes.remove_prefix(now.size());
    x.feed(now);
    for (auto got = x.next(); got != outcome::need_more; got = x.next()) {
      out.push_back({got, x.take(), got >= outcome::close ? x.code() : 0});
      EXPECT_EQ(got == outcome::failed, !x.flaw().empty());
      if (got >= outcome::close) {
        EXPECT_EQ(x.held(), 0u);
        return out;
      }
    }
  }
  return out;
}

std::vector<event> failed(int code) { return {{outcome::failed, "", code}}; }

// -- frames in ------------------------------------------------------------------------------------

TEST(ws_reader, reads_the_standards_examples) {
  EXPECT_EQ(read(std::string_view{"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11}),
      (std::vector<event>{{outcome::text, "Hello"}}));
  EXPECT_EQ(read(masked(text, "Hel") + masked(fin | more, "lo")),
      (std::vector<event>{{outcome::text, "Hello"}}));
  EXPECT_EQ(read(masked(fin | binary, std::string(256, 'x'))),
      (std::vector<event>{{outcome::binary, std::string(256, 'x')}}));
}

TEST(ws_reader, reads_every_size_of_length) {
  for (auto size : {0u, 1u, 125u, 126u, 127u, 65'535u, 65'536u, 100'000u}) {
    auto body = std::string(size, 'x');
    EXPECT_EQ(read(masked(fin | binary, body), 1'000'000, 100'000),
        (std::vector<event>{{outcome::binary, body}}))
        << size;
  }
}

TEST(ws_reader, lets_control_frames_come_between_fragments) {
  EXPECT_EQ(read(masked(binary, "a") + masked(fin | ping, "p") + masked(more, "b") +
                 masked(fin | pong, "") + masked(fin | more, "c") + masked(fin | text, "d")),
      (std::vector<event>{{outcome::ping, "p"}, {outcome::pong, ""}, {outcome::binary, "abc"},
          {outcome::text, "d"}}));
}

TEST(ws_reader, reads_the_same_in_pieces_of_any_size) {
  auto all = masked(text, "\u4e2d\u6587") + masked(fin | ping, "p") +
             masked(fin | more, "\U0001f41f") + masked(fin | binary, std::string(300, 'y')) +
             masked(fin | close_, "\x03\xe8"
                                  "bye");
  auto whole = read(all);
  ASSERT_EQ(whole.size(), 4u);
  for (auto piece = std::size_t{1}; piece < all.size(); ++piece)
    EXPECT_EQ(read(all, piece), whole) << piece;
}

TEST(ws_reader, reads_why_the_client_closes) {
  EXPECT_EQ(read(masked(fin | close_, "\x03\xe9"
                                      "bye")),
      (std::vector<event>{{outcome::close, "bye", 1001}}));
  EXPECT_EQ(read(masked(fin | close_, "")), (std::vector<event>{{outcome::close, "", 1005}}));
  EXPECT_EQ(
      read(masked(fin | close_, "\x0f\xa0")), (std::vector<event>{{outcome::close, "", 4000}}));
}

TEST(ws_reader, reads_nothing_after_the_close) {
  auto x = ws_reader{};
  x.feed(masked(fin | close_, "") + masked(fin | text, "late"));
  EXPECT_EQ(x.next(), outcome::close);
  EXPECT_EQ(x.next(), outcome::need_more);
  x.feed(masked(fin | text, "later"));
  EXPECT_EQ(x.next(), outcome::need_more);
  EXPECT_EQ(x.held(), 0u);
}

TEST(ws_reader, refuses_what_breaks_the_protocol) {
  auto const bad = std::vector<std::pair<const char*, std::string>>{
      {"unmasked", std::string("\x81\x05Hello", 7)},
      {"reserved bit 1", masked(fin | 0x40 | text, "a")},
      {"reserved bit 2", masked(fin | 0x20 | text, "a")},
      {"reserved bit 3", masked(fin | 0x10 | text, "a")},
      {"opcode 3", masked(fin | 3, "a")},
      {"opcode 7", masked(fin | 7, "a")},
      {"opcode 11", masked(fin | 11, "a")},
      {"opcode 15", masked(fin | 15, "a")},
      {"ping in pieces", masked(ping, "a")},
      {"close in pieces", masked(close_, "\x03\xe8")},
      {"large ping", masked(fin | ping, std::string(126, 'x'))},
      {"continuation of nothing", masked(fin | more, "a")},
      {"continuation after the end", masked(fin | text, "a") + masked(fin | more, "a")},
      {"text inside a message", masked(text, "a") + masked(fin | text, "a")},
      {"binary inside a message", masked(text, "a") + masked(binary, "a")},
      {"16 bits for a short length", masked(fin | binary, "short", 2)},
      {"64 bits for a short length", masked(fin | binary, std::string(200, 'x'), 8)},
      {"length over 63 bits", std::string("\x82\xff\x80\0\0\0\0\0\0\0mask", 14)},
      {"half a close code", masked(fin | close_, "\x03")},
      {"close code 0", masked(fin | close_, std::string("\0\0", 2))},
      {"close code 999", masked(fin | close_, "\x03\xe7")},
      {"close code 1004", masked(fin | close_, "\x03\xec")},
      {"close code 1005", masked(fin | close_, "\x03\xed")},
      {"close code 1006", masked(fin | close_, "\x03\xee")},
      {"close code 1015", masked(fin | close_, "\x03\xf7")},
      {"close code 2999", masked(fin | close_, "\x0b\xb7")},
      {"close code 5000", masked(fin | close_, "\x13\x88")},
  };
  for (auto& [why, bytes] : bad)
    for (auto piece : {1u, 1'000u}) {
      auto got = read(bytes, piece);
      ASSERT_FALSE(got.empty()) << why;
      EXPECT_EQ(got.back(), failed(1002)[0]) << why;
    }
}

TEST(ws_reader, refuses_a_frame_as_soon_as_its_head_is_wrong) {
  auto x = ws_reader{};
  x.feed(std::string_view{"\x81\x05", 2}); // unmasked, and nothing after it yet
  EXPECT_EQ(x.next(), outcome::failed);
}

TEST(ws_reader, refuses_text_that_is_not_utf_8) {
  EXPECT_EQ(read(masked(fin | text, "\xc0\x80")), failed(1007));
  EXPECT_EQ(read(masked(fin | text, "\xe4\xb8")), failed(1007)) << "cut off";
  EXPECT_EQ(read(masked(text, "\xe4") + masked(fin | more, "\xb8\xad")),
      (std::vector<event>{{outcome::text, "\u4e2d"}}))
      << "a character may lie across fragments";
  EXPECT_EQ(read(masked(text, "\xff")), failed(1007)) << "before the message ends";
  EXPECT_EQ(read(masked(fin | binary, "\xff")), (std::vector<event>{{outcome::binary, "\xff"}}));
  EXPECT_EQ(read(masked(fin | close_, "\x03\xe8\xff")), failed(1007));
}

TEST(ws_reader, refuses_messages_above_the_limit_before_they_arrive) {
  EXPECT_EQ(read(masked(fin | binary, std::string(1000, 'x'))).at(0).what, outcome::binary);
  EXPECT_EQ(read(masked(fin | binary, std::string(1001, 'x')).substr(0, 8)), failed(1009));
  EXPECT_EQ(read(masked(binary, std::string(600, 'x')) +
                 masked(fin | more, std::string(401, 'x')).substr(0, 8)),
      failed(1009));
  EXPECT_EQ(
      read(std::string_view{"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask", 14}), failed(1009));
}

TEST(ws_reader, holds_no_more_than_a_message_in_endless_fragments) {
  auto x = ws_reader{1000};
  x.feed(masked(text, ""));
  for (auto i = 0; i < 10'000; ++i) {
    x.feed(masked(more, ""));
    EXPECT_EQ(x.next(), outcome::need_more);
    ASSERT_LE(x.held(), 1000u);
  }
}

// -- frames out -----------------------------------------------------------------------------------

TEST(ws_frame, has_the_shortest_length) {
  EXPECT_EQ(ws_frame(ws_opcode::text, "Hello"), std::string("\x81\x05Hello", 7));
  EXPECT_EQ(ws_frame(ws_opcode::ping, ""), std::string("\x89\x00", 2));
  EXPECT_EQ(ws_frame(ws_opcode::binary, std::string(126, 'x')).substr(0, 4),
      std::string("\x82\x7e\0\x7e", 4));
  EXPECT_EQ(ws_frame(ws_opcode::binary, std::string(65'536, 'x')).substr(0, 10),
      std::string("\x82\x7f\0\0\0\0\0\1\0\0", 10));
}

TEST(ws_close, cuts_its_reason_between_characters) {
  EXPECT_EQ(ws_close(1000, "bye"), std::string("\x88\x05\x03\xe8"
                                               "bye",
                                       7));
  EXPECT_EQ(ws_close(ws_code::no_code, "never"), std::string("\x88\x00", 2));
  auto fish = std::string{};
  for (auto i = 0; i < 40; ++i)
    fish += "\U0001f41f";
  EXPECT_EQ(ws_close(1000, fish).size(), 2u + 2 + 120);
}

// -- handshake ------------------------------------------------------------------------------------

request asking(std::vector<std::pair<std::string, std::string>> more_headers = {}) {
  auto x = request{"GET", "/ws", "",
      {{"Host", "h"}, {"upgrade", "WebSocket"}, {"Connection", "keep-alive, Upgrade"},
          {"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", key}},
      "", ""};
  x.headers.insert(x.headers.end(), more_headers.begin(), more_headers.end());
  return x;
}

int refused(const request& x, std::span<const std::string_view> speak = {}) {
  auto out = websocket_upgrade{};
  auto why = upgrade(x, speak, out);
  return why ? why->status : 0;
}

TEST(websocket_upgrade, answers_as_in_the_standard) {
  auto out = websocket_upgrade{};
  EXPECT_TRUE(wants_websocket(asking()));
  ASSERT_FALSE(upgrade(asking(), {}, out));
  EXPECT_EQ(out.bytes, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  EXPECT_EQ(out.protocol, "");
}

TEST(websocket_upgrade, chooses_the_clients_first_protocol_that_is_spoken) {
  auto const speak = std::array<std::string_view, 2>{"shoal/1", "mgw/1"};
  auto out = websocket_upgrade{};
  ASSERT_FALSE(upgrade(asking({{"Sec-WebSocket-Protocol", "x, mgw/1 ,shoal/1"}}), speak, out));
  EXPECT_EQ(out.protocol, "mgw/1");
  EXPECT_NE(out.bytes.find("Sec-WebSocket-Protocol: mgw/1\r\n"), std::string::npos);
  EXPECT_EQ(refused(asking({{"Sec-WebSocket-Protocol", "x"}}), speak), 400);
  EXPECT_EQ(refused(asking(), speak), 0);
}

TEST(websocket_upgrade, refuses_everything_else) {
  auto x = asking();
  x.method = "POST";
  EXPECT_EQ(refused(x), 405);
  for (auto drop : {1u, 2u}) {
    x = asking();
    x.headers.erase(x.headers.begin() + drop);
    EXPECT_EQ(refused(x), 400) << drop;
  }
  EXPECT_FALSE(wants_websocket({"GET", "/", "", {{"Upgrade", "h2c"}}, "", ""}));
  x = asking();
  x.headers[3].second = "8";
  EXPECT_EQ(refused(x), 426);
  for (auto bad : {"", "abc", "AAAA", "dGhlIHNhbXBsZSBub25jZQ=", "!GhlIHNhbXBsZSBub25jZQ=="}) {
    x = asking();
    x.headers[4].second = bad;
    EXPECT_EQ(refused(x), 400) << bad;
  }
}

} // namespace
} // namespace shoal::http
