// The checker of the kill loop must be able to fail: each promise is broken once.
#include <sstream>

#include <gmock/gmock.h>

#include "tests/faults/history.hpp"
#include "tests/faults/history_file.hpp"
#include "tools/bench/names.hpp"

namespace shoal::faults {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class history_of_a_run : public testing::Test {
protected:
  // Three ops, sent, acknowledged, stored, and handed to d1.
  void SetUp() override {
    run.tell(&file);
    run.expect_reader("s", "d1", sharing::each);
    for (auto id : {1u, 2u, 3u}) {
      send(id);
      run.acknowledged("s", payload(id), id);
      store(id);
    }
  }

  static std::string payload(unsigned n) { return bench::numbered("p", n); }
  static std::string key(unsigned n) { return bench::numbered("k", n); }
  void send(unsigned n) { run.attempted("s", key(n), payload(n)); }
  void store(unsigned id) { run.stored("s", {id, key(id), payload(id)}); }
  void hand(std::initializer_list<unsigned> ids) {
    for (auto id : ids)
      run.handed("s", "d1", id, payload(id));
  }
  /// Of the run, and of who reads what was kept of it.
  void expect(const std::string& text) {
    EXPECT_THAT(run.violations(true), Contains(HasSubstr(text)));
    file.end();
    auto again = history{};
    EXPECT_TRUE(replay(kept, again).ended);
    EXPECT_EQ(again.violations(true), run.violations(true));
  }

  std::stringstream kept;
  history_file file{kept};
  history run;
};

TEST_F(history_of_a_run, is_clean_if_everything_arrived_in_order) {
  hand({1, 2, 3});
  run.cursor("s", "d1", 3);
  EXPECT_THAT(run.violations(true), IsEmpty());
}

TEST_F(history_of_a_run, allows_an_op_whose_answer_was_lost) {
  send(4);
  store(4);
  hand({1, 2, 3, 4});
  EXPECT_THAT(run.violations(true), IsEmpty());
}

TEST_F(history_of_a_run, refuses_a_lost_acknowledged_op) {
  send(4);
  run.acknowledged("s", payload(4), 4);
  hand({1, 2, 3});
  expect("acknowledged op 4 is lost");
}

TEST_F(history_of_a_run, refuses_other_bytes_under_an_acknowledged_id) {
  send(4);
  send(5);
  run.acknowledged("s", payload(4), 4);
  run.stored("s", {4, key(5), payload(5)});
  expect("acknowledged op 4 holds other bytes");
}

TEST_F(history_of_a_run, refuses_a_hole_in_the_ids) {
  send(5);
  store(5);
  expect("ids 4 to 4 are missing");
}

TEST_F(history_of_a_run, refuses_an_op_that_was_stored_twice) {
  run.stored("s", {4, key(3), payload(3)});
  expect("one op has the ids 3 and 4");
}

TEST_F(history_of_a_run, refuses_a_key_with_two_ids) {
  run.attempted("s", key(3), "other");
  run.stored("s", {4, key(3), "other"});
  expect("key k3 has the ids 3 and 4");
}

TEST_F(history_of_a_run, refuses_two_answers_with_different_ids) {
  run.acknowledged("s", payload(3), 2);
  expect("acknowledged with 2 ids");
}

TEST_F(history_of_a_run, refuses_an_op_that_nobody_sent) {
  run.stored("s", {4, "", "invented"});
  expect("op 4 was never sent");
}

TEST_F(history_of_a_run, refuses_an_op_that_changed_between_two_readings) {
  run.stored("s", {3, key(3), "other"});
  expect("op 3 has changed");
}

TEST_F(history_of_a_run, refuses_an_op_delivered_twice) {
  hand({1, 2, 2, 3});
  expect("op 2 after 2");
}

TEST_F(history_of_a_run, refuses_a_wrong_order) {
  hand({1, 3, 2});
  expect("op 2 after 3");
}

TEST_F(history_of_a_run, refuses_a_gap_at_a_device) {
  hand({1, 3});
  expect("op 3 follows 1");
}

TEST_F(history_of_a_run, refuses_a_device_that_misses_the_end_only_when_complete) {
  hand({1, 2});
  EXPECT_THAT(run.violations(false), IsEmpty());
  expect("has ops up to 2 of 3");
}

TEST_F(history_of_a_run, refuses_delivered_bytes_that_are_not_stored) {
  run.handed("s", "d1", 1, "other");
  expect("op 1 came with other bytes");
}

TEST_F(history_of_a_run, refuses_a_delivered_op_that_is_gone) {
  hand({1, 2, 3, 4});
  expect("op 4 is not stored");
}

TEST_F(history_of_a_run, refuses_a_cursor_beyond_what_was_handled) {
  hand({1, 2});
  run.cursor("s", "d1", 3);
  expect("cursor 3 of d1 is beyond what was handled, 2");
}

TEST(history_of_a_shared_cursor, wants_each_op_at_some_device) {
  auto run = history{};
  run.expect_reader("s", "d1", sharing::one);
  run.expect_reader("s", "d2", sharing::one);
  for (auto id : {1u, 2u, 3u}) {
    run.attempted("s", "", std::to_string(id));
    run.stored("s", {id, "", std::to_string(id)});
  }
  run.handed("s", "d1", 1, "1");
  run.handed("s", "d1", 3, "3");
  EXPECT_THAT(run.violations(true), Contains(HasSubstr("no device was handed op 2")));
  run.handed("s", "d2", 2, "2");
  EXPECT_THAT(run.violations(true), IsEmpty());
  run.cursor("s", "", 3);
  EXPECT_THAT(run.violations(true), IsEmpty());
  run.cursor("s", "", 4);
  EXPECT_THAT(run.violations(true), Contains(HasSubstr("beyond what was handled")));
}

TEST(history_of_nothing, reports_what_the_run_saw_itself) {
  auto run = history{};
  run.broken("the server said no");
  EXPECT_THAT(run.violations(false), testing::ElementsAre("the server said no"));
}

} // namespace
} // namespace shoal::faults
