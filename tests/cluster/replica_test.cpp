// Histories written by hand: one rule each. The simulation covers their combinations.
#include <deque>
#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "cluster/replica.hpp"
#include "tests/cluster/simulated_disk.hpp"

namespace shoal::cluster {
namespace {

using namespace std::chrono_literals;
using names = std::vector<std::string>;
using role = replica_role;

std::shared_ptr<const std::string> text(const std::string& x) {
  return std::make_shared<const std::string>(x);
}

struct actor {
  simulated_disk disk;
  std::unique_ptr<replica> machine;
  std::map<std::uint64_t, std::vector<simulated_row>> checkpoints;
  std::deque<disk_operation> writing;
  std::vector<std::uint64_t> committed, unknown;
  std::vector<role> roles;
  decisions last;
};

/// A few replicas whose messages and writes are done one by one, in order, when `settle` is called.
struct bench {
  explicit bench(const names& all = {"a", "b", "c"}) {
    options.checksum = simulated_checksum;
    for (const auto& name : all) {
      nodes[name];
      start(name);
    }
  }

  void start(const std::string& name) {
    auto& n = nodes[name];
    n.machine = std::make_unique<replica>(name, options, n.disk);
    n.writing.clear();
    take(name, n.machine->start(n.disk.scan(), now));
  }

  replica& operator[](const std::string& name) { return *nodes[name].machine; }

  void take(const std::string& name, decisions d) {
    auto& n = nodes[name];
    n.last = d;
    for (const auto& x : d.roles)
      n.roles.push_back(x.role);
    if (d.committed)
      n.committed.push_back(*d.committed);
    n.unknown.insert(n.unknown.end(), d.unknown.begin(), d.unknown.end());
    for (auto& w : d.writes) {
      auto rows = w.install ? n.checkpoints[w.install_id] : std::vector<simulated_row>{};
      n.writing.push_back({std::move(w), std::move(rows), {}, {}});
    }
    if (!d.apply.empty())
      n.writing.push_back({{}, {}, std::move(d.apply), {}});
    if (d.trim)
      n.writing.push_back({{}, {}, {}, d.trim});
    for (auto& x : d.sends)
      wire.emplace_back(name, std::move(x));
    for (const auto& x : d.checkpoint)
      checkpoint(name, x);
  }

  void checkpoint(const std::string& name, const checkpoint_step& x) {
    auto& n = nodes[name];
    using kind = checkpoint_step::kind;
    if (x.what == kind::open) {
      n.checkpoints[x.id] = n.disk.rows();
      take(name, n.machine->checkpoint_opened(x.id, n.disk.applied(), now));
    } else if (x.what == kind::read) { // one row each
      const auto& row = n.checkpoints[x.id].at(x.chunk);
      auto data = std::to_string(row.epoch) + " " + std::to_string(row.content);
      auto is_last = x.chunk + 1 == n.checkpoints[x.id].size();
      take(name, n.machine->chunk_read(x.id, x.chunk, text(data), is_last, now));
    } else if (x.what == kind::write) {
      auto blank = x.data->find(' ');
      n.checkpoints[x.id].push_back(
          {std::stoull(x.data->substr(0, blank)), std::stoull(x.data->substr(blank))});
      take(name, n.machine->chunk_written(x.id, x.chunk, now));
    }
  }

  bool write_one(const std::string& name) {
    auto& n = nodes[name];
    if (n.writing.empty() || slow.contains(name))
      return false;
    n.disk.submit(std::move(n.writing.front()));
    n.writing.pop_front();
    auto done = n.disk.complete();
    if (done.write.ticket != 0)
      take(name, n.machine->persisted(done.write.ticket, now));
    if (!done.apply.empty())
      take(name, n.machine->applied(done.apply.back().lsn, now));
    return true;
  }

  bool deliver_one() {
    if (wire.empty())
      return false;
    auto [from, x] = std::move(wire.front());
    wire.pop_front();
    if (!cut.contains(from) && !cut.contains(x.to) && !(lose && lose(from, x)))
      take(x.to, nodes[x.to].machine->receive(from, x.message, now));
    return true;
  }

  void settle() {
    for (auto busy = true; busy;) {
      busy = deliver_one();
      for (auto& [name, n] : nodes)
        busy |= write_one(name);
    }
  }

