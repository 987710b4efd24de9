#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocol/mgw/transcoder.hpp"

namespace shoal::mgw {
namespace {

constexpr auto shop = R"(syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "money.proto";
message Order {
  string order_id = 1;
  repeated Item items = 2;
  map<string, int32> stock = 3;
  google.protobuf.Timestamp made_at = 4;
  State state = 5;
  oneof payer { string user = 6; int64 account = 7; }
  bytes raw = 8;
  message Item { string name = 1; shop.Money price = 2; }
  enum State { NEW = 0; PAID = 1; }
}
message Tree { Tree child = 1; repeated Tree many_with_a_name_that_is_rather_long = 2; }
service Orders {
  rpc Create(Order) returns (Money);
  rpc Watch(Order) returns (stream Money);
}
)";

constexpr auto money = R"(syntax = "proto3";
package shop;
message Money { int64 cents = 1; double rate = 2; }
)";

std::shared_ptr<const message_schema> schema_of(message_schema::made x) {
  if (auto* why = std::get_if<message_schema::problems>(&x)) {
    for (auto& line : *why)
      ADD_FAILURE() << line;
    return nullptr;
  }
  return std::get<0>(std::move(x));
}

std::shared_ptr<const message_schema> the_shop() {
  static const auto x =
      schema_of(message_schema::from_files({{"shop.proto", shop}, {"money.proto", money}}));
  return x;
}

std::string first_problem(message_schema::made x) {
  auto* why = std::get_if<message_schema::problems>(&x);
  return why && !why->empty() ? why->front() : "(none)";
}

const auto order = R"({"orderId":"o1","items":[{"name":"tea","price":{"cents":"250","rate":0.5}}],)"
                   R"("stock":{"a":1},"madeAt":"2026-01-02T03:04:05Z","state":"PAID","user":"u1",)"
                   R"("raw":"AP8="})";

TEST(message_schema, knows_what_was_uploaded) {
  EXPECT_EQ(the_shop()->messages(),
      (std::vector<std::string>{"shop.Money", "shop.Order", "shop.Order.Item", "shop.Tree"}));
  EXPECT_TRUE(the_shop()->has("shop.Order"));
  EXPECT_TRUE(the_shop()->has("google.protobuf.Timestamp"));
  EXPECT_FALSE(the_shop()->has("shop.Nothing"));
  EXPECT_FALSE(the_shop()->has("shoal.wire.Hello")) << "the server's own messages are not theirs";
}

TEST(message_schema, knows_methods_by_their_paths) {
  EXPECT_EQ(the_shop()->find_method("shop.Orders/Create"),
      (message_schema::method{"shop.Order", "shop.Money", true}));
  EXPECT_FALSE(the_shop()->find_method("shop.Orders/Watch")->unary);
  EXPECT_EQ(the_shop()->find_method("shop.Orders/Delete"), std::nullopt);
}

TEST(transcoder, goes_there_and_back) {
  auto there = the_shop()->to_protobuf("shop.Order", order);
  ASSERT_TRUE(there.good) << there.problem;
  EXPECT_EQ(there.bytes.substr(0, 4), "\x0a\x02o1");
  auto back = the_shop()->to_json("shop.Order", there.bytes);
  ASSERT_TRUE(back.good) << back.problem;
  EXPECT_EQ(nlohmann::json::parse(back.bytes), nlohmann::json::parse(order));
}

TEST(transcoder, has_a_known_message_in_known_bytes) {
  auto x = the_shop()->to_protobuf("shop.Money", R"({"cents":300})");
  EXPECT_EQ(x.bytes, "\x08\xac\x02");
  EXPECT_EQ(the_shop()->to_json("shop.Money", x.bytes).bytes, R"({"cents":"300"})");
}

TEST(transcoder, names_fields_and_fills_in_defaults_as_asked) {
  auto x = the_shop()->to_protobuf("shop.Order", R"({"order_id":"o1"})");
  ASSERT_TRUE(x.good) << "both spellings are read";
  EXPECT_EQ(the_shop()->to_json("shop.Order", x.bytes, {.original_names = true}).bytes,
      R"({"order_id":"o1"})");
  EXPECT_EQ(the_shop()->to_json("shop.Money", "", {.with_defaults = true}).bytes,
      R"({"cents":"0","rate":0})");
}

TEST(transcoder, tells_which_field_is_wrong) {
  auto problem = [](std::string_view json) {
    auto x = the_shop()->to_protobuf("shop.Order", json);
    EXPECT_FALSE(x.good) << json;
    EXPECT_EQ(x.bytes, "");
    return x.problem;
  };
  EXPECT_NE(problem(R"({"items":[{"price":{"cents":"x"}}]})").find("items[0].price.cents"),
      std::string::npos)
      << problem(R"({"items":[{"price":{"cents":"x"}}]})");
  EXPECT_NE(problem(R"({"nothing":1})").find("nothing"), std::string::npos);
  EXPECT_NE(problem(R"({"state":"LOST"})").find("state"), std::string::npos);
  EXPECT_NE(problem(R"({"user":"a","account":"1"})").find("account"), std::string::npos);
  problem("[1]");
  problem("{");
  problem("{} x");
}

TEST(transcoder, can_ignore_what_it_does_not_know) {
  auto x = the_shop()->to_protobuf(
      "shop.Money", R"({"nothing":{"a":[1]},"cents":1})", {.ignore_unknown = true});
  ASSERT_TRUE(x.good) << x.problem;
  EXPECT_EQ(x.bytes, "\x08\x01");
}

