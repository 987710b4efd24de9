// Logs are written here byte by byte, so that each test says what is in them.
#include <gtest/gtest.h>

#include "storage/records.hpp"
#include "storage/wal_check.hpp"
#include "tests/storage/hex.hpp"

namespace shoal::storage {
namespace {

constexpr std::uint64_t tag = 0x0123456789abcdef;

void put_little(std::string& out, std::uint64_t x, int bytes) {
  for (auto i = 0; i < bytes; ++i)
    out.push_back(static_cast<char>(x >> (8 * i)));
}

/// One log file, as RocksDB writes it.
class log_file {
public:
  /// A batch of `count` changes, with `payload` bytes.
  log_file& batch(std::uint64_t sequence, std::uint32_t count, std::uint64_t synced,
      std::size_t payload = 60, std::uint64_t tag_of_mark = tag) {
    auto record = std::string{};
    put_little(record, sequence, 8);
    put_little(record, count, 4);
    record += '\3';
    record += static_cast<char>(wal_mark_bytes);
    record += encode_wal_mark({tag_of_mark, synced});
    record.append(payload, 'x');
    add(record);
    return *this;
  }

  void add(std::string_view record) {
    for (auto begun = false, done = false; !done; begun = true) {
      auto room = wal_check::block_bytes - bytes.size() % wal_check::block_bytes;
      if (room < 7) {
        bytes.append(room, '\0');
        room = wal_check::block_bytes;
      }
      auto part = record.substr(0, room - 7);
      record.remove_prefix(part.size());
      done = record.empty();
      piece(static_cast<char>(begun ? done ? 4 : 3 : done ? 1 : 2), part);
    }
  }

  std::string bytes;

private:
  void piece(char type, std::string_view body) {
    auto sealed = std::string{type}.append(body);
    auto crc = crc32c(sealed);
    put_little(bytes, (crc >> 15 | crc << 17) + 0xa282ead8u, 4);
    put_little(bytes, body.size(), 2);
    bytes += sealed;
  }
};

wal_finding check(const std::vector<std::string>& logs, std::uint64_t own_tag = tag) {
  auto out = wal_check{own_tag};
  for (const auto& bytes : logs) {
    auto at = std::size_t{0};
    out.add([&](std::string_view& block) {
      block = std::string_view{bytes}.substr(at, wal_check::block_bytes);
      at += block.size();
      return !block.empty();
    });
  }
  return out.result();
}

std::string flipped(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  return bytes;
}

/// Three synced batches, and one behind them that says so.
struct wal_check_test : ::testing::Test {
  log_file log;
  std::vector<std::size_t> ends;