  void pass(instant time) {
    for (auto end = now + time; now < end;) {
      now += 50ms;
      for (auto& [name, n] : nodes)
        take(name, n.machine->tick(now));
      settle();
    }
  }

  void learn(const view& x) {
    for (auto& [name, n] : nodes)
      if (!cut.contains(name))
        take(name, n.machine->learn(x, now));
    settle();
  }

  /// With the options as they are now: "a" leads, and "c" hears of nothing yet.
  void begin_without_c() {
    for (const auto* name : {"a", "b", "c"})
      start(name);
    cut = {"c"};
    learn({1, "a", {"a", "b", "c"}});
  }

  proposal propose(const std::string& name, const std::string& payload) {
    auto out = nodes[name].machine->propose(text(payload), now);
    take(name, out.out);
    return out;
  }

  replica_options options;
  instant now{1s};
  std::map<std::string, actor> nodes;
  std::deque<std::pair<std::string, outgoing>> wire;
  std::set<std::string> cut, slow;
  std::function<bool(const std::string&, const outgoing&)> lose;
};

const auto abc = names{"a", "b", "c"};

TEST(replica, alone_serves_after_its_own_disk_did_everything) {
  auto x = bench{{"a"}};
  x.learn({1, "a", {"a"}});
  EXPECT_EQ(x["a"].role(), role::serving);
  auto p = x.propose("a", "one");
  EXPECT_EQ(p.position, (log_position{1, 2})) << "after the epoch's first record";
  EXPECT_EQ(x["a"].committed(), 1u);
  x.settle();
  EXPECT_EQ(x["a"].committed(), 2u);
  EXPECT_EQ(x.nodes["a"].disk.rows().size(), 2u);
}

TEST(replica, commits_when_a_majority_is_durable_and_not_before) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.slow = {"b", "c"};
  x.propose("a", "one");
  x.settle();
  EXPECT_EQ(x["a"].committed(), 1u);
  x.slow = {"a", "b"};
  x.pass(500ms);
  EXPECT_EQ(x["a"].committed(), 2u);
  x.propose("a", "two");
  x.settle();
  EXPECT_EQ(x["a"].committed(), 2u) << "c alone, the leader's own disk is not done";
  x.slow = {"a"};
  x.pass(500ms);
  EXPECT_EQ(x["a"].committed(), 3u) << "two followers are a majority too";
}

TEST(replica, refuses_proposals_unless_it_serves) {
  auto x = bench{};
  EXPECT_EQ(x.propose("a", "one").refused, refusal::not_leader);
  x.cut = {"b", "c"};
  x.learn({1, "a", abc});
  EXPECT_EQ(x["a"].role(), role::fencing);
  EXPECT_EQ(x.propose("a", "one").refused, refusal::not_ready);
}

TEST(replica, refuses_more_than_it_wants_to_keep_uncommitted) {
  auto x = bench{};
  x.options.uncommitted_bytes = 300;
  x.start("a");
  x.learn({1, "a", abc});
  x.cut = {"b", "c"};
  EXPECT_EQ(x.propose("a", std::string(1000, 'x')).refused, refusal::none) << "one always fits";
  EXPECT_EQ(x.propose("a", "y").refused, refusal::full);
  x.cut.clear();
  x.pass(1s);
  EXPECT_EQ(x.propose("a", "y").refused, refusal::none);
}

TEST(replica, keeps_a_bounded_number_of_bytes_under_way_to_a_follower) {
  auto x = bench{};
  x.options.in_flight_bytes = 1000;
  x.options.append_bytes = 200;
  x.start("a");
  x.learn({1, "a", abc});
  x.slow = {"b"};
  for (auto i = 0; i < 50; ++i) {
    x.propose("a", std::string(100, 'x'));
    x.settle();
  }
  EXPECT_EQ(x["a"].committed(), 51u);
  for (const auto& p : x["a"].status().peers)
    EXPECT_LE(p.in_flight_bytes, 1200u) << p.name;
  x.slow.clear();
  x.pass(1s);
  EXPECT_EQ(x["b"].last().lsn, 51u);
}

TEST(replica, keeps_no_record_in_memory_that_everybody_has) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.cut = {"c"};
  x.propose("a", std::string(1000, 'x'));
  x.pass(200ms);
  EXPECT_GE(x["a"].status().memory, 1000u) << "for c";
  EXPECT_GE(x["b"].status().memory, 1000u) << "which b may have to send it";
  x.cut.clear();
  x.pass(1s);
  for (const auto& name : abc)
    EXPECT_EQ(x[name].status().memory, 0u) << name;
}

