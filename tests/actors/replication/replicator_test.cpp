// Three replicators in one process, over databases that can be made to misbehave and a network that
// can be cut: entries handed in at the leader reach every node's tables, whatever happens.
#include "actors/replication/replicator.hpp"
#include "storage/keys.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal {
namespace {

using namespace std::chrono_literals;
using testing_support::actor_test;

constexpr auto p0 = partition_no{0};
constexpr auto p1 = partition_no{1};

std::string row_key(partition_no p, const std::string& who) {
  return storage::cursor_key(p, {app_no{1}, principal::user(who), biz_no{1}}, "d");
}

struct test_node {
  std::string name;
  std::unique_ptr<storage::faulty_database> db = storage::make_faulty_database();
  std::unique_ptr<storage::commit_log> log = storage::make_inline_committer(*db);
  services_ptr sv = std::make_shared<services>(2);
  replicator_actor hdl;
  std::map<partition_no, std::shared_ptr<replicated_log>> serving;
  std::vector<std::string> stopped;
  std::set<partition_no> wants_read;
  std::uint64_t wish = 0; ///< the epoch of a view that it cannot go on without
};

class replicator_test : public actor_test {
protected:
  void SetUp() override {
    for (auto* name : {"a", "b", "c"}) {
      nodes[name].name = name;
      boot(name);
    }
    view_is(1, "a");
  }

  void TearDown() override {
    for (auto& [name, x] : nodes)
      halt(name);
    actor_test::TearDown();
  }

  void boot(const std::string& name, bool hold_back = false) {
    auto& node = nodes[name];
    node.sv->db = node.db.get();
    node.sv->log = node.log.get();
    replicator_options x;
    x.services = node.sv;
    x.self = name;
    x.partitions = 2;
    x.hold_back = hold_back;
    x.now = [this] { return now; };
    x.send = [this, name](const std::string& to, std::string bytes) {
      if (cut.contains({name, to}))
        return false;
      wire.push_back({name, to, std::move(bytes)});
      return true;
    };
    x.hooks.serving = [&node](partition_no no, std::uint64_t, std::shared_ptr<replicated_log> log) {
      node.serving[no] = std::move(log);
    };
    x.hooks.stopped = [&node](partition_no no, const std::string& why) {
      node.serving.erase(no);
      node.stopped.push_back(why);
    };
    x.hooks.read_view = [&node](partition_no no) { node.wants_read.insert(no); };
    x.hooks.wants_view = [&node](
                             partition_no, const cluster::view_wish& y) { node.wish = y.epoch; };
    x.hooks.settled = [](partition_no, std::uint64_t) {};
    x.hooks.handed_over = [](partition_no, const cluster::hand_over_result&) {};
    node.hdl = sys.spawn(replicator, std::move(x));
    sched.run();
  }

  /// Like kill -9.
  void halt(const std::string& name) {
    auto& node = nodes[name];
    if (!node.hdl)
      return;
    self->send_exit(node.hdl, caf::exit_reason::kill);
    node.hdl = replicator_actor{};
    sched.run();
    node.serving.clear();
  }

  /// Somebody puts an empty disk in.
  void replace_disk(const std::string& name) {
    halt(name);
    auto& node = nodes[name];
    node.log.reset();
    node.db = storage::make_faulty_database();
    node.log = storage::make_inline_committer(*node.db);
  }

  void judge(const std::string& name, bool lost) {
    EXPECT_TRUE(ask<bool>(nodes[name].hdl, atom::online::value, disk_verdict{lost}));
    // What the steward does for replicas that are damaged.
    caf::anon_send(nodes[name].hdl, atom::report::value,
        std::vector<replica_view>{{p0, current}, {p1, current}});
    deliver();
  }

  bool rests(const std::string& name) {
    auto all = ask<std::vector<replica_report>>(nodes[name].hdl, atom::status::value);
    return all && std::any_of(all->begin(), all->end(), [](auto& x) { return x.rests; });
  }

  bool all_rest(const std::string& name) {
    auto all = ask<std::vector<replica_report>>(nodes[name].hdl, atom::status::value);
    return all && std::all_of(all->begin(), all->end(), [](auto& x) { return x.rests; });
  }

  /// An op that a and c have, and b does not; then a dies and c gets an empty disk.
  void lose_all_but_a_dead_copy() {
    cut = {{"a", "b"}, {"b", "a"}};
    ASSERT_EQ(put("a", "u", "acknowledged"), ec::none);
    halt("a");
    cut.clear();
    replace_disk("c");
  }

