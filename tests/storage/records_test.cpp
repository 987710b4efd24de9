#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "storage/crc32c.hpp"
#include "storage/record_bytes.hpp"
#include "storage/records.hpp"
#include "tests/storage/hex.hpp"

namespace shoal::storage {
namespace {

constexpr auto key = std::string_view{"key"};

op_record plain_op() {
  auto x = op_record{};
  x.id = 300;
  x.time_ms = 1'700'000'000'000;
  x.valid_until_ms = x.time_ms + 30ll * 24 * 3600 * 1000;
  x.payload = "hi";
  return x;
}

op_record rich_op() {
  auto x = plain_op();
  x.valid_from_ms = x.time_ms + 1000;
  x.client_key = "order-1";
  x.filter.os = "android";
  x.filter.min_app_version = "1.2";
  x.filter.max_app_version = "3";
  x.filter.regions = {"eu", ""};
  x.filter.models = {"m"};
  x.filter.networks = {"wifi"};
  x.filter.tags = {{"a", "1"}, {"b", ""}};
  x.filter.users = {"u1", "u2"};
  x.filter.min_uid = 1;
  x.filter.max_uid = std::numeric_limits<std::uint64_t>::max();
  return x;
}

device_record some_device() {
  return {"u1", "ios", "1.0", "eu", "m", "wifi", "cpp/1", {{"tier", "gold"}}, 5, 6};
}

TEST(records, have_the_bytes_that_the_readme_says) {
  EXPECT_EQ(hex(encode(plain_op(), key)), "0100ac0280a0abfef96280c0a1a68d636869a427b74e");
  EXPECT_EQ(hex(encode(stream_meta{300, 2, 1}, key)), "01ac020201e621fdff");
  EXPECT_EQ(hex(encode(cursor_record{{9, 300}, 64}, key)), "0109ac028001ff36dd47");
  EXPECT_EQ(hex(encode(log_place{1, 300}, key)), "0101ac024c8b5e10");
  EXPECT_EQ(hex(encode_idempotency(300, 64, key)), "01ac0280013aa737e8");
  EXPECT_EQ(hex(encode(gateway_head{300, 2}, key)).substr(0, 8), "01ac0202");
  EXPECT_EQ(hex(encode(gateway_change_record{2, "hi"}, key)).substr(0, 8), "01026869");
  EXPECT_EQ(hex(encode(some_device(), key)),
      "0102753103696f7303312e30026575016d0477696669056370702f3101047469657204676f6c640a0c0588b6c2");
  EXPECT_EQ(hex(encode(rich_op(), key)),
      "0107ac0280a0abfef962d0afabfef96280c0a1a68d63076f726465722d31ff0707616e64726f6964"
      "03312e320133020265750001016d01047769666902016101310162000202753102753201ffffffff"
      "ffffffffff0168696aca1f2f");
}

TEST(records, are_read_back) {
  for (const auto& x : {plain_op(), rich_op(), op_record{}}) {
    auto out = op_record{};
    ASSERT_TRUE(decode(encode(x, key), key, out));
    EXPECT_EQ(out, x);
  }
  auto meta = stream_meta{};
  ASSERT_TRUE(decode(encode(stream_meta{~0ull, 5, 0}, key), key, meta));
  EXPECT_EQ(meta, (stream_meta{~0ull, 5, 0}));
  auto cursor = cursor_record{};
  ASSERT_TRUE(decode(encode(cursor_record{{1, 2}, -3}, key), key, cursor));
  EXPECT_EQ(cursor, (cursor_record{{1, 2}, -3}));
  auto device = device_record{};
  ASSERT_TRUE(decode(encode(some_device(), key), key, device));
  EXPECT_EQ(device, some_device());
  auto place = log_place{};
  ASSERT_TRUE(decode(encode(log_place{3, 4}, key), key, place));
  EXPECT_EQ(place, (log_place{3, 4}));
  auto id = std::uint64_t{0};
  auto time = std::int64_t{0};
  ASSERT_TRUE(decode_idempotency(encode_idempotency(7, 8, key), key, id, time));
  EXPECT_EQ(id, 7u);
  EXPECT_EQ(time, 8);
}

TEST(records, keep_the_extremes_of_time) {
  for (auto t : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
           std::int64_t{-1}}) {
    auto out = cursor_record{};
    ASSERT_TRUE(decode(encode(cursor_record{{}, t}, key), key, out));
    EXPECT_EQ(out.time_ms, t);
  }
}

TEST(records, cost_an_unfiltered_op_at_most_40_bytes) {
  auto x = plain_op();
  x.id = 1'000'000;
  x.payload.assign(200, 'x');
  EXPECT_LE(encode(x, key).size(), 240u);
}

TEST(records, of_a_reused_output_leave_nothing_behind) {
  auto out = rich_op();
  ASSERT_TRUE(decode(encode(plain_op(), key), key, out));
  EXPECT_EQ(out, plain_op());
}

/// Calls `check(name, bytes, accepts)` for one small record of each kind.
template <class Check>
void for_each_kind(Check check) {
  check("op", encode(rich_op(), key), [](std::string_view bytes, std::string_view at) {
    auto x = op_record{};
    return decode(bytes, at, x);
  });
  check(
      "meta", encode(stream_meta{300, 2, 1}, key), [](std::string_view bytes, std::string_view at) {
        auto x = stream_meta{};
        return decode(bytes, at, x);
      });
  check("cursor", encode(cursor_record{{9, 300}, 64}, key),
      [](std::string_view bytes, std::string_view at) {
        auto x = cursor_record{};
        return decode(bytes, at, x);
      });
  check("device", encode(some_device(), key), [](std::string_view bytes, std::string_view at) {
    auto x = device_record{};
    return decode(bytes, at, x);
  });
  check("place", encode(log_place{1, 300}, key), [](std::string_view bytes, std::string_view at) {
    auto x = log_place{};
    return decode(bytes, at, x);
  });
  check("idempotency", encode_idempotency(300, 64, key),
      [](std::string_view bytes, std::string_view at) {
        auto id = std::uint64_t{0};
        auto time = std::int64_t{0};
        return decode_idempotency(bytes, at, id, time);
      });
}

TEST(records, notice_every_single_flipped_bit) {
  for_each_kind([](const char* name, std::string bytes, auto accepts) {
    ASSERT_TRUE(accepts(bytes, key)) << name;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      auto damaged = bytes;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_FALSE(accepts(damaged, key)) << name << ", bit " << bit;
    }
  });
}

