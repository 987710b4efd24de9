#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocol/mgw/json_text.hpp"

namespace shoal::mgw {
namespace {

TEST(json_text, takes_one_value_of_each_kind) {
  for (auto good : {"null", "true", "false", "0", "-0", "-12.5e+3", "1E9", "\"\"", " [ ] ",
           "{\"a\":[1,{\"b\":null}]}", "\"\\u00e9\\ud83d\\udc1f\\n\"", "\t[1 , 2]\r\n"})
    EXPECT_TRUE(is_json(good)) << good;
}

TEST(json_text, refuses_everything_else) {
  for (auto bad : {"", " ", "nul", "nulll", "01", "-", "1.", ".5", "1e", "+1", "\"", "\"\n\"",
           "\"\\x\"", "\"\\u12g4\"", "\"\\ud83d\"", "\"\\udc1f\"", "\"\\ud83d\\u0041\"", "[", "[1",
           "[1,]", "[,1]", "[1 2]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}",
           "1 2", "[]]", "\xff", "\"\xc3\"", "NaN", "'a'", "[1]//"})
    EXPECT_FALSE(is_json(bad)) << bad;
  EXPECT_FALSE(is_json(std::string_view{"1\0", 2}));
}

TEST(json_text, bounds_the_nesting) {
  auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(is_json(nested(max_json_depth)));
  EXPECT_FALSE(is_json(nested(max_json_depth + 1)));
  EXPECT_FALSE(is_json(nested(1'000'000)));
  EXPECT_TRUE(is_json("[[],[],[]]", 2)) << "siblings do not add up";
}

TEST(json_text, cuts_an_array_into_its_elements) {
  auto got = json_elements(R"( [1, "a,]" ,{"b":[2]},[ ] ] )");
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, (std::vector<std::string_view>{"1", "\"a,]\"", "{\"b\":[2]}", "[ ]"}));
  EXPECT_EQ(json_elements("[]")->size(), 0u);
  EXPECT_FALSE(json_elements("{}"));
  EXPECT_FALSE(json_elements("[1"));
}

TEST(json_text, cuts_an_object_into_its_members) {
  auto got = json_members(R"({"a" : 1,"\u0062":{"c":2}})");
  ASSERT_TRUE(got);
  ASSERT_EQ(got->size(), 2u);
  EXPECT_EQ((*got)[0].name, "a");
  EXPECT_EQ((*got)[0].value, "1");
  EXPECT_EQ((*got)[1].name, "\\u0062");
  EXPECT_EQ((*got)[1].value, "{\"c\":2}");
  EXPECT_FALSE(json_members("[]"));
}

TEST(json_text, writes_strings_that_it_reads) {
  auto out = std::string{};
  append_json_string(out, "a\"\\\n\x01\u4e2d");
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001\u4e2d\"");
  out.clear();
  append_json_string(out, "\xff");
  EXPECT_TRUE(is_json(out));
}

// Another reader says the same about texts that are almost JSON.
TEST(json_text, agrees_with_the_json_library) {
  auto random = std::mt19937{20260801};
  auto const seeds = std::vector<std::string>{R"({"a":[1,-2.5e3,"x\u00e9\ud83d\udc1f"],"b":null})",
      R"([true,false,{"k":{"k":[0,""]}}])", "\"\u4e2d\\n\"", "[1e5, 0.25]"};
  constexpr std::string_view alphabet = "{}[]\",:0123456789.eE+-\\u truefalsn\x80\xe4\n\x01";
  for (auto i = 0; i < 20'000; ++i) {
    auto text = seeds[random() % seeds.size()];
    for (auto edits = random() % 3; edits > 0 && !text.empty(); --edits) {
      auto at = random() % text.size();
      auto c = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
      case 0:
        text[at] = c;
        break;
      case 1:
        text.insert(at, 1, c);
        break;
      default:
        text.erase(at, 1);
      }
    }
    EXPECT_EQ(is_json(text), nlohmann::json::accept(text)) << text;
  }
}

} // namespace
} // namespace shoal::mgw