TEST(transcoder, refuses_bytes_that_are_not_the_message) {
  for (auto bad : {"\x0a",
           "\x0a\x05"
           "ab",
           "\x0f", "\xff\xff\xff"})
    EXPECT_FALSE(the_shop()->to_json("shop.Order", bad).good);
  EXPECT_FALSE(the_shop()->to_json("shop.Order", "\x0a\x01\xff").good) << "text is UTF-8";
  EXPECT_FALSE(the_shop()->to_json("shop.Nothing", "").good);
  EXPECT_FALSE(the_shop()->to_protobuf("shop.Nothing", "{}").good);
}

TEST(transcoder, bounds_nesting_both_ways) {
  auto json = std::string{"{}"}, bytes = std::string{};
  for (auto i = 0; i < 200; ++i) {
    json = "{\"child\":" + json + "}";
    auto size = std::string{};
    for (auto n = bytes.size();; n >>= 7) {
      size += static_cast<char>((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
      if (n <= 0x7f)
        break;
    }
    bytes = "\x0a" + size + bytes;
  }
  EXPECT_FALSE(the_shop()->to_protobuf("shop.Tree", json).good);
  EXPECT_FALSE(the_shop()->to_json("shop.Tree", bytes).good);
  EXPECT_TRUE(the_shop()->to_protobuf("shop.Tree", R"({"child":{"child":{}}})").good);
}

TEST(transcoder, bounds_sizes_both_ways) {
  auto long_text = R"({"orderId":")" + std::string(1000, 'x') + "\"}";
  EXPECT_FALSE(the_shop()->to_protobuf("shop.Order", long_text, {.max_in = 1000}).good);
  EXPECT_FALSE(the_shop()->to_protobuf("shop.Order", long_text, {.max_out = 1000}).good);
  EXPECT_TRUE(the_shop()->to_protobuf("shop.Order", long_text).good);
  // Two bytes each that become dozens.
  auto many = std::string{};
  for (auto i = 0; i < 10'000; ++i)
    many += std::string("\x12\x02\x0a\x00", 4);
  auto x = the_shop()->to_json("shop.Tree", many, {.max_out = 50'000});
  EXPECT_FALSE(x.good);
  EXPECT_EQ(x.bytes, "");
  EXPECT_FALSE(the_shop()->to_json("shop.Tree", many, {.max_in = 100}).good);
}

TEST(message_schema, tells_where_a_file_is_wrong) {
  EXPECT_TRUE(
      first_problem(message_schema::from_files({{"a.proto", "syntax = \"proto3\";\nmessge A {}"}}))
          .starts_with("a.proto:2:1: "));
  auto undefined = first_problem(
      message_schema::from_files({{"a.proto", "syntax=\"proto3\";message A{B b=1;}"}}));
  EXPECT_NE(undefined.find("\"B\" is not defined"), std::string::npos) << undefined;
  auto missing = first_problem(
      message_schema::from_files({{"a.proto", "syntax=\"proto3\";import \"b.proto\";"}}));
  EXPECT_NE(missing.find("b.proto"), std::string::npos) << missing;
  EXPECT_NE(first_problem(message_schema::from_files({})), "(none)");
  EXPECT_NE(first_problem(message_schema::from_files({{"a.proto", "syntax=\"proto3\";message A{}"},
                {"b.proto", "syntax=\"proto3\";message A{}"}})),
      "(none)");
  auto loop =
      std::map<std::string, std::string>{{"a.proto", "syntax=\"proto3\";import \"b.proto\";"},
          {"b.proto", "syntax=\"proto3\";import \"a.proto\";"}};
  EXPECT_NE(first_problem(message_schema::from_files(loop)), "(none)");
}

// FileDescriptorSet{file: {name: "a.proto", package: "p", message_type: {name: "A", field: {name:
// "b", number: 1, label: optional, type: int32, json_name: "b"}}, syntax: "proto3"}}
const auto compiled = std::string("\x0a\x27\x0a\x07"
                                  "a.proto\x12\x01p\"\x11\x0a\x01"
                                  "A\x12\x0c\x0a\x01"
                                  "b\x18\x01 \x01(\x05R\x01"
                                  "bb\x06proto3");

TEST(message_schema, reads_compiled_descriptors) {
  auto bytes = compiled;
  auto x = schema_of(message_schema::from_descriptors(bytes));
  ASSERT_TRUE(x);
  EXPECT_EQ(x->messages(), (std::vector<std::string>{"p.A"}));
  EXPECT_EQ(x->to_protobuf("p.A", R"({"b":7})").bytes, "\x08\x07");
}

TEST(message_schema, refuses_what_is_no_set_of_descriptors) {
  EXPECT_NE(first_problem(message_schema::from_descriptors("")), "(none)");
  EXPECT_NE(first_problem(message_schema::from_descriptors("\xff")), "(none)");
  EXPECT_NE(first_problem(message_schema::from_descriptors(compiled + compiled)), "(none)");
  EXPECT_NE(
      first_problem(message_schema::from_descriptors(std::string(9'000'000, '\0'))), "(none)");
}

TEST(message_schema, survives_every_change_of_a_byte) {
  for (auto at = std::size_t{0}; at < compiled.size(); ++at)
    for (auto with : {'\0', '\x7f', '\xff'}) {
      auto bad = compiled;
      bad[at] = with;
      auto x = message_schema::from_descriptors(bad);
      if (auto* good = std::get_if<0>(&x))
        for (auto& name : (*good)->messages())
          (*good)->to_protobuf(name, R"({"b":7})");
    }
}

} // namespace
} // namespace shoal::mgw