TEST(replica, names_the_higher_epoch_to_whoever_uses_a_lower_one) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.cut = {"a"};
  x.learn({2, "b", abc});
  EXPECT_EQ(x["b"].role(), role::serving);
  x.cut.clear();
  x.propose("a", "too late");
  x.settle();
  EXPECT_EQ(x["a"].role(), role::follower);
  EXPECT_EQ(x.nodes["a"].unknown, (std::vector<std::uint64_t>{2}));
  EXPECT_TRUE(x.nodes["a"].committed.empty() || x.nodes["a"].committed.back() < 2);
}

TEST(replica, adopts_the_newest_log_and_cuts_what_contradicts_it) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.cut = {"b", "c"};
  for (auto i = 0; i < 5; ++i)
    x.propose("a", "lost " + std::to_string(i));
  x.settle();
  EXPECT_EQ(x["a"].last(), (log_position{1, 6})) << "long, and old";
  x.cut = {"a"};
  x.learn({2, "b", abc});
  x.propose("b", "kept");
  x.settle();
  x.cut = {"c"};
  x.learn({3, "a", abc});
  EXPECT_EQ(x["a"].role(), role::serving);
  EXPECT_EQ(x["a"].last(), (log_position{3, 4}));
  x.pass(200ms);
  EXPECT_EQ(x.nodes["a"].disk.rows(), x.nodes["b"].disk.rows());
  EXPECT_EQ(x.nodes["a"].disk.rows()[2].epoch, 2u);
}

TEST(replica, serves_only_when_the_first_record_of_its_epoch_is_committed_and_applied) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.propose("a", "one");
  x.settle();
  x.lose = [](const std::string& from, const outgoing& y) {
    return from == "b" && std::holds_alternative<append_message>(y.message);
  };
  x.learn({2, "b", abc});
  EXPECT_EQ(x["b"].role(), role::opening);
  x.lose = nullptr;
  x.slow = {"b"};
  x.pass(300ms);
  EXPECT_EQ(x["b"].role(), role::opening) << "committed elsewhere, not applied here";
  x.slow.clear();
  x.settle();
  EXPECT_EQ(x["b"].role(), role::serving);
  EXPECT_EQ(x["b"].applied_lsn(), 3u);
}

TEST(replica, does_not_lead_an_epoch_again_after_a_restart) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.start("a");
  x.learn({1, "a", abc});
  EXPECT_EQ(x["a"].role(), role::follower);
  x.take("a", x["a"].tick(x.now));
  ASSERT_TRUE(x.nodes["a"].last.wants_view);
  EXPECT_EQ(x.nodes["a"].last.wants_view->epoch, 2u);
  x.learn({2, "a", abc});
  EXPECT_EQ(x["a"].role(), role::serving);
}

TEST(replica, keeps_its_promise_over_a_restart) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.cut = {"a"};
  x.learn({2, "b", abc});
  x.start("c");
  x.take("c", x["c"].receive("a", append_message{1, {1, 1}, {}, 1, 1, x.now}, x.now));
  ASSERT_EQ(x.nodes["c"].last.sends.size(), 1u);
  EXPECT_EQ(std::get<refusal_message>(x.nodes["c"].last.sends[0].message).highest, 2u);
}

TEST(replica, suspends_itself_when_it_hears_no_majority_and_goes_on_when_it_does) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.cut = {"b", "c"};
  x.propose("a", "one");
  x.pass(2s);
  EXPECT_EQ(x["a"].role(), role::suspended);
  EXPECT_EQ(x.propose("a", "two").refused, refusal::not_ready);
  x.cut.clear();
  x.pass(500ms);
  EXPECT_EQ(x["a"].role(), role::serving);
  EXPECT_EQ(x["a"].committed(), 2u) << "told when it came";
  EXPECT_TRUE(x.nodes["a"].unknown.empty());
}

