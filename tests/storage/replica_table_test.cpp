// A replica's log on disk, over the memory database and over RocksDB.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/replica_table.hpp"
#include "tests/storage/hex.hpp"
#include "tests/storage/scratch_folder.hpp"

namespace shoal::storage {
namespace {

constexpr auto p7 = partition_no{7};

replica_entry entry(std::uint64_t epoch, std::uint64_t lsn, std::string payload = "") {
  return {{epoch, lsn}, false, std::make_shared<const std::string>(std::move(payload))};
}

std::string cursor_row(const std::string& who) {
  return cursor_key(p7, {app_no{1}, principal::user(who), biz_no{1}}, "d");
}

class replica_table : public ::testing::Test {
protected:
  void write(const write_batch& rows) { ASSERT_EQ(db->write(rows, true), ec::none); }
  void add(const std::vector<replica_entry>& xs) {
    write_batch rows;
    for (auto& x : xs)
      put_entry(p7, x, rows);
    write(rows);
  }

  replica_start start() {
    replica_start out;
    cleanup = {};
    EXPECT_EQ(read_replica(*db, p7, out, cleanup), ec::none);
    return out;
  }

  /// Two rows for each of `n` users.
  void fill(int n) {
    write_batch rows;
    for (auto i = 0; i < n; ++i) {
      rows.put(cursor_row("u" + std::to_string(i)), std::string(20, 'c'));
      rows.put(
          op_key(p7, {app_no{1}, principal::user("u"), biz_no{1}}, std::uint64_t(i) + 1), "op");
    }
    write(rows);
  }

  std::size_t count_rows() {
    std::string after, data;
    write_batch rows;
    auto more = false;
    auto view = db->snapshot();
    EXPECT_EQ(read_chunk(*view, p7, after, std::size_t{1} << 30, data, more), ec::none);
    EXPECT_TRUE(decode_rows(data, rows));
    return rows.rows().size();
  }