  /// An op that a and c have, and b does not; then a dies, and the log of c ends before it.
  void lose_the_end_of_a_log() {
    auto earlier = storage::make_faulty_database();
    storage::write_batch rows;
    nodes["c"].db->scan("", "", [&](std::string_view key, std::string_view value) {
      rows.put(std::string{key}, std::string{value});
      return true;
    });
    ASSERT_EQ(earlier->write(rows, true), ec::none);
    cut = {{"a", "b"}, {"b", "a"}};
    ASSERT_EQ(put("a", "u", "acknowledged"), ec::none);
    halt("a");
    cut.clear();
    halt("c");
    auto& node = nodes["c"];
    node.log.reset();
    node.db = std::move(earlier);
    node.log = storage::make_inline_committer(*node.db);
  }

  void view_is(std::uint64_t epoch, const std::string& leader) {
    current = {epoch, leader, {"a", "b", "c"}, {}};
    for (auto& [name, node] : nodes)
      tell_view(node);
    settle();
  }

  void tell_view(test_node& node) {
    if (node.hdl)
      caf::anon_send(
          node.hdl, atom::change::value, std::vector<replica_view>{{p0, current}, {p1, current}});
  }

  void deliver() {
    sched.run();
    while (!wire.empty()) {
      auto frames = std::exchange(wire, {});
      for (auto& x : frames)
        if (nodes[x.to].hdl && !cut.contains({x.from, x.to}))
          caf::anon_send(nodes[x.to].hdl, atom::frame::value, replication_frame{x.from, x.bytes});
      sched.run();
    }
  }

  /// Lets time pass in the steps of the replicators' own ticks.
  void pass(std::chrono::milliseconds time) {
    for (auto end = now + time; now < end;) {
      now += 40ms;
      sched.advance_time(40ms);
      deliver();
    }
  }
  void settle() { pass(400ms); }

  /// Hands a row in at the leader and returns what came back.
  ec put(const std::string& node, const std::string& who, const std::string& value) {
    auto& log = nodes[node].serving[p1];
    if (!log)
      return ec::moving;
    storage::write_batch rows;
    rows.put(row_key(p1, who), value);
    auto result = std::make_shared<ec>(ec::outcome_unknown);
    if (auto code = log->submit(rows, log->failures(), [result](ec x) { *result = x; });
        code != ec::none)
      return code;
    settle();
    return *result;
  }

  std::string value_at(const std::string& node, const std::string& who) {
    std::string out;
    nodes[node].db->get(row_key(p1, who), out);
    return out;
  }