TEST(replica, notices_that_it_slept_before_it_accepts_anything) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.now += 1h;
  EXPECT_EQ(x.propose("a", "one").refused, refusal::not_ready);
}

TEST(replica, hands_over_when_the_other_one_has_everything) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.slow = {"b"};
  x.propose("a", "one");
  x.settle();
  x.take("a", x["a"].hand_over("b", x.now));
  EXPECT_EQ(x["a"].role(), role::handing_over);
  EXPECT_EQ(x.propose("a", "two").refused, refusal::not_ready);
  auto told = false;
  x.slow.clear();
  while (x.deliver_one() || x.write_one("b") || x.write_one("a") || x.write_one("c"))
    told = told || (x.nodes["a"].last.hand_over && x.nodes["a"].last.hand_over->ready);
  EXPECT_TRUE(told);
  x.learn({2, "b", abc});
  EXPECT_EQ(x["b"].role(), role::serving);
}

TEST(replica, hands_over_when_all_that_was_proposed_is_answered) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.slow = {"a"};
  x.propose("a", "one");
  x.pass(200ms);
  ASSERT_EQ(x["a"].committed(), 2u) << "by the others";
  x.take("a", x["a"].hand_over("b", x.now));
  x.settle();
  EXPECT_FALSE(x.nodes["a"].last.hand_over) << "its caller has no answer yet";
  x.slow.clear();
  auto told = false;
  while (x.deliver_one() || x.write_one("a"))
    told = told || (x.nodes["a"].last.hand_over && x.nodes["a"].last.hand_over->ready);
  EXPECT_TRUE(told);
  EXPECT_EQ(x["a"].status().applied, 2u);
}

TEST(replica, answers_what_was_proposed_before_it_takes_a_view_in_which_it_leads_on) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.slow = {"a"};
  x.propose("a", "one");
  x.learn({2, "a", {"a", "b"}, abc});
  EXPECT_EQ(x["a"].role(), role::handing_over);
  EXPECT_EQ(x["a"].epoch(), 1u);
  EXPECT_EQ(x.propose("a", "two").refused, refusal::not_ready);
  x.slow.clear();
  x.settle();
  EXPECT_EQ(x["a"].role(), role::serving);
  EXPECT_EQ(x["a"].epoch(), 2u);
  EXPECT_TRUE(x.nodes["a"].unknown.empty()) << "nobody was left without an answer";
}

TEST(replica, waits_for_slow_answers_before_it_takes_such_a_view) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.slow = {"a"};
  x.propose("a", "one");
  x.take("a", x["a"].learn({2, "a", {"a", "b"}, abc}, x.now));
  x.pass(x.options.hand_over_limit - 100ms);
  EXPECT_EQ(x["a"].role(), role::handing_over) << "the others speak";
  x.pass(200ms);
  EXPECT_EQ(x["a"].role(), role::fencing);
}

TEST(replica, takes_such_a_view_without_answers_when_they_do_not_come) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.cut = {"b", "c"};
  x.propose("a", "one");
  x.take("a", x["a"].learn({2, "a", {"a", "b"}, abc}, x.now));
  x.pass(x.options.finish_limit + 50ms);
  EXPECT_EQ(x["a"].role(), role::fencing);
  EXPECT_EQ(x.nodes["a"].unknown.size(), 1u);
}

TEST(replica, serves_again_when_a_hand_over_takes_too_long) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.slow = {"b"};
  x.propose("a", "one");
  x.take("a", x["a"].hand_over("b", x.now));
  x.pass(x.options.hand_over_limit + 100ms);
  EXPECT_EQ(x["a"].role(), role::serving);
  x.take("a", x["a"].hand_over("nobody", x.now));
  ASSERT_TRUE(x.nodes["a"].last.hand_over);
  EXPECT_FALSE(x.nodes["a"].last.hand_over->ready);
}

TEST(replica, needs_promises_of_the_old_and_the_new_set_while_replicas_change) {
  auto x = bench{{"a", "b", "c", "d", "e"}};
  x.learn({1, "a", abc});
  x.propose("a", "one");
  x.settle();
  x.cut = {"a", "b", "c"};
  x.nodes["d"].machine->learn({1, "a", abc}, x.now);
  x.learn({2, "d", {"c", "d", "e"}, abc});
  EXPECT_EQ(x["d"].role(), role::fencing) << "a majority of the new set is not enough";
  x.cut = {"a"};
  x.pass(1s);
  EXPECT_EQ(x["d"].role(), role::serving);
  EXPECT_EQ(x.nodes["d"].disk.rows().size(), 3u);
  x.take("d", x["d"].tick(x.now));
  x.learn({3, "d", {"c", "d", "e"}});
  EXPECT_EQ(x["d"].role(), role::serving);
}