TEST(records, notice_that_they_were_cut_extended_or_moved) {
  for_each_kind([](const char* name, std::string bytes, auto accepts) {
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(accepts(std::string_view{bytes}.substr(0, size), key)) << name << size;
    EXPECT_FALSE(accepts(bytes + '\0', key)) << name;
    EXPECT_FALSE(accepts(bytes, "kez")) << name;
  });
}

/// A valid frame around arbitrary fields: gets past the checksum.
std::string sealed(std::string_view fields) { return record_writer{0}.rest(fields).seal(key); }

TEST(records, refuse_fields_that_the_writer_never_makes) {
  auto accepts_meta = [](std::string_view fields) {
    auto x = stream_meta{};
    return decode(sealed(fields), key, x);
  };
  using namespace std::string_view_literals;
  EXPECT_TRUE(accepts_meta("\1\2\3"sv));
  EXPECT_FALSE(accepts_meta("\1\2"sv)) << "a field is missing";
  EXPECT_FALSE(accepts_meta("\1\2\3\4"sv)) << "something is left over";
  EXPECT_FALSE(accepts_meta("\1\2\x83\0"sv)) << "a longer way to write 3";
  EXPECT_FALSE(accepts_meta("\1\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\2"sv)) << "more than 64 bits";
  EXPECT_FALSE(accepts_meta("\1\2\x80"sv)) << "a number without end";
  auto accepts_op = [](std::string_view fields) {
    auto x = op_record{};
    return decode(sealed(fields), key, x);
  };
  EXPECT_TRUE(accepts_op("\0\1\2\2"sv));
  EXPECT_FALSE(accepts_op("\x08\1\2\2"sv)) << "an unknown part";
  EXPECT_FALSE(accepts_op("\1\1\2\2\0"sv)) << "an empty client key";
  EXPECT_FALSE(accepts_op("\1\1\2\2\x7f"sv)) << "a text longer than the record";
  EXPECT_FALSE(accepts_op("\2\1\2\2\0"sv)) << "an empty filter";
  EXPECT_FALSE(accepts_op("\2\1\2\2\x80\x08"sv)) << "an unknown filter";
  EXPECT_FALSE(accepts_op("\2\1\2\2\x08\xff\xff\xff\xff\x0f"sv)) << "four billion regions";
  EXPECT_FALSE(accepts_op("\2\1\2\2\x40\2\1b\0\1a\0"sv)) << "tags out of order";
  EXPECT_FALSE(accepts_op("\4\1\2\0\2"sv)) << "a start of validity that is none";
}

TEST(records, of_another_version_are_refused) {
  auto bytes = std::string{"\2\1\2\3", 4};
  auto crc = crc32c(bytes, crc32c(key));
  for (auto shift : {24, 16, 8, 0})
    bytes.push_back(static_cast<char>(crc >> shift));
  auto x = stream_meta{};
  EXPECT_FALSE(decode(bytes, key, x));
}

TEST(records, of_random_fields_never_crash_and_read_back_as_they_were) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  auto body = encode(rich_op(), key);
  body = body.substr(1, body.size() - 5);
  auto accepted = 0;
  for (auto round = 0; round < 50000; ++round) {
    auto fields = body;
    for (auto changes = random() % 4 + 1; changes > 0; --changes)
      fields[random() % fields.size()] = static_cast<char>(random());
    fields.resize(random() % 4 == 0 ? random() % fields.size() : fields.size());
    auto bytes = sealed(fields);
    auto op = op_record{};
    if (decode(bytes, key, op)) {
      ++accepted;
      EXPECT_EQ(encode(op, key), bytes);
    }
    auto device = device_record{};
    if (decode(bytes, key, device)) {
      EXPECT_EQ(encode(device, key), bytes);
    }
  }
  EXPECT_GT(accepted, 0) << "the mutations never got past the first field";
}

TEST(crc32c, agrees_with_the_published_check_value) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c_portable("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(crc32c, is_the_same_with_and_without_the_instruction) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto random = std::mt19937{seed};
  for (std::size_t size = 0; size < 100; ++size) {
    auto bytes = std::string(size, '\0');
    for (auto& c : bytes)
      c = static_cast<char>(random());
    auto start = static_cast<std::uint32_t>(random());
    EXPECT_EQ(crc32c(bytes, start), crc32c_portable(bytes, start)) << size;
  }
}

TEST(crc32c, continues_where_it_stopped) {
  EXPECT_EQ(crc32c("6789", crc32c("12345")), crc32c("123456789"));
}

} // namespace
} // namespace shoal::storage
