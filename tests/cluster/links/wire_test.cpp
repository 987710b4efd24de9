#include <random>

#include <gtest/gtest.h>

#include "cluster/links/wire.hpp"

namespace shoal::cluster::links {
namespace {

std::string hex(std::string_view bytes) {
  auto out = std::string{};
  for (auto c : bytes) {
    constexpr auto digits = "0123456789abcdef";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

hello some_hello() { return {"c1", "n7", 0x0102030405060708, 1, 3, 16 << 20, 9, true}; }

std::vector<std::pair<int, std::string>> read_all(record_reader& reader) {
  auto out = std::vector<std::pair<int, std::string>>{};
  auto next = record{};
  while (reader.next(next) == record_reader::result::record)
    out.emplace_back(next.tag, std::string{next.body});
  return out;
}

TEST(wire, has_these_bytes) {
  auto out = std::string{};
  append_record(out, static_cast<tag>(0x12), "op");
  append_number(out, tag::ping, 0x1122334455667788);
  append_taken(out, traffic::calls, 258);
  append_record(out, tag::ready, "");
  EXPECT_EQ(hex(out), "120000026f70"
                      "300000081122334455667788"
                      "32000009030000000000000102"
                      "22000000");
}

TEST(wire, says_hello_in_these_bytes) {
  EXPECT_EQ(hex(encode(some_hello())), "01"
                                       "026331"
                                       "026e37"
                                       "0102030405060708"
                                       "00000001"
                                       "00000003"
                                       "0000000001000000"
                                       "0000000000000009"
                                       "01");
}

TEST(wire, reads_the_hello_it_writes_and_ignores_what_a_newer_node_adds) {
  EXPECT_EQ(decode_hello(encode(some_hello())), some_hello());
  EXPECT_EQ(decode_hello(encode(some_hello()) + "more"), some_hello());
}

TEST(wire, refuses_every_shortened_hello) {
  auto whole = encode(some_hello());
  for (auto size = std::size_t{0}; size < whole.size(); ++size)
    EXPECT_FALSE(decode_hello(std::string_view{whole}.substr(0, size))) << size;
}

TEST(wire, refuses_a_hello_of_another_kind) {
  auto bytes = encode(some_hello());
  bytes[0] = 2;
  EXPECT_FALSE(decode_hello(bytes));
}

TEST(wire, refuses_numbers_and_notes_of_another_size_or_kind) {
  EXPECT_FALSE(decode_number("1234567"));
  EXPECT_FALSE(decode_number("123456789"));
  EXPECT_FALSE(decode_taken(std::string(8, '\0')));
  EXPECT_FALSE(decode_taken("\x04" + std::string(8, '\0')));
  EXPECT_FALSE(decode_taken("\xff" + std::string(8, '\0')));
  EXPECT_TRUE(decode_taken("\x03" + std::string(8, '\0')));
}

TEST(wire, makes_words_of_a_peer_harmless) {
  EXPECT_EQ(readable("a\x1b[31m\r\nb\xff"), "a?[31m??b?");
  EXPECT_EQ(readable(std::string(5000, 'x')).size(), 200u);
}

TEST(record_reader, gives_the_same_records_however_the_bytes_are_cut) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto bytes = std::string{};
  auto expected = std::vector<std::pair<int, std::string>>{};
  for (auto i = 0; i < 200; ++i) {
    auto size = i % 20 == 0 ? max_record : random() % 300;
    expected.emplace_back(i % 4, std::string(size, static_cast<char>(i)));
    append_record(bytes, static_cast<tag>(i % 4), expected.back().second);
  }
  auto reader = record_reader{};
  auto got = std::vector<std::pair<int, std::string>>{};
  for (auto at = std::size_t{0}; at < bytes.size();) {
    auto size = std::min<std::size_t>(1 + random() % 9000, bytes.size() - at);
    reader.feed(std::string_view{bytes}.substr(at, size));
    at += size;
    for (auto& x : read_all(reader))
      got.push_back(std::move(x));
  }
  EXPECT_EQ(got, expected);
}

TEST(record_reader, refuses_a_length_above_the_limit_before_the_body_comes) {
  auto reader = record_reader{};
  auto next = record{};
  reader.feed(std::string_view{"\x10\x01\x00\x00", 4});
  EXPECT_EQ(reader.next(next), record_reader::result::more);
  reader = {};
  reader.feed(std::string_view{"\x10\x01\x00\x01", 4});
  EXPECT_EQ(reader.next(next), record_reader::result::too_long);
}

} // namespace
} // namespace shoal::cluster::links
