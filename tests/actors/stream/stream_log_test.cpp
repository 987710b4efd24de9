#include <gtest/gtest.h>

#include "actors/stream/device_turn.hpp"
#include "actors/stream/stream_log.hpp"

namespace shoal {
namespace {

constexpr std::uint64_t epoch = 7;

biz_ptr news() {
  auto x = std::make_shared<biz_config>();
  x->name = "NEWS";
  return x;
}

storage::op_record op(std::string payload, std::string key = {}) {
  storage::op_record x;
  x.payload = std::move(payload);
  x.client_key = std::move(key);
  return x;
}

std::vector<std::uint64_t> ids(const op_batch_ptr& x) {
  std::vector<std::uint64_t> out;
  for (auto& y : x->ops)
    out.push_back(y->id);
  return out;
}

stream_log log_with(int committed, storage::stream_meta stored = {}) {
  stream_log x{news(), epoch, stored};
  for (int i = 0; i < committed; ++i)
    x.commit(x.assign(op("x"))->id);
  return x;
}

TEST(stream_log, hands_out_consecutive_ids_from_where_the_store_ends) {
  auto fresh = log_with(0);
  EXPECT_EQ(fresh.assign(op("a"))->id, 1u);
  EXPECT_EQ(fresh.assign(op("b"))->id, 2u);
  auto known = log_with(0, {41, 3, 0});
  EXPECT_EQ(known.assign(op("a"))->id, 42u);
  EXPECT_EQ(known.meta(), (storage::stream_meta{42, 3, 0}));
}

TEST(stream_log, shows_nothing_before_it_is_durable) {
  auto log = log_with(2);
  log.assign(op("c"));
  EXPECT_EQ(log.committed(), 2u);
  EXPECT_EQ(ids(log.read_tail(0, 10, 1000)), (std::vector<std::uint64_t>{1, 2}));
  auto batch = log.commit(3);
  EXPECT_EQ(batch->after, 2u);
  EXPECT_EQ(batch->upto, 3u);
  EXPECT_EQ(ids(batch), (std::vector<std::uint64_t>{3}));
}

TEST(stream_log, hands_ids_out_again_after_a_roll_back) {
  auto log = log_with(2);
  log.assign(op("lost", "k"));
  EXPECT_EQ(log.pending_id("k"), 3u);
  log.roll_back();
  EXPECT_EQ(log.pending_id("k"), 0u);
  EXPECT_EQ(log.assign(op("kept"))->id, 3u);
}

TEST(stream_log, knows_keys_of_what_is_being_written) {
  auto log = log_with(0);
  log.assign(op("a", "k1"));
  log.assign(op("b", "k2"));
  EXPECT_EQ(log.pending_id("k2"), 2u);
  log.commit(1);
  EXPECT_EQ(log.pending_id("k1"), 0u) << "from now on the store knows it";
  EXPECT_EQ(log.pending_id("k2"), 2u);
}

TEST(stream_log, reads_pages_out_of_memory_within_both_limits) {
  auto log = log_with(0);
  for (auto text : {"aaaa", "bbbb", "cccc"})
    log.commit(log.assign(op(text))->id);
  EXPECT_EQ(ids(log.read_tail(0, 2, 1000)), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(ids(log.read_tail(1, 10, 8)), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(ids(log.read_tail(0, 10, 1)), (std::vector<std::uint64_t>{1})) << "one always fits";
  EXPECT_TRUE(log.read_tail(3, 10, 1000)->ops.empty());
}

TEST(stream_log, says_so_when_memory_does_not_reach_back) {
  auto log = log_with(5);
  log.shrink_tail(2, 1000);
  EXPECT_EQ(log.read_tail(2, 10, 1000), nullptr);
  EXPECT_EQ(ids(log.read_tail(3, 10, 1000)), (std::vector<std::uint64_t>{4, 5}));
  log.shrink_tail(0, 0);
  EXPECT_EQ(log.read_tail(4, 10, 1000), nullptr);
  EXPECT_NE(log.read_tail(5, 10, 1000), nullptr);
}

TEST(stream_log, forgets_what_was_trimmed) {
  auto log = log_with(5);
  log.trimmed(3, 2);
  EXPECT_EQ(log.meta(), (storage::stream_meta{5, 3, 2}));
  EXPECT_EQ(log.read_tail(2, 10, 1000), nullptr);
  log.trimmed(1, 1);
  EXPECT_EQ(log.floor(), 3u) << "a floor never sinks";
}

// -- where a feed starts -------------------------------------------------------------------------

start_question question() {
  start_question q;
  q.epoch = epoch;
  q.committed = 100;
  return q;
}

void expect_start(const start_question& q, std::uint64_t id, reset_reason reset) {
  auto plan = plan_start(q);
  EXPECT_EQ(plan.id, id);
  EXPECT_EQ(plan.reset, reset);
}

TEST(plan_start, gives_a_new_device_everything_that_is_kept) {
  auto q = question();
  expect_start(q, 0, reset_reason::none);
  q.floor = q.lost = 40;
  expect_start(q, 40, reset_reason::none);
}

TEST(plan_start, continues_at_the_devices_own_position) {
  auto q = question();
  q.claimed = position{epoch, 60};
  q.cursor = position{epoch, 80};
  expect_start(q, 60, reset_reason::none);
}

TEST(plan_start, uses_the_servers_cursor_for_a_device_that_forgot) {
  auto q = question();
  q.cursor = position{epoch, 80};
  expect_start(q, 80, reset_reason::none);
}

TEST(plan_start, ignores_a_cursor_of_another_history) {
  auto q = question();
  q.cursor = position{epoch - 1, 80};
  expect_start(q, 0, reset_reason::none);
}

TEST(plan_start, takes_position_zero_without_an_epoch_as_the_beginning) {
  auto q = question();
  q.claimed = position{};
  expect_start(q, 0, reset_reason::none);
}

TEST(plan_start, resets_a_position_of_another_epoch) {
  auto q = question();
  q.floor = 10;
  q.claimed = position{epoch - 1, 60};
  expect_start(q, 10, reset_reason::epoch);
}

TEST(plan_start, resets_a_position_ahead_of_the_log) {
  auto q = question();
  q.claimed = position{epoch, 101};
  expect_start(q, 0, reset_reason::ahead);
  q.claimed = position{epoch, 100};
  expect_start(q, 100, reset_reason::none);
}

TEST(plan_start, tells_that_ops_were_lost_to_retention) {
  auto q = question();
  q.floor = 50;
  q.lost = 40;
  q.claimed = position{epoch, 39};
  expect_start(q, 50, reset_reason::trimmed);
  q.claimed = position{epoch, 40};
  expect_start(q, 50, reset_reason::none);
}

TEST(plan_start, cuts_the_backlog_where_the_biz_wants_only_the_newest) {
  auto q = question();
  q.newest_only = 10;
  q.claimed = position{epoch, 50};
  expect_start(q, 90, reset_reason::newest_only);
  q.claimed = position{epoch, 95};
  expect_start(q, 95, reset_reason::none);
  q.claimed.reset();
  expect_start(q, 90, reset_reason::none);
}

TEST(plan_start, never_rewinds_a_cursor_that_devices_share) {
  auto q = question();
  q.shared_cursor = true;
  q.cursor = position{epoch, 80};
  q.claimed = position{epoch, 60};
  expect_start(q, 80, reset_reason::consumed_elsewhere);
  q.claimed = position{epoch, 80};
  expect_start(q, 80, reset_reason::none);
}

// -- turns ---------------------------------------------------------------------------------------

TEST(device_turn, is_overdue_only_while_something_is_unacknowledged) {
  device_turn turn{10};
  turn.give(1);
  EXPECT_FALSE(turn.overdue(1'000'000));
  turn.offer(12, 1000, 500);
  EXPECT_FALSE(turn.overdue(1499));
  EXPECT_TRUE(turn.overdue(1500));
  EXPECT_TRUE(turn.acknowledge(11, 1400, 500));
  EXPECT_FALSE(turn.overdue(1899)) << "progress earns time";
  EXPECT_TRUE(turn.overdue(1900));
  EXPECT_TRUE(turn.acknowledge(12, 1900, 500));
  EXPECT_FALSE(turn.overdue(1'000'000));
}

TEST(device_turn, offers_the_same_ops_to_the_next_device) {
  device_turn turn{10};
  turn.give(1);
  turn.offer(15, 0, 100);
  turn.give(2);
  EXPECT_EQ(turn.offered(), 10u);
  EXPECT_TRUE(turn.acknowledge(15, 50, 100)) << "the first one handled them after all";
  EXPECT_EQ(turn.cursor(), 15u);
  EXPECT_FALSE(turn.acknowledge(15, 60, 100));
}

TEST(device_turn, refuses_acknowledgements_of_what_was_never_offered) {
  device_turn turn{10};
  turn.give(1);
  EXPECT_FALSE(turn.acknowledge(11, 0, 100));
  EXPECT_EQ(turn.cursor(), 10u);
}

} // namespace
} // namespace shoal
