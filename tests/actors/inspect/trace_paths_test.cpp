#include <gtest/gtest.h>

#include "actors/inspect/trace_paths.hpp"

namespace shoal::inspect {
namespace {

// Actors of the tests: 1 an api, 2 a partition, 3 a stream, 4 a device.
struct trace_paths_of : testing::Test {
  void at(std::uint64_t us, trace_step step, trace_verb verb, caf::actor_id who,
      std::uintptr_t message, caf::actor_id sender = 0, std::uint64_t call = 0,
      std::uint64_t upto = 0) {
    trace_event e;
    e.ns = us * 1000;
    e.step = step;
    e.verb = verb;
    e.actor = who;
    e.kind = who == 4 ? "device" : "x";
    e.sender = sender;
    e.message = reinterpret_cast<const void*>(message);
    e.call = call;
    e.upto = upto;
    e.stream = verb == trace_verb::append ? "user:u1" : "";
    events.push_back(e);
  }

  void one_append() {
    using s = trace_step;
    using v = trace_verb;
    at(100, s::queued, v::call, 1, 10);
    at(110, s::begun, v::call, 1, 10);
    at(130, s::queued, v::append, 2, 11, 1, 7);
    at(140, s::ended, v::call, 1, 10);
    at(150, s::begun, v::append, 2, 11, 1, 7);
    at(155, s::queued, v::append, 3, 12, 2, 7);
    at(160, s::ended, v::append, 2, 11, 1, 7);
    at(165, s::begun, v::append, 3, 12, 2, 7);
    at(200, s::ended, v::append, 3, 12, 2, 7);
    at(900, s::queued, v::committed, 3, 13);
    at(920, s::begun, v::committed, 3, 13);
    at(925, s::queued, v::ops, 4, 14, 3, 0, 42);
    at(930, s::queued, v::appended, 1, 15, 3, 7, 42);
    at(940, s::ended, v::committed, 3, 13);
    at(950, s::begun, v::appended, 1, 15, 3, 7, 42);
    at(960, s::begun, v::ops, 4, 14, 3, 0, 42);
    at(980, s::ended, v::appended, 1, 15, 3, 7, 42);
    at(990, s::ended, v::ops, 4, 14, 3, 0, 42);
  }

  std::vector<trace_event> events;
};

TEST_F(trace_paths_of, follow_an_append_from_its_call_to_device_and_answer) {
  one_append();
  auto paths = trace_paths(events);
  ASSERT_EQ(paths.size(), 1u);
  auto& p = paths[0];
  EXPECT_EQ(p.stream, "user:u1");
  EXPECT_EQ(p.id, 42u);
  EXPECT_EQ(p.total_us, 880u);
  std::vector<std::string> names;
  for (auto& x : p.steps)
    names.push_back(x.what);
  EXPECT_EQ(names, (std::vector<std::string>{"api", "partition", "stream", "disk", "stream commits",
                       "device", "api answers"}));
  EXPECT_EQ(p.steps[0].mailbox_us, 10u);
  EXPECT_EQ(p.steps[0].handler_us, 30u);
  EXPECT_EQ(p.steps[3].handler_us, 700u) << "from the stream's handler to the log's answer";
  EXPECT_EQ(p.steps[4].mailbox_us, 20u);
  EXPECT_EQ(p.steps[5].mailbox_us, 35u);
}

TEST_F(trace_paths_of, show_the_callers_side_of_what_another_node_leads) {
  using s = trace_step;
  using v = trace_verb;
  at(100, s::queued, v::call, 1, 10);
  at(110, s::begun, v::call, 1, 10);
  at(130, s::queued, v::append, 5, 11, 1, 7);
  at(140, s::ended, v::call, 1, 10);
  at(150, s::begun, v::append, 5, 11, 1, 7);
  at(160, s::ended, v::append, 5, 11, 1, 7);
  at(930, s::queued, v::appended, 1, 15, 5, 7, 42);
  at(950, s::begun, v::appended, 1, 15, 5, 7, 42);
  at(980, s::ended, v::appended, 1, 15, 5, 7, 42);
  auto paths = trace_paths(events);
  ASSERT_EQ(paths.size(), 1u);
  auto& p = paths[0];
  EXPECT_EQ(p.stream, "user:u1");
  EXPECT_EQ(p.id, 42u);
  EXPECT_EQ(p.total_us, 880u);
  std::vector<std::string> names;
  for (auto& x : p.steps)
    names.push_back(x.what);
  EXPECT_EQ(names, (std::vector<std::string>{"api", "stand-in", "another node", "api answers"}));
  EXPECT_EQ(p.steps[2].at_us, 60u);
  EXPECT_EQ(p.steps[2].handler_us, 770u) << "there and back, and the leader's work";
}

TEST_F(trace_paths_of, leave_out_what_was_not_seen_whole) {
  one_append();
  auto whole = events;
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    events.assign(whole.begin() + static_cast<std::ptrdiff_t>(cut), whole.end());
    EXPECT_LE(trace_paths(events).size(), 1u);
    events.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
    EXPECT_LE(trace_paths(events).size(), 1u);
  }
  EXPECT_TRUE(trace_paths({}).empty());
}

TEST_F(trace_paths_of, tell_calls_of_two_apis_apart_that_have_the_same_number) {
  one_append();
  using s = trace_step;
  using v = trace_verb;
  // Another api's call 7, through another stream, at the same time; it has no answer yet.
  at(1000, s::queued, v::append, 2, 21, 8, 7);
  at(1001, s::begun, v::append, 2, 21, 8, 7);
  at(1002, s::queued, v::append, 9, 22, 2, 7);
  at(1003, s::ended, v::append, 2, 21, 8, 7);
  auto paths = trace_paths(events);
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(paths[0].total_us, 880u);
}

TEST_F(trace_paths_of, are_not_confused_when_memory_of_a_message_is_used_again) {
  one_append();
  auto first = events;
  events.clear();
  one_append();
  for (auto& e : events)
    e.ns += 10'000'000;
  first.insert(first.end(), events.begin(), events.end());
  for (auto& e : first)
    if (e.ns >= 10'000'000 && e.call == 7)
      e.call = 8;
  EXPECT_EQ(trace_paths(first).size(), 2u);
}

} // namespace
} // namespace shoal::inspect
