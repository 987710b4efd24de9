// Reading and trimming ops, listing cursors, finding due streams: over the database that can be
// damaged.
#include <gtest/gtest.h>

#include "storage/cursor_table.hpp"
#include "storage/keys.hpp"
#include "storage/oplog_table.hpp"
#include "storage/sweep_index.hpp"

namespace shoal::storage {
namespace {

constexpr auto p = static_cast<partition_no>(3);
const auto u1 = stream_key{static_cast<app_no>(1), principal::user("u1"), static_cast<biz_no>(2)};
const auto u2 = stream_key{static_cast<app_no>(1), principal::user("u2"), static_cast<biz_no>(2)};

class tables_test : public ::testing::Test {
public:
  void put_op(const stream_key& s, std::uint64_t id, std::string client_key = {}) {
    auto op = op_record{};
    op.id = id;
    op.payload.assign(100, 'x');
    op.client_key = client_key;
    auto key = op_key(p, s, id);
    auto batch = write_batch{};
    batch.put(key, encode(op, key));
    if (!client_key.empty()) {
      auto row = idempotency_key(p, s, client_key);
      batch.put(row, encode_idempotency(id, 0, row));
    }
    db->write(batch, false);
  }

  void put_ops(const stream_key& s, std::uint64_t from, std::uint64_t to) {
    for (auto id = from; id <= to; ++id)
      put_op(s, id, std::string{"k"} + std::to_string(id));
  }

  void erase(std::string key) {
    auto batch = write_batch{};
    batch.erase(std::move(key));
    db->write(batch, false);
  }

  void put_cursor(std::string_view subject, std::uint64_t id) {
    auto key = cursor_key(p, u1, subject);
    auto batch = write_batch{};
    batch.put(key, encode(cursor_record{{1, id}, 5}, key));
    db->write(batch, false);
  }

  page read(std::uint64_t after, std::size_t max_ops = 100, std::size_t max_bytes = 1u << 20) {
    auto out = page{};
    EXPECT_EQ(read_page(*db, p, u1, after, max_ops, max_bytes, out), ec::none);
    return out;
  }

  std::vector<std::uint64_t> ids(const page& x) {
    auto out = std::vector<std::uint64_t>{};
    for (const auto& op : x.ops)
      out.push_back(op->id);
    return out;
  }

  using id_list = std::vector<std::uint64_t>;

  std::unique_ptr<faulty_database> db = make_faulty_database();
};

class oplog_table : public tables_test {};
class cursor_table : public tables_test {};
class sweep_index : public tables_test {};

TEST_F(oplog_table, reads_what_is_behind_a_position_and_nothing_of_others) {
  put_ops(u1, 1, 4);
  put_ops(u2, 1, 9);
  EXPECT_EQ(ids(read(2)), (id_list{3, 4}));
  EXPECT_EQ(ids(read(0)), (id_list{1, 2, 3, 4}));
  EXPECT_EQ(ids(read(4)), id_list{});
  EXPECT_EQ(ids(read(~0ull)), id_list{});
  EXPECT_FALSE(read(0).more);
  EXPECT_EQ(read(0).damaged_id, 0u);
  EXPECT_EQ(read(3).ops.at(0)->client_key, "k4");
}

TEST_F(oplog_table, says_when_a_page_was_cut_by_count) {
  put_ops(u1, 1, 5);
  auto x = read(0, 3);
  EXPECT_EQ(ids(x), (id_list{1, 2, 3}));
  EXPECT_TRUE(x.more);
  EXPECT_FALSE(read(2, 3).more) << "exactly the rest is not cut";
  EXPECT_TRUE(read(0, 0).more);
}

TEST_F(oplog_table, says_when_a_page_was_cut_by_bytes_but_always_gives_one) {
  put_ops(u1, 1, 5);
  auto x = read(0, 100, 300);
  EXPECT_EQ(ids(x), (id_list{1, 2}));
  EXPECT_TRUE(x.more);
  EXPECT_EQ(ids(read(0, 100, 1)), id_list{1});
  EXPECT_FALSE(read(4, 100, 1).more);
}

TEST_F(oplog_table, reads_behind_a_floor) {
  put_ops(u1, 7, 8);
  EXPECT_EQ(ids(read(2)), (id_list{7, 8}));
}

TEST_F(oplog_table, stops_before_a_damaged_record_and_names_it) {
  put_ops(u1, 1, 5);
  ASSERT_TRUE(db->flip_bit(op_key(p, u1, 3), 100));
  auto x = read(0);
  EXPECT_EQ(ids(x), (id_list{1, 2}));
  EXPECT_EQ(x.damaged_id, 3u);
  EXPECT_EQ(ids(read(3)), (id_list{4, 5})) << "what is behind it is not affected";
  EXPECT_EQ(read(2).damaged_id, 3u);
}

TEST_F(oplog_table, notices_a_missing_record) {
  put_ops(u1, 1, 5);
  erase(op_key(p, u1, 3));
  auto x = read(0);
  EXPECT_EQ(ids(x), (id_list{1, 2}));
  EXPECT_EQ(x.damaged_id, 3u);
}

TEST_F(oplog_table, notices_a_record_under_the_wrong_id) {
  put_ops(u1, 1, 2);
  auto value = std::string{};
  ASSERT_EQ(db->get(op_key(p, u1, 1), value), lookup::found);
  auto batch = write_batch{};
  batch.put(op_key(p, u1, 2), value);
  db->write(batch, false);
  EXPECT_EQ(read(0).damaged_id, 2u);
}

class trimming : public tables_test {
public:
  ec trim_up_to(std::uint64_t floor, std::uint64_t last, std::uint64_t dead_up_to,
      std::size_t max_ops = 100) {
    batch = {};
    return trim(
        *db, p, u1, floor, last, [&](const op_record& op) { return op.id <= dead_up_to; }, max_ops,
        batch, new_floor);
  }