  std::unique_ptr<faulty_database> db = make_faulty_database();
  write_batch cleanup;
};

TEST(replica_bytes, keys_and_records_are_as_documented) {
  EXPECT_EQ(hex(entry_key(p7, 258)), "4500070000000000000102");
  EXPECT_EQ(hex(promise_key(p7)), "500007");
  auto key = promise_key(p7);
  EXPECT_EQ(
      hex(encode(replica_promise{3, 4, {2, 300}, {5, 6}}, key)).substr(0, 16), "01030402ac020506");
  auto at = entry_key(p7, 5);
  EXPECT_EQ(hex(encode_entry(entry(3, 5, "x"), at)).substr(0, 8), "01030078");
  EXPECT_EQ(hex(encode_entry({{3, 5}, true, nullptr}, at)).substr(0, 6), "010301");
  EXPECT_EQ(hex(staged_key(p7, 1)), "51000700000001");
}

TEST(replica_bytes, rows_come_back_as_they_were) {
  write_batch rows;
  rows.put("key", std::string(300, 'v'));
  rows.erase("gone");
  rows.put("", "");
  write_batch back;
  ASSERT_TRUE(decode_rows(encode_rows(rows), back));
  ASSERT_EQ(back.rows().size(), 3u);
  EXPECT_EQ(back.rows()[0].value, std::string(300, 'v'));
  EXPECT_TRUE(back.rows()[1].erase);
  EXPECT_EQ(back.rows()[2].key, "");
}

TEST(replica_bytes, refuse_rows_that_are_cut_or_longer_than_they_say) {
  write_batch rows;
  rows.put("key", "value");
  auto bytes = encode_rows(rows);
  for (std::size_t n = 1; n < bytes.size(); ++n) {
    write_batch back;
    EXPECT_FALSE(decode_rows(std::string_view{bytes}.substr(0, n), back)) << n;
  }
  write_batch back;
  EXPECT_FALSE(decode_rows(std::string{"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01k", 12}, back));
  EXPECT_FALSE(decode_rows("\x02key", back));
}

TEST_F(replica_table, an_empty_log_starts_at_nothing) {
  auto x = start();
  EXPECT_EQ(x.last, log_place{});
  EXPECT_EQ(x.applied, log_place{});
  EXPECT_FALSE(x.damaged);
}

TEST_F(replica_table, finds_its_last_entry) {
  add({entry(1, 1), entry(1, 2), entry(3, 3)});
  EXPECT_EQ(start().last, (log_place{3, 3}));
}

TEST_F(replica_table, entries_behind_a_gap_are_not_part_of_the_log) {
  add({entry(1, 1), entry(1, 3), entry(1, 4)});
  auto x = start();
  EXPECT_EQ(x.last, (log_place{1, 1}));
  EXPECT_FALSE(x.damaged);
  write(cleanup);
  add({entry(2, 2)});
  EXPECT_EQ(start().last, (log_place{2, 2}));
}

TEST_F(replica_table, a_flipped_entry_is_damage) {
  add({entry(1, 1, "a"), entry(1, 2, "b")});
  ASSERT_TRUE(db->flip_bit(entry_key(p7, 2), 12));
  EXPECT_TRUE(start().damaged);
  EXPECT_TRUE(cleanup.empty());
  std::vector<replica_entry> out;
  EXPECT_EQ(read_entries(*db, p7, 1, 1000, out), ec::quarantined);
  EXPECT_EQ(out.size(), 1u);
}

TEST_F(replica_table, tables_ahead_of_the_log_are_damage) {
  auto key = log_place_key(p7);
  write_batch rows;
  rows.put(key, encode(log_place{1, 5}, key));
  write(rows);
  EXPECT_TRUE(start().damaged);
}

TEST_F(replica_table, cutting_removes_what_was_behind) {
  add({entry(1, 1), entry(1, 2), entry(1, 3)});
  write_batch rows;
  erase_entries(p7, 2, 3, rows);
  put_entry(p7, entry(2, 2, "new"), rows);
  write(rows);
  EXPECT_EQ(start().last, (log_place{2, 2}));
  std::vector<replica_entry> out;
  EXPECT_EQ(read_entries(*db, p7, 1, 1000, out), ec::none);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(*out[1].payload, "new");
}

TEST_F(replica_table, reads_at_least_one_entry_however_big) {
  add({entry(1, 1, std::string(100, 'a')), entry(1, 2, std::string(100, 'b'))});
  std::vector<replica_entry> out;
  EXPECT_EQ(read_entries(*db, p7, 1, 10, out), ec::none);
  EXPECT_EQ(out.size(), 1u);
}

TEST_F(replica_table, a_trimmed_log_starts_behind_its_base) {
  add({entry(1, 1), entry(1, 2), entry(3, 3)});
  write_batch rows;
  put_promise(p7, {4, 0, {1, 2}, {}}, rows);
  write(rows);
  auto x = start();
  EXPECT_EQ(x.promise, (replica_promise{4, 0, {1, 2}, {}}));
  EXPECT_EQ(x.last, (log_place{3, 3}));
  EXPECT_EQ(x.runs, (std::vector<replica_run>{{3, 3}}));
  EXPECT_EQ(x.sizes.size(), x.last.lsn - x.promise.base.lsn);
}

TEST_F(replica_table, applying_adds_the_rows_of_an_entry) {
  write_batch rows, out;
  rows.put(cursor_row("u"), "value");
  ASSERT_TRUE(apply_entry(p7, entry(2, 9, encode_rows(rows)), out));
  ASSERT_TRUE(apply_entry(p7, {{2, 10}, true, nullptr}, out));
  EXPECT_EQ(out.rows().size(), 1u);
}

TEST_F(replica_table, refuses_to_apply_rows_of_another_partition) {
  write_batch rows, out;
  rows.put(cursor_key(partition_no{8}, {app_no{1}, principal::user("u"), biz_no{1}}, "d"), "x");
  EXPECT_FALSE(apply_entry(p7, entry(2, 9, encode_rows(rows)), out));
  EXPECT_FALSE(apply_entry(p7, entry(2, 9, "nonsense"), out));
  EXPECT_TRUE(out.empty());
}

TEST_F(replica_table, only_partition_zero_has_the_catalog_and_the_gateways_definitions) {
  write_batch rows;
  rows.put(object_key("app", "a"), "x");
  rows.put(gateway_head_key(), "x");
  EXPECT_TRUE(belongs_to(rows, partition_no{0}));
  EXPECT_FALSE(belongs_to(rows, p7));
}

TEST_F(replica_table, a_checkpoint_takes_the_rows_as_they_were) {
  fill(50);
  auto view = db->snapshot();
  fill(60); // later: not in it
  auto other = make_faulty_database();
  std::string after, data;
  std::uint32_t chunks = 0;
  for (auto more = true; more; ++chunks) {
    ASSERT_EQ(read_chunk(*view, p7, after, 200, data, more), ec::none);
    write_batch rows;
    put_staged(p7, chunks, data, rows);
    ASSERT_EQ(other->write(rows, true), ec::none);
  }
  EXPECT_GT(chunks, 5u);
  db = std::move(other);
  fill(3); // what the receiver had before
  ASSERT_EQ(install_staged(*db, p7, {5, 0, {}, {4, 77}}), ec::none);
  EXPECT_EQ(count_rows(), 100u);
  auto x = start();
  EXPECT_EQ(x.applied, (log_place{4, 77}));
  EXPECT_EQ(x.last, (log_place{4, 77}));
  EXPECT_EQ(x.promise, (replica_promise{5, 0, {4, 77}, {}}));
}

TEST_F(replica_table, a_damaged_chunk_is_not_installed) {
  write_batch rows;
  put_staged(p7, 0, "", rows);
  write(rows);
  ASSERT_TRUE(db->flip_bit(staged_key(p7, 0), 9));
  EXPECT_EQ(install_staged(*db, p7, {5, 0, {}, {4, 77}}), ec::quarantined);
  EXPECT_EQ(start().promise.installing, (log_place{4, 77})); // and everybody can see that
}

TEST_F(replica_table, clearing_removes_rows_and_log_and_nothing_else) {
  fill(6'000);
  add({entry(1, 1)});
  write_batch rows;
  put_promise(p7, {3, 0, {}, {}}, rows);
  rows.put(cursor_key(partition_no{8}, {app_no{1}, principal::user("u"), biz_no{1}}, "d"), "no");
  write(rows);
  ASSERT_EQ(clear_partition(*db, p7), ec::none);
  EXPECT_EQ(count_rows(), 0u);
  EXPECT_EQ(start().last, log_place{});
  EXPECT_EQ(start().promise.epoch, 3u);
  std::string value;
  EXPECT_EQ(db->get(rows.rows().back().key, value), lookup::found);
}

} // namespace
} // namespace shoal::storage
