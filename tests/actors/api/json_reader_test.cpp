#include <gtest/gtest.h>

#include "actors/api/json_reader.hpp"
#include "actors/api/query.hpp"

namespace shoal::api {
namespace {

template <class Work>
std::string refused(Work work) {
  try {
    work();
  } catch (const refusal& x) {
    return x.detail;
  }
  return "not refused";
}

struct json_reader_test : testing::Test {
  std::string reading(std::string_view body) {
    return refused([&] {
      auto parsed = parse_body(body);
      auto in = json_reader{parsed, "x: "};
      in.text("biz", text, 8);
      in.number("limit", number, 1, 10);
      in.boolean("online", flag);
      in.texts("regions", list, 2, 4);
      in.text_map("tags", map, 2, 4);
      in.finish();
    });
  }
  std::string text;
  std::int64_t number = 0;
  bool flag = false;
  std::vector<std::string> list;
  std::map<std::string, std::string> map;
};

TEST_F(json_reader_test, reads_what_is_there) {
  EXPECT_EQ(reading(R"({"biz":"X","limit":10,"online":true,"regions":["a","b"],"tags":{"k":"v"}})"),
      "not refused");
  EXPECT_EQ(text, "X");
  EXPECT_EQ(number, 10);
  EXPECT_TRUE(flag);
  EXPECT_EQ(list, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(map.at("k"), "v");
}

TEST_F(json_reader_test, takes_missing_and_null_for_the_same) {
  EXPECT_EQ(reading(R"({"biz":null})"), "not refused");
  EXPECT_EQ(reading(""), "not refused");
  EXPECT_EQ(text, "");
}

TEST_F(json_reader_test, names_the_field_that_is_wrong) {
  auto range = "x: limit: must be an integer from 1 to 10";
  EXPECT_EQ(reading(R"({"biz":1})"), "x: biz: must be a string");
  EXPECT_EQ(reading(R"({"biz":"123456789"})"), "x: biz: is longer than 8 bytes");
  EXPECT_EQ(reading(R"({"limit":0})"), range);
  EXPECT_EQ(reading(R"({"limit":1.0})"), range);
  EXPECT_EQ(reading(R"({"limit":"1"})"), range);
  EXPECT_EQ(reading(R"({"limit":18446744073709551615})"), range);
  EXPECT_EQ(reading(R"({"online":1})"), "x: online: must be true or false");
  EXPECT_EQ(reading(R"({"regions":"a"})"), "x: regions: must be an array");
  EXPECT_EQ(reading(R"({"regions":["a","b","c"]})"), "x: regions: has more than 2 elements");
  EXPECT_EQ(reading(R"({"regions":[""]})"), "x: regions: must hold strings of 1 to 4 bytes");
  EXPECT_EQ(reading(R"({"tags":{"k":1}})"), "x: tags: must hold strings of at most 4 bytes");
  EXPECT_EQ(reading(R"({"tags":[]})"), "x: tags: must be an object of at most 2 strings");
}

TEST_F(json_reader_test, points_at_a_near_miss) {
  EXPECT_EQ(reading(R"({"bizz":"X"})"), "x: bizz: unknown field, did you mean \"biz\"?");
  EXPECT_EQ(reading(R"({"region":[]})"), "x: region: unknown field, did you mean \"regions\"?");
  EXPECT_EQ(reading(R"({"something-else":1})"), "x: something-else: unknown field");
}

TEST_F(json_reader_test, refuses_bodies_that_are_no_object) {
  for (auto body : {"[]", "1", "\"x\"", "null"})
    EXPECT_EQ(reading(body), "the body must be a JSON object") << body;
  for (auto body : {"{", "{\"a\":}", "{}{}", "\xff", "{\"biz\":\"\xc3\x28\"}", "nonsense"})
    EXPECT_EQ(reading(body).substr(0, 20), "the body is not JSON") << body;
}

TEST_F(json_reader_test, refuses_a_number_beyond_all_types) {
  EXPECT_EQ(reading(R"({"limit":1e999})"), "the body holds a number that is too large");
}

TEST_F(json_reader_test, refuses_deep_nesting_before_parsing) {
  EXPECT_EQ(reading("{\"a\":" + std::string(100'000, '[')), "the body is nested too deeply");
  EXPECT_EQ(reading(R"({"biz":"[[[[[[[["})"), "not refused") << "brackets in strings do not nest";
  EXPECT_EQ(reading(R"({"biz":"\"[[[[[["})"), "not refused");
}

TEST(query_test, reads_and_decodes) {
  auto q = query{"id=a%2Fb&limit=5&empty", "id limit empty"};
  EXPECT_EQ(q.text("id"), "a/b");
  EXPECT_EQ(q.limit(), 5u);
  EXPECT_EQ(q.text("empty"), "");
  EXPECT_EQ(q.number("empty", 7, 10), 7u);
}

TEST(query_test, refuses_what_it_does_not_know) {
  EXPECT_EQ(refused([] { query("a=1", "b"); }), "a: unknown query parameter");
  EXPECT_EQ(refused([] { query("a=1", ""); }), "a: unknown query parameter");
  EXPECT_EQ(refused([] { query("limt=1", "after limit"); }),
      "limt: unknown query parameter, did you mean \"limit\"?");
  EXPECT_EQ(refused([] { query("after=1", "after limit"); }), "not refused");
  EXPECT_EQ(refused([] { query("after limit=1", "after limit"); }).substr(0, 11), "after limit");
  EXPECT_EQ(refused([] { query("a=1&a=2", "a"); }), "a: given twice");
  EXPECT_NE(refused([] { query("a=%2", "a"); }), "not refused");
  EXPECT_NE(refused([] { query("a=%zz", "a"); }), "not refused");
  auto range = "limit: must be an integer from 0 to 1000";
  EXPECT_EQ(refused([] { query("limit=2000", "limit").limit(); }), range);
  EXPECT_EQ(refused([] { query("limit=-1", "limit").limit(); }), range);
}

} // namespace
} // namespace shoal::api
