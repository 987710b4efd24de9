#include <string>

#include <gtest/gtest.h>

#include "protocol/utf8.hpp"

namespace shoal {
namespace {

TEST(utf8, takes_every_length_of_character) {
  EXPECT_TRUE(valid_utf8(""));
  EXPECT_TRUE(valid_utf8("plain text of more than eight bytes"));
  EXPECT_TRUE(valid_utf8("h\u00e9llo \u4e2d\u6587 \U0001f41f"));
  EXPECT_TRUE(valid_utf8("\xf4\x8f\xbf\xbf")); // U+10FFFF
  EXPECT_TRUE(valid_utf8("\xed\x9f\xbf"));     // U+D7FF
}

TEST(utf8, refuses_what_no_encoder_writes) {
  for (auto bad :
      {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3(", "12345678\xc3("})
    EXPECT_FALSE(valid_utf8(bad)) << bad;
}

TEST(utf8, refuses_a_character_that_is_cut_off) {
  auto fish = std::string{"\U0001f41f"};
  for (auto n = std::size_t{1}; n < fish.size(); ++n)
    EXPECT_FALSE(valid_utf8(fish.substr(0, n))) << n;
}

TEST(utf8_checker, reads_across_pieces) {
  auto text = std::string{"12345678\u4e2d\U0001f41f 12345678"};
  for (auto cut = std::size_t{0}; cut <= text.size(); ++cut) {
    auto x = utf8_checker{};
    EXPECT_TRUE(x.feed(text.substr(0, cut)));
    EXPECT_TRUE(x.feed(text.substr(cut)));
    EXPECT_TRUE(x.complete());
  }
}

TEST(utf8_checker, says_no_as_soon_as_it_can_and_never_again_yes) {
  auto x = utf8_checker{};
  EXPECT_TRUE(x.feed("\xed"));
  EXPECT_FALSE(x.feed("\xa0"));
  EXPECT_FALSE(x.feed("fine"));
}

} // namespace
} // namespace shoal