  wal_check_test() {
    for (auto i = 0u; i < 4; ++i) {
      log.batch(10 + 2 * i, 2, 9 + 2 * i);
      ends.push_back(log.bytes.size());
    }
  }
};

TEST_F(wal_check_test, finds_nothing_in_logs_that_are_whole) {
  auto x = check({log.bytes});
  EXPECT_FALSE(x.lost);
  EXPECT_EQ(x.reached, 17u);
  EXPECT_EQ(x.proven, 15u);
  EXPECT_FALSE(check({}).lost);
  EXPECT_FALSE(check({""}).lost);
}

TEST_F(wal_check_test, takes_no_torn_end_for_a_loss) {
  for (std::size_t size = 0; size < log.bytes.size(); ++size)
    EXPECT_FALSE(check({log.bytes.substr(0, size)}).lost) << size;
}

TEST_F(wal_check_test, finds_the_loss_behind_damage_to_any_byte_before_the_last_batch) {
  for (auto at = ends[0]; at < ends[2]; ++at) {
    auto x = check({flipped(log.bytes, at)});
    EXPECT_TRUE(x.lost) << at;
    EXPECT_LT(x.reached, x.proven) << at;
  }
}

TEST_F(wal_check_test, finds_damage_to_the_first_batch_only_if_all_of_it_was_synced) {
  for (std::size_t at = 0; at < ends[0]; ++at)
    EXPECT_TRUE(check({flipped(log.bytes, at)}).lost) << at;
  auto unsynced = log_file{};
  unsynced.batch(10, 2, 9).batch(12, 2, 9).batch(14, 2, 9);
  EXPECT_FALSE(check({flipped(unsynced.bytes, 30)}).lost) << "9 may be in a table";
}

TEST_F(wal_check_test, cannot_know_of_damage_to_the_last_batch) {
  for (auto at = ends[2]; at < ends[3]; ++at)
    EXPECT_FALSE(check({flipped(log.bytes, at)}).lost) << at;
}

TEST_F(wal_check_test, takes_pages_that_a_power_failure_wrote_out_of_order_for_no_loss) {
  auto unsynced = log_file{};
  unsynced.batch(10, 2, 9);
  auto hole = unsynced.bytes.size();
  unsynced.batch(12, 2, 11).batch(14, 2, 11).batch(16, 2, 11);
  for (auto at = hole; at < unsynced.bytes.size(); ++at)
    EXPECT_FALSE(check({flipped(unsynced.bytes, at)}).lost) << at;
  auto zeros = unsynced.bytes;
  zeros.replace(hole, 80, 80, '\0');
  EXPECT_FALSE(check({zeros}).lost);
}

TEST_F(wal_check_test, finds_zeros_where_something_was_synced) {
  auto zeros = log.bytes;
  zeros.replace(ends[0], 80, 80, '\0');
  EXPECT_TRUE(check({zeros}).lost);
}

TEST_F(wal_check_test, takes_zeros_at_the_end_for_space_that_was_set_aside) {
  auto next = log_file{};
  next.batch(19, 1, 17); // a change without the log came between
  EXPECT_FALSE(check({log.bytes + std::string(100'000, '\0'), next.bytes}).lost);
}

TEST_F(wal_check_test, believes_no_marks_but_its_own) {
  EXPECT_FALSE(check({flipped(log.bytes, ends[0] + 30)}, tag + 1).lost);
  EXPECT_FALSE(check({flipped(log.bytes, ends[0] + 30)}, 0).lost) << "no identity, no marks";
}

TEST_F(wal_check_test, believes_no_caller_who_writes_what_looks_like_a_log) {
  auto fake = log_file{};
  fake.batch(1'000, 1, 999, 60, tag + 1);
  auto victim = log_file{};
  victim.batch(10, 2, 9).batch(12, 2, 11);
  auto at = victim.bytes.size();
  victim.add(std::string(12, '\1') + fake.bytes);
  EXPECT_FALSE(check({flipped(victim.bytes, at)}).lost);
}

TEST_F(wal_check_test, follows_batches_over_many_blocks) {
  auto big = log_file{};
  big.batch(10, 2, 9, 100'000).batch(12, 2, 11, 50'000).batch(14, 2, 13, 40'000).batch(16, 1, 15);
  auto whole = check({big.bytes});
  EXPECT_EQ(whole.reached, 16u);
  EXPECT_FALSE(whole.lost);
  for (std::size_t at = 0; at < 150'000; at += 1'111)
    EXPECT_TRUE(check({flipped(big.bytes, at)}).lost) << at;
}

TEST_F(wal_check_test, finds_a_loss_in_one_log_by_the_marks_of_the_next) {
  auto next = log_file{};
  next.batch(18, 2, 17);
  EXPECT_FALSE(check({log.bytes, next.bytes}).lost);
  for (auto at = ends[0]; at < ends[3]; ++at)
    EXPECT_TRUE(check({flipped(log.bytes, at), next.bytes}).lost) << at;
  EXPECT_TRUE(check({log.bytes.substr(0, ends[1]), next.bytes}).lost) << "the log was cut short";
}

TEST_F(wal_check_test, goes_on_in_a_log_that_begins_where_recovery_ended_before) {
  auto later = log_file{};
  later.batch(16, 2, 15).batch(18, 2, 17);
  auto x = check({log.bytes.substr(0, ends[2] + 20), later.bytes});
  EXPECT_FALSE(x.lost);
  EXPECT_EQ(x.reached, 19u);
}

TEST_F(wal_check_test, survives_any_bytes) {
  auto noise = std::string{};
  auto x = std::uint32_t{1};
  for (auto i = 0; i < 200'000; ++i)
    noise.push_back(static_cast<char>((x = x * 1'664'525u + 1'013'904'223u) >> 24));
  EXPECT_FALSE(check({noise}).lost);
  EXPECT_TRUE(check({noise, log.bytes}).lost) << "a log that is needed, and all in it was synced";
}

TEST(wal_mark, is_the_tag_and_the_number_big_endian) {
  EXPECT_EQ(hex(encode_wal_mark({tag, 258})), "0123456789abcdef0000000000000102");
  EXPECT_EQ(wal_tag_of("01234567-89ab-cdef-ffff-ffffffffffff\n"), tag);
  EXPECT_EQ(wal_tag_of(""), 0u);
  EXPECT_EQ(wal_tag_of("01234567-89AB-cdef"), 0u);
}

} // namespace
} // namespace shoal::storage
