#include <algorithm>
#include <random>
#include <stdexcept>

#include <gtest/gtest.h>

#include "storage/database.hpp"
#include "storage/keys.hpp"
#include "tests/storage/hex.hpp"

namespace shoal::storage {
namespace {

constexpr auto p7 = static_cast<partition_no>(7);
constexpr auto app2 = static_cast<app_no>(2);
const auto u1 = stream_key{app2, principal::user("u1"), static_cast<biz_no>(3)};
const auto everyone = stream_key{app2, principal::global(), static_cast<biz_no>(3)};

TEST(keys, have_the_bytes_that_the_readme_says) {
  EXPECT_EQ(hex(identity_key("format")), "21666f726d6174");
  EXPECT_EQ(hex(stream_meta_key(p7, u1)), "530007000000020102753100000003");
  EXPECT_EQ(hex(stream_meta_key(p7, everyone)), "53000700000002030000000003");
  EXPECT_EQ(hex(op_prefix(p7, u1)), "4f0007000000020102753100000003");
  EXPECT_EQ(hex(op_key(p7, u1, 258)), "4f00070000000201027531000000030000000000000102");
  EXPECT_EQ(hex(idempotency_key(p7, u1, "k9")), "4900070000000201027531000000036b39");
  EXPECT_EQ(hex(cursor_key(p7, u1, "d1")), "4300070000000201027531000000036431");
  EXPECT_EQ(hex(sweep_prefix(p7)), "580007");
  EXPECT_EQ(hex(sweep_key(p7, 0x01020304, u1)), "58000701020304000000020102753100000003");
  EXPECT_EQ(hex(device_key(p7, app2, "d1")), "440007000000026431");
  EXPECT_EQ(hex(log_place_key(p7)), "4c0007");
  EXPECT_EQ(hex(object_key("app", "shop")), "540361707073686f70");
  EXPECT_EQ(hex(audit_key(app2, 0x0102, 5)), "4100000002000000000000010200000005");
  EXPECT_EQ(hex(gateway_entry_key(app2, 'a', "a.b")), "47650000000261612e62");
  EXPECT_EQ(hex(gateway_head_key()), "4768");
  EXPECT_EQ(hex(gateway_change_key(258)), "476c0000000000000102");
  EXPECT_EQ(hex(gateway_version_key(app2, "a.b", 3)), "47760000000203612e6200000003");
}

TEST(keys, begin_with_their_prefix) {
  EXPECT_TRUE(op_key(p7, u1, 1).starts_with(op_prefix(p7, u1)));
  EXPECT_TRUE(cursor_key(p7, u1, "d1").starts_with(cursor_prefix(p7, u1)));
  EXPECT_TRUE(sweep_key(p7, 1, u1).starts_with(sweep_prefix(p7)));
  EXPECT_TRUE(device_key(p7, app2, "d1").starts_with(device_prefix(p7, app2)));
  EXPECT_TRUE(object_key("app", "shop").starts_with(object_prefix("app")));
  EXPECT_TRUE(audit_key(app2, 1, 1).starts_with(audit_prefix(app2)));
}

TEST(keys, sort_ops_by_id) {
  EXPECT_LT(op_key(p7, u1, 255), op_key(p7, u1, 256));
  EXPECT_LT(op_key(p7, u1, 0x7fffffffffffffff), op_key(p7, u1, 0x8000000000000000));
}

TEST(keys, of_one_principal_are_never_a_prefix_of_another) {
  auto longer = u1;
  longer.who.id = "u12";
  EXPECT_FALSE(op_prefix(p7, longer).starts_with(op_prefix(p7, u1)));
  auto crafted = u1;
  crafted.who.id = std::string{"u1\0\0\0\3", 6};
  EXPECT_FALSE(op_prefix(p7, crafted).starts_with(op_prefix(p7, u1)));
  auto device = u1;
  device.who = principal::device("u1");
  EXPECT_NE(op_prefix(p7, device), op_prefix(p7, u1));
  EXPECT_FALSE(object_key("app", "x").starts_with(object_prefix("ap")));
}

TEST(keys, refuse_a_principal_that_would_have_to_be_cut) {
  auto s = u1;
  s.who.id.assign(256, 'x');
  EXPECT_THROW(op_prefix(p7, s), std::length_error);
  s.who.id.pop_back();
  EXPECT_NO_THROW(op_prefix(p7, s));
}

TEST(keys, give_back_subject_and_id) {
  auto subject = std::string{"d1\0u1", 5};
  EXPECT_EQ(subject_of(cursor_key(p7, everyone, subject), cursor_prefix(p7, everyone)), subject);
  EXPECT_EQ(subject_of("C", cursor_prefix(p7, everyone)), "");
  EXPECT_EQ(op_id_of(op_key(p7, u1, 0x0102030405060708)), 0x0102030405060708u);
  EXPECT_EQ(op_id_of("short"), 0u);
}

TEST(sweep_keys, are_read_back) {
  for (const auto& s : {u1, everyone}) {
    auto p = partition_no{};
    auto hour = std::uint32_t{0};
    auto out = stream_key{};
    ASSERT_TRUE(parse_sweep_key(sweep_key(p7, 490000, s), p, hour, out));
    EXPECT_EQ(p, p7);
    EXPECT_EQ(hour, 490000u);
    EXPECT_EQ(out, s);
  }
}

TEST(gateway_keys, of_entries_are_read_back_and_others_refused) {
  auto app = app_no{};
  auto kind = char{};
  auto name = std::string{};
  EXPECT_TRUE(parse_gateway_entry_key(gateway_entry_key(app2, 'g', "orders"), app, kind, name));
  EXPECT_EQ(app, app2);
  EXPECT_EQ(kind, 'g');
  EXPECT_EQ(name, "orders");
  EXPECT_TRUE(parse_gateway_entry_key(gateway_entry_key(app2, 's', ""), app, kind, name));
  EXPECT_EQ(name, "");
  EXPECT_FALSE(parse_gateway_entry_key(gateway_entry_prefix(app2), app, kind, name));
  EXPECT_FALSE(parse_gateway_entry_key(gateway_head_key(), app, kind, name));
  EXPECT_FALSE(parse_gateway_entry_key("", app, kind, name));
}

TEST(sweep_keys, are_refused_when_cut_extended_or_of_another_table) {
  auto key = sweep_key(p7, 490000, u1);
  auto p = partition_no{};
  auto hour = std::uint32_t{0};
  auto out = stream_key{};
  for (std::size_t size = 0; size < key.size(); ++size)
    EXPECT_FALSE(parse_sweep_key(std::string_view{key}.substr(0, size), p, hour, out)) << size;
  EXPECT_FALSE(parse_sweep_key(key + 'x', p, hour, out));
  EXPECT_FALSE(parse_sweep_key(op_key(p7, u1, 1), p, hour, out));
  key[11] = 9; // no such kind of principal
  EXPECT_FALSE(parse_sweep_key(key, p, hour, out));
}

TEST(sweep_keys, of_random_bytes_never_crash) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  for (auto round = 0; round < 20000; ++round) {
    auto key = std::string(random() % 40, 'X');
    for (std::size_t i = 1; i < key.size(); ++i)
      key[i] = static_cast<char>(random() % (i < 12 ? 4 : 256));
    auto p = partition_no{};
    auto hour = std::uint32_t{0};
    auto s = stream_key{};
    if (parse_sweep_key(key, p, hour, s)) {
      EXPECT_EQ(sweep_key(p, hour, s), key);
    }
  }
}

TEST(prefix_end, is_the_first_key_behind_the_prefix) {
  EXPECT_EQ(prefix_end("ab"), "ac");
  EXPECT_EQ(prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(prefix_end("\xff"), "");
  EXPECT_EQ(prefix_end(""), "");
  EXPECT_LT(cursor_key(p7, u1, "\xff\xff\xff"), prefix_end(cursor_prefix(p7, u1)));
}

} // namespace
} // namespace shoal::storage