  struct frame_on_the_way {
    std::string from, to, bytes;
  };
  cluster::instant now = 1h;
  std::map<std::string, test_node> nodes;
  std::set<std::pair<std::string, std::string>> cut;
  std::vector<frame_on_the_way> wire;
  cluster::view current;
};

TEST_F(replicator_test, what_the_leader_takes_is_in_every_nodes_tables) {
  EXPECT_EQ(put("a", "u", "1"), ec::none);
  for (auto* name : {"a", "b", "c"})
    EXPECT_EQ(value_at(name, "u"), "1") << name;
}

TEST_F(replicator_test, only_the_leader_serves) {
  EXPECT_TRUE(nodes["a"].serving.contains(p1));
  EXPECT_FALSE(nodes["b"].serving.contains(p1));
  EXPECT_FALSE(nodes["c"].serving.contains(p1));
}

TEST_F(replicator_test, a_minority_may_be_away) {
  halt("c");
  EXPECT_EQ(put("a", "u", "1"), ec::none);
  boot("c");
  tell_view(nodes["c"]);
  settle();
  EXPECT_EQ(value_at("c", "u"), "1");
}

TEST_F(replicator_test, nothing_is_acknowledged_without_a_majority) {
  cut = {{"a", "b"}, {"a", "c"}};
  EXPECT_EQ(put("a", "u", "1"), ec::outcome_unknown); // no answer yet
  EXPECT_EQ(value_at("a", "u"), "");
  cut.clear();
  pass(2s);
  EXPECT_EQ(value_at("b", "u"), "1"); // it was only late
}

TEST_F(replicator_test, a_new_leader_has_everything_that_was_acknowledged) {
  for (auto i = 0; i < 20; ++i)
    ASSERT_EQ(put("a", "u" + std::to_string(i), "x"), ec::none);
  halt("a");
  view_is(2, "b");
  pass(2s);
  ASSERT_TRUE(nodes["b"].serving.contains(p1));
  for (auto i = 0; i < 20; ++i)
    EXPECT_EQ(value_at("b", "u" + std::to_string(i)), "x");
  EXPECT_EQ(put("b", "v", "y"), ec::none);
}

TEST_F(replicator_test, an_old_leader_that_comes_back_forgets_what_nobody_agreed_to) {
  cut = {{"a", "b"}, {"a", "c"}, {"b", "a"}, {"c", "a"}};
  put("a", "u", "lonely");
  view_is(2, "b");
  pass(3s);
  EXPECT_EQ(put("b", "u", "agreed"), ec::none);
  cut.clear();
  pass(3s);
  EXPECT_FALSE(nodes["a"].serving.contains(p1));
  EXPECT_EQ(value_at("a", "u"), "agreed");
}

TEST_F(replicator_test, callers_of_a_leader_that_is_replaced_hear_that_the_outcome_is_unknown) {
  cut = {{"a", "b"}, {"a", "c"}};
  storage::write_batch rows;
  rows.put(row_key(p1, "u"), "1");
  auto& log = *nodes["a"].serving[p1];
  auto result = ec::none;
  auto answers = 0;
  ASSERT_EQ(log.submit(rows, 0,
                [&](ec x) {
                  result = x;
                  ++answers;
                }),
      ec::none);
  deliver();
  cut.clear();
  auto kept = nodes["a"].serving[p1];
  view_is(2, "b");
  pass(1s);
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(result, ec::outcome_unknown);
  EXPECT_EQ(kept->submit(rows, kept->failures(), [](ec) {}), ec::moving);
}

TEST_F(replicator_test, a_crash_that_loses_unsynced_writes_loses_nothing_acknowledged) {
  for (auto i = 0; i < 10; ++i)
    ASSERT_EQ(put("a", "u" + std::to_string(i), "x"), ec::none);
  for (auto* name : {"a", "b", "c"}) {
    halt(name);
    nodes[name].db->lose_unsynced();
  }
  for (auto* name : {"a", "b", "c"})
    boot(name);
  view_is(2, "c");
  pass(2s);
  for (auto* name : {"a", "b", "c"})
    for (auto i = 0; i < 10; ++i)
      EXPECT_EQ(value_at(name, "u" + std::to_string(i)), "x") << name << i;
}

TEST_F(replicator_test, a_failed_disk_rests_and_the_replica_catches_up) {
  nodes["b"].db->fail_writes(ec::storage_full);
  EXPECT_EQ(put("a", "u", "1"), ec::none);
  pass(500ms);
  EXPECT_EQ(value_at("b", "u"), "");
  pass(5s);
  EXPECT_TRUE(rests("b")) << "it must not begin what it cannot keep";
  nodes["b"].db->fail_writes(ec::none);
  pass(3s);
  EXPECT_FALSE(rests("b"));
  EXPECT_EQ(value_at("b", "u"), "1");
}

TEST_F(replicator_test, a_disk_that_takes_no_writes_rests_as_a_whole) {
  ASSERT_EQ(put("a", "u", "1"), ec::none);
  nodes["b"].db->fail_writes(ec::storage_failed);
  ASSERT_EQ(put("a", "u", "2"), ec::none);
  pass(3s);
  EXPECT_TRUE(all_rest("b")) << "also the one that was asked to write nothing";
  nodes["b"].db->fail_writes(ec::none);
  pass(3s);
  EXPECT_FALSE(rests("b"));
  EXPECT_EQ(value_at("b", "u"), "2");
}

TEST_F(replicator_test, a_damaged_replica_is_refilled_and_never_believed) {
  for (auto i = 0; i < 10; ++i)
    ASSERT_EQ(put("a", "u" + std::to_string(i), "x"), ec::none);
  halt("b");
  ASSERT_TRUE(nodes["b"].db->flip_bit(storage::entry_key(p1, 3), 77));
  boot("b");
  EXPECT_TRUE(nodes["b"].wants_read.contains(p1));
  caf::anon_send(nodes["b"].hdl, atom::report::value, std::vector<replica_view>{{p1, current}});
  tell_view(nodes["b"]);
  pass(1s);
  ASSERT_GT(
      nodes["b"].wish, current.epoch); // what it promised before is lost: only newer ones count
  view_is(nodes["b"].wish, "a");
  pass(3s);
  for (auto i = 0; i < 10; ++i)
    EXPECT_EQ(value_at("b", "u" + std::to_string(i)), "x");
  EXPECT_EQ(put("a", "v", "y"), ec::none);
  EXPECT_EQ(value_at("b", "v"), "y");
}

TEST_F(replicator_test, an_empty_disk_that_passes_for_a_new_one_loses_what_was_acknowledged) {
  lose_all_but_a_dead_copy(); // the hole that a verdict closes
  boot("c");
  view_is(2, "b");
  pass(3s);
  ASSERT_TRUE(nodes["b"].serving.contains(p1));
  EXPECT_EQ(value_at("b", "u"), "");
}

TEST_F(replicator_test, an_empty_disk_neither_promises_nor_votes_before_there_is_a_verdict) {
  lose_all_but_a_dead_copy();
  boot("c", true);
  view_is(2, "b");
  pass(3s);
  EXPECT_FALSE(nodes["b"].serving.contains(p1));
  EXPECT_FALSE(nodes["c"].serving.contains(p1));
}

TEST_F(replicator_test, an_empty_disk_under_an_old_name_is_refilled_and_loses_nothing) {
  lose_all_but_a_dead_copy();
  boot("c", true);
  view_is(2, "b");
  judge("c", true);
  pass(3s);
  EXPECT_FALSE(nodes["b"].serving.contains(p1));
  halt("c");
  boot("c"); // what it learned is durable
  tell_view(nodes["c"]);
  pass(3s);
  EXPECT_FALSE(nodes["b"].serving.contains(p1));
  boot("a");
  view_is(3, "b");
  pass(3s);
  ASSERT_TRUE(nodes["b"].serving.contains(p1));
  EXPECT_EQ(value_at("b", "u"), "acknowledged");
  EXPECT_EQ(value_at("c", "u"), "acknowledged");
}

TEST_F(replicator_test, new_disks_under_new_names_start_with_their_verdicts) {
  for (auto* name : {"a", "b", "c"})
    replace_disk(name);
  for (auto* name : {"a", "b", "c"})
    boot(name, true);
  view_is(2, "a");
  EXPECT_FALSE(nodes["a"].serving.contains(p1));
  for (auto* name : {"a", "b", "c"})
    judge(name, false);
  settle();
  ASSERT_EQ(put("a", "u", "1"), ec::none);
  EXPECT_EQ(value_at("c", "u"), "1");
}

TEST_F(replicator_test, a_disk_that_turns_out_to_be_another_one_is_damaged_at_once) {
  ASSERT_EQ(put("a", "u", "1"), ec::none);
  judge("c", true);
  EXPECT_EQ(value_at("c", "u"), "");
  view_is(2, "b");
  pass(3s);
  EXPECT_EQ(value_at("c", "u"), "1");
}

TEST_F(replicator_test, a_log_that_ends_early_without_a_word_loses_what_was_acknowledged) {
  lose_the_end_of_a_log(); // the hole that the look at the logs closes
  boot("c");
  view_is(2, "b");
  pass(3s);
  ASSERT_TRUE(nodes["b"].serving.contains(p1));
  EXPECT_EQ(value_at("b", "u"), "");
}

TEST_F(
    replicator_test, a_log_that_ends_early_neither_votes_nor_is_wiped_before_there_is_a_verdict) {
  ASSERT_EQ(put("a", "v", "older"), ec::none);
  lose_the_end_of_a_log();
  boot("c", true);
  view_is(2, "b");
  pass(3s);
  EXPECT_FALSE(nodes["b"].serving.contains(p1));
  EXPECT_EQ(value_at("c", "v"), "older");
}

TEST_F(replicator_test, a_log_that_ends_early_is_refilled_when_others_have_everything) {
  lose_the_end_of_a_log();
  boot("c", true);
  boot("a");
  view_is(2, "b");
  pass(3s);
  ASSERT_TRUE(nodes["b"].serving.contains(p1));
  EXPECT_EQ(value_at("b", "u"), "acknowledged");
  judge("c", true);
  view_is(3, "b");
  pass(3s);
  EXPECT_EQ(value_at("c", "u"), "acknowledged");
}

TEST_F(replicator_test, a_loss_stays_one_while_the_disk_takes_no_writes) {
  ASSERT_EQ(put("a", "u", "1"), ec::none);
  halt("c");
  boot("c", true);
  nodes["c"].db->fail_writes(ec::storage_full);
  auto durable = ask<bool>(nodes["c"].hdl, atom::online::value, disk_verdict{true});
  ASSERT_TRUE(durable);
  EXPECT_FALSE(*durable);
  EXPECT_TRUE(rests("c"));
  nodes["c"].db->fail_writes(ec::none);
  pass(3s);
  EXPECT_FALSE(rests("c"));
  EXPECT_TRUE(nodes["c"].wants_read.contains(p1)) << "it knows that it is damaged";
  EXPECT_EQ(value_at("c", "u"), "");
}

TEST_F(replicator_test, lazy_rows_arrive_without_anybody_waiting) {
  storage::write_batch rows;
  rows.put(row_key(p1, "lazy"), "1");
  nodes["a"].serving[p1]->submit_lazy(rows);
  pass(1s);
  EXPECT_EQ(value_at("c", "lazy"), "1");
}

TEST_F(replicator_test, garbage_from_a_peer_is_dropped) {
  caf::anon_send(nodes["b"].hdl, atom::frame::value, replication_frame{"a", "\x0a\xff garbage"});
  sched.run();
  EXPECT_EQ(put("a", "u", "1"), ec::none);
  EXPECT_EQ(value_at("b", "u"), "1");
}

} // namespace
} // namespace shoal