TEST(replica, ignores_views_that_break_the_rules_of_views) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.take("b", x["b"].learn({2, "b", {"b"}}, x.now));
  EXPECT_TRUE(x.nodes["b"].last.read_view);
  EXPECT_EQ(x["b"].role(), role::follower);
}

TEST(replica, drops_appends_whose_records_are_not_what_was_written) {
  auto x = bench{};
  x.learn({1, "a", abc});
  auto wrong = log_record{1, 2, record_kind::entry, text("changed on the way"), 12345};
  x.take("b", x["b"].receive("a", append_message{1, {1, 1}, {wrong}, 1, 1, x.now}, x.now));
  EXPECT_TRUE(x.nodes["b"].last.writes.empty());
  EXPECT_EQ(x["b"].last().lsn, 1u);
}

TEST(replica, gets_a_checkpoint_when_the_log_does_not_reach_back_and_asks_again_for_lost_chunks) {
  auto x = bench{};
  x.options.keep_records = 2;
  x.options.trim_step = 1;
  x.begin_without_c();
  for (auto i = 0; i < 10; ++i) {
    x.propose("a", std::to_string(i));
    x.settle();
  }
  EXPECT_GT(x["a"].status().base.lsn, 2u) << "the log does not begin at the beginning";
  x.cut.clear();
  auto lost = 0;
  x.lose = [&](const std::string&, const outgoing& y) {
    return std::holds_alternative<checkpoint_chunk>(y.message) && lost++ % 2 == 0;
  };
  x.pass(10s);
  EXPECT_GT(lost, 5);
  EXPECT_EQ(x.nodes["c"].disk.rows(), x.nodes["a"].disk.rows());
}

TEST(replica, keeps_no_more_bytes_for_who_is_behind_than_allowed_even_after_a_start) {
  auto x = bench{};
  x.options.keep_bytes = 10'000;
  x.options.trim_step = 1;
  x.begin_without_c();
  for (auto i = 0; i < 10; ++i) {
    x.propose("a", std::string(936, 'x'));
    x.settle();
  }
  EXPECT_EQ(x["a"].status().base.lsn, 1u) << "the epoch's start and ten of 1,000 bytes";
  x.start("a");
  x.learn({2, "a", abc});
  for (auto i = 0; i < 3; ++i) {
    x.propose("a", std::string(936, 'x'));
    x.settle();
  }
  EXPECT_EQ(x["a"].status().base.lsn, 5u) << "what was there at the start counts, too";
  x.cut.clear();
  x.pass(10s);
  EXPECT_EQ(x.nodes["c"].disk.rows(), x.nodes["a"].disk.rows());
}

TEST(replica, keeps_few_large_records_no_longer_than_many_small_ones) {
  auto x = bench{};
  x.options.keep_bytes = 10'000;
  x.begin_without_c();
  for (auto i = 0; i < 100; ++i) {
    x.propose("a", std::string(936, 'x'));
    x.settle();
  }
  EXPECT_GE(x["a"].status().base.lsn, 55u) << "four times 10,000, but not `trim_step` records";
}

TEST(replica, fills_a_follower_once_however_much_is_written_meanwhile) {
  auto x = bench{};
  x.options.keep_bytes = 10'000;
  x.options.trim_step = 1;
  x.begin_without_c();
  auto write = [&] {
    x.propose("a", std::string(936, 'x'));
    x.settle();
  };
  for (auto i = 0; i < 15; ++i)
    write();
  x.cut.clear();
  auto checkpoints = std::set<std::uint64_t>{};
  auto chunks_pass = false, records_pass = false;
  x.lose = [&](const std::string&, const outgoing& y) {
    if (const auto* offer = std::get_if<checkpoint_offer>(&y.message))
      checkpoints.insert(offer->position.lsn);
    const auto* append = std::get_if<append_message>(&y.message);
    return (!chunks_pass && std::holds_alternative<checkpoint_chunk>(y.message)) ||
           (!records_pass && append && !append->records.empty() && y.to == "c");
  };
  auto go_on = [&](int records) {
    for (auto i = 0; i < records; ++i, x.pass(50ms))
      write();
  };
  go_on(15); // more than is kept for anybody
  chunks_pass = true;
  go_on(5); // it has the checkpoint, and not what followed
  records_pass = true;
  go_on(20);
  x.pass(1s);
  EXPECT_EQ(checkpoints.size(), 1u);
  EXPECT_EQ(x.nodes["c"].disk.rows(), x.nodes["a"].disk.rows());
}