  write_batch batch;
  std::uint64_t new_floor = 0;
};

TEST_F(trimming, erases_dead_ops_and_their_client_keys_from_the_low_end) {
  put_ops(u1, 1, 5);
  put_ops(u2, 1, 5);
  EXPECT_EQ(trim_up_to(0, 5, 3), ec::none);
  EXPECT_EQ(new_floor, 3u);
  EXPECT_EQ(batch.rows().size(), 6u);
  EXPECT_EQ(db->write(batch, true), ec::none);
  EXPECT_EQ(ids(read(0)), (id_list{4, 5}));
  auto value = std::string{};
  EXPECT_EQ(db->get(idempotency_key(p, u1, "k3"), value), lookup::missing);
  EXPECT_EQ(db->get(idempotency_key(p, u1, "k4"), value), lookup::found);
  EXPECT_EQ(db->get(idempotency_key(p, u2, "k3"), value), lookup::found);
}

TEST_F(trimming, goes_on_at_the_floor_in_steps) {
  put_ops(u1, 4, 9);
  EXPECT_EQ(trim_up_to(3, 9, 100, 2), ec::none);
  EXPECT_EQ(new_floor, 5u);
  EXPECT_EQ(trim_up_to(new_floor, 9, 100, 100), ec::none);
  EXPECT_EQ(new_floor, 9u);
}

TEST_F(trimming, ends_at_the_last_op) {
  put_ops(u1, 1, 5);
  EXPECT_EQ(trim_up_to(0, 4, 100), ec::none);
  EXPECT_EQ(new_floor, 4u);
  EXPECT_EQ(trim_up_to(5, 5, 100), ec::none);
  EXPECT_EQ(new_floor, 5u);
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(trim_up_to(0, 5, 0), ec::none);
  EXPECT_TRUE(batch.empty());
}

TEST_F(trimming, needs_no_client_key) {
  put_op(u1, 1);
  EXPECT_EQ(trim_up_to(0, 1, 1), ec::none);
  EXPECT_EQ(batch.rows().size(), 1u);
}

TEST_F(trimming, never_deletes_what_it_cannot_read) {
  put_ops(u1, 1, 5);
  db->flip_bit(op_key(p, u1, 3), 60);
  EXPECT_EQ(trim_up_to(0, 5, 100), ec::quarantined);
  EXPECT_EQ(new_floor, 2u);
  EXPECT_EQ(batch.rows().size(), 4u);
}

TEST_F(trimming, notices_missing_ops) {
  put_ops(u1, 1, 5);
  erase(op_key(p, u1, 2));
  EXPECT_EQ(trim_up_to(0, 5, 100), ec::quarantined);
  EXPECT_EQ(new_floor, 1u);
  EXPECT_EQ(trim_up_to(2, 6, 100), ec::quarantined) << "the stream says that there is a 6";
  EXPECT_EQ(new_floor, 5u);
}

TEST_F(cursor_table, lists_in_pages) {
  for (auto subject : {"a", "b", "ba", "c"})
    put_cursor(subject, 7);
  auto out = cursor_page{};
  ASSERT_EQ(list_cursors(*db, p, u1, "", 2, out), ec::none);
  ASSERT_EQ(out.entries.size(), 2u);
  EXPECT_TRUE(out.more);
  EXPECT_EQ(out.entries[1].subject, "b");
  EXPECT_EQ(out.entries[1].cursor, (cursor_record{{1, 7}, 5}));
  ASSERT_EQ(list_cursors(*db, p, u1, "b", 2, out), ec::none);
  ASSERT_EQ(out.entries.size(), 2u);
  EXPECT_EQ(out.entries[0].subject, "ba");
  EXPECT_FALSE(out.more);
  ASSERT_EQ(list_cursors(*db, p, u2, "", 2, out), ec::none);
  EXPECT_TRUE(out.entries.empty());
}

TEST_F(cursor_table, marks_a_damaged_cursor) {
  put_cursor("a", 7);
  put_cursor("b", 8);
  db->flip_bit(cursor_key(p, u1, "a"), 9);
  auto out = cursor_page{};
  ASSERT_EQ(list_cursors(*db, p, u1, "", 10, out), ec::none);
  ASSERT_EQ(out.entries.size(), 2u);
  EXPECT_TRUE(out.entries[0].damaged);
  EXPECT_EQ(out.entries[0].cursor, cursor_record{});
  EXPECT_FALSE(out.entries[1].damaged);
}

TEST_F(sweep_index, gives_due_streams_in_order_of_hour) {
  auto batch = write_batch{};
  put_sweep(batch, p, {11, u1});
  put_sweep(batch, p, {10, u2});
  put_sweep(batch, p, {12, u1});
  put_sweep(batch, static_cast<partition_no>(4), {1, u1});
  db->write(batch, false);
  auto out = sweep_page{};
  ASSERT_EQ(due_streams(*db, p, 11, 10, out), ec::none);
  EXPECT_EQ(out.streams, (std::vector<due_stream>{{10, u2}, {11, u1}}));
  EXPECT_FALSE(out.more);
  ASSERT_EQ(due_streams(*db, p, 9, 10, out), ec::none);
  EXPECT_TRUE(out.streams.empty());
  ASSERT_EQ(due_streams(*db, p, ~0u, 2, out), ec::none);
  EXPECT_EQ(out.streams.size(), 2u);
  EXPECT_TRUE(out.more);
}

TEST_F(sweep_index, forgets_erased_rows) {
  auto batch = write_batch{};
  put_sweep(batch, p, {10, u1});
  put_sweep(batch, p, {10, u2});
  erase_sweep(batch, p, {10, u1});
  db->write(batch, false);
  auto out = sweep_page{};
  ASSERT_EQ(due_streams(*db, p, 10, 10, out), ec::none);
  EXPECT_EQ(out.streams, (std::vector<due_stream>{{10, u2}}));
}

TEST_F(sweep_index, names_keys_that_name_no_stream) {
  auto bad = sweep_key(p, 10, u1) + "rest";
  auto batch = write_batch{};
  batch.put(bad, {});
  put_sweep(batch, p, {10, u2});
  db->write(batch, false);
  auto out = sweep_page{};
  ASSERT_EQ(due_streams(*db, p, 10, 10, out), ec::none);
  EXPECT_EQ(out.damaged, std::vector<std::string>{bad});
  EXPECT_EQ(out.streams.size(), 1u);
}

} // namespace
} // namespace shoal::storage