TEST(replica, keeps_quiet_when_damaged_until_it_holds_an_epoch_that_began_later) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.propose("a", "one");
  x.settle();
  x.take("b", x["b"].damaged("a test says so", x.now));
  EXPECT_EQ(x["b"].role(), role::quarantined);
  EXPECT_TRUE(x.nodes["b"].last.quarantined);
  x.settle();
  x.take("b", x["b"].receive("c", fence_message{9}, x.now));
  EXPECT_TRUE(x.nodes["b"].last.sends.empty()) << "promises nothing";
  x.pass(1s);
  EXPECT_EQ(x["b"].role(), role::quarantined) << "takes nothing from an epoch it may have sworn to";
  x.take("b", x["b"].promised_at_most(1, x.now));
  x.settle();
  x.start("b");
  EXPECT_EQ(x["b"].role(), role::quarantined) << "still, after a restart";
  x.learn({2, "a", abc});
  x.pass(1s);
  EXPECT_EQ(x["b"].role(), role::follower);
  EXPECT_EQ(x.nodes["b"].disk.rows(), x.nodes["a"].disk.rows());
}

TEST(replica, steps_down_when_its_own_disk_gives_back_something_else) {
  auto x = bench{};
  x.options.memory_bytes = 0;
  x.start("a");
  x.learn({1, "a", abc});
  x.cut = {"c"};
  for (auto i = 0; i < 5; ++i) {
    x.propose("a", std::to_string(i));
    x.settle();
  }
  auto random = seeded_random{1};
  ASSERT_TRUE(x.nodes["a"].disk.flip(random));
  x.cut.clear();
  x.pass(1s);
  EXPECT_EQ(x["a"].role(), role::quarantined);
  EXPECT_LT(x["c"].last().lsn, 6u) << "nothing damaged was passed on";
}

/// As RocksDB does with a bit that flipped in its log: what follows is gone, and nobody is told.
TEST(replica, fills_a_follower_again_that_lost_what_it_had_synced) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.propose("a", "one");
  x.pass(500ms);
  auto earlier = x.nodes["b"].disk;
  x.propose("a", "two");
  x.propose("a", "three");
  x.pass(500ms);
  x.nodes["b"].disk = earlier;
  x.start("b");
  x.learn({1, "a", abc});
  x.cut = {"c"};
  x.propose("a", "four");
  x.pass(2s);
  EXPECT_EQ(x["a"].committed(), 5u) << "the epoch's first record, and four";
  EXPECT_EQ(x.nodes["b"].disk.rows().size(), 5u);
}

TEST(replica, never_replaces_what_is_committed) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.propose("a", "one");
  x.pass(200ms);
  auto other = log_record{2, 2, record_kind::epoch_start, nullptr, 0};
  other.crc = simulated_checksum(other);
  x.take("b", x["b"].receive("c", append_message{2, {1, 1}, {other}, 1, 1, x.now}, x.now));
  EXPECT_EQ(x["b"].role(), role::quarantined);
}

TEST(replica, is_silent_when_its_disk_failed) {
  auto x = bench{};
  x.learn({1, "a", abc});
  x.propose("a", "one");
  x.take("a", x["a"].disk_failed("no space", x.now));
  EXPECT_EQ(x["a"].role(), role::stopped);
  EXPECT_EQ(x.nodes["a"].unknown, (std::vector<std::uint64_t>{2}));
  x.take("a", x["a"].receive("b", fence_message{7}, x.now));
  EXPECT_TRUE(x.nodes["a"].last.sends.empty());
}

} // namespace
} // namespace shoal::cluster
