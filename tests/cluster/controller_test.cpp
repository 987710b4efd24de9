#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/controller.hpp"
#include "cluster/view_rules.hpp"

namespace shoal::cluster {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

/// Nodes with a controller each, one meta store in memory, links that can be cut one way, and no
/// clock but this one. Replicas take over at once if most of them are reachable.
class small_world {
public:
  explicit small_world(std::size_t nodes, std::uint16_t partitions = 12) : partitions_{partitions} {
    for (std::size_t i = 1; i <= nodes; ++i)
      start("n" + std::to_string(i));
  }

  struct node {
    std::unique_ptr<controller> decides;
    std::uint64_t incarnation = 0;
    bool running = true;
    bool gone = false; ///< the process ended: whoever dials it is refused
    bool sees_store = true;
    bool disk_fails = false;
    std::set<partition_no> refilling;
    std::map<partition_no, std::uint64_t> leads; ///< epoch
  };

  /// All replicas of the node are damaged.
  void refill_all(const std::string& name) {
    for (std::uint16_t i = 0; i < partitions_; ++i)
      nodes_[name].refilling.insert(partition_no{i});
  }

  void start(const std::string& name) {
    auto& x = nodes_[name];
    x = {};
    x.incarnation = ++starts_;
    auto options = controller_options{};
    options.self = name;
    options.incarnation = x.incarnation;
    options.partitions = partitions_;
    options.placement.replicas = 3;
    options.replace_after = 20s;
    x.decides = std::make_unique<controller>(options);
    auto record = node_info{};
    store->get_node(name, record);
    auto version = record.version++;
    record.name = name;
    record.incarnation = x.incarnation;
    record.down = false;
    ASSERT_EQ(store->swap_node(version, record), meta_result::done);
  }

  void kill(const std::string& name) { nodes_[name].running = false; }
  void end(const std::string& name) {
    kill(name);
    nodes_[name].gone = true;
  }
  void resume(const std::string& name) { nodes_[name].running = true; }
  void cut(const std::string& from, const std::string& to) { cuts_.insert({from, to}); }
  void isolate(const std::string& name) {
    for (const auto& [other, x] : nodes_) {
      cut(name, other);
      cut(other, name);
    }
  }
  void heal() { cuts_.clear(); }

  void set_state(const std::string& name, node_state state) {
    auto record = node_info{};
    store->get_node(name, record);
    record.state = state;
    auto version = record.version++;
    ASSERT_EQ(store->swap_node(version, record), meta_result::done);
  }

  bool reaches(const std::string& from, const std::string& to) {
    return nodes_[from].running && nodes_[to].running && !cuts_.contains({from, to}) &&
           !cuts_.contains({to, from});
  }

  void run(instant time) {
    for (auto end = now + time; now < end && !::testing::Test::HasFatalFailure(); now += 50ms)
      step();
  }

  /// Until it holds; how long that took.
  template <class Condition>
  instant until(Condition holds) {
    auto begin = now;
    while (!holds() && now - begin < 60s)
      run(50ms);
    EXPECT_TRUE(holds());
    return now - begin;
  }

  std::vector<std::string> holders() {
    auto out = std::vector<std::string>{};
    for (auto& [name, x] : nodes_)
      if (x.running && x.decides->holds())
        out.push_back(name);
    return out;
  }

  meta_contents contents() {
    auto out = meta_contents{};
    EXPECT_EQ(store->read_all(out), meta_result::done);
    return out;
  }

  bool all_led_by_the_living() {
    auto x = contents();
    return x.views.size() == partitions_ &&
           std::all_of(x.views.begin(), x.views.end(),
               [&](auto& v) { return nodes_[v.second.leader].running; });
  }

  bool leads_nothing(const std::string& name) {
    auto x = contents();
    return std::none_of(
        x.views.begin(), x.views.end(), [&](auto& v) { return v.second.leader == name; });
  }

  bool holds_nothing(const std::string& name) {
    auto x = contents();
    return std::none_of(x.views.begin(), x.views.end(), [&](auto& v) {
      const auto& all = v.second.replicas;
      return std::count(all.begin(), all.end(), name) != 0;
    });
  }

  node& at(const std::string& name) { return nodes_[name]; }
  controller& of(const std::string& name) { return *nodes_[name].decides; }

  std::unique_ptr<meta_store> store = make_local_meta_store(memory_meta_hooks());
  instant now = 1000s;
  std::function<void(const std::string& who, const meta_change& change, meta_result result)>
      on_try = [](auto&, auto&, auto) {};

private:
  bool most_reachable(const std::string& from, const std::vector<std::string>& xs) {
    auto n =
        std::count_if(xs.begin(), xs.end(), [&](auto& x) { return x == from || reaches(from, x); });
    return xs.empty() || static_cast<std::size_t>(n) * 2 > xs.size();
  }

  node_report report(const std::string& name) {
    auto out = node_report{name, nodes_[name].incarnation, {}, {}};
    for (auto& [other, x] : nodes_)
      if (other != name && reaches(name, other))
        out.reaches.push_back(other);
      else if (x.gone)
        out.refused_by.push_back(other);
    out.disk_fails = nodes_[name].disk_fails;
    for (auto& [p, v] : contents().views) {
      if (std::count(v.replicas.begin(), v.replicas.end(), name) == 0)
        continue;
      auto leads = v.leader == name;
      auto x = partition_report{p, v.epoch, leads, false, false, {}, 0};
      x.refilling = nodes_[name].refilling.contains(p);
      x.settled = leads && most_reachable(name, v.replicas) && most_reachable(name, v.previous);
      for (const auto& other : v.replicas)
        if (leads && (other == name || reaches(name, other)))
          x.in_sync.push_back(other);
      out.partitions.push_back(x);
    }
    return out;
  }

  void step() {
    ++steps_;
    if (steps_ % 4 == 0)
      for (auto& [from, x] : nodes_)
        if (x.running)
          for (auto said = report(from); auto& [to, y] : nodes_)
            if (to == from || reaches(from, to))
              y.decides->reported(said, now);
    for (auto& [name, x] : nodes_)
      if (x.running && x.sees_store)
        act(name, x);
  }

  void act(const std::string& name, node& x) {
    if (steps_ % 2 == 0)
      x.decides->read(contents(), now);
    for (const auto& change : x.decides->decide(now))
      attempt(name, change);
  }

  void attempt(const std::string& who, const meta_change& change) {
    const auto* v = std::get_if<view_change>(&change);
    if (v != nullptr) {
      auto current = view{};
      store->get_view(v->p, current);
      ASSERT_EQ(wrong_with(v->next), "");
      // The leader does that, if it is there.
      if (v->how == view_change::way::hand_over && reaches(current.leader, v->next.leader))
        store->swap_view(v->p, v->expected_epoch, v->next);
    }
    auto result = carry_out(*store, change);
    on_try(who, change, result);
  }

  std::uint16_t partitions_;
  std::map<std::string, node> nodes_;
  std::set<std::pair<std::string, std::string>> cuts_;
  std::uint64_t starts_ = 0;
  std::uint64_t steps_ = 0;
};

TEST(controller, of_a_new_cluster_is_one_and_creates_all_partitions) {
  auto world = small_world{3};
  EXPECT_LE(world.until([&] { return world.all_led_by_the_living(); }), 2s);
  EXPECT_EQ(world.holders().size(), 1u);
  EXPECT_EQ(world.contents().controller.term, 1u);
}

TEST(controller, stays_the_same_while_it_lives) {
  auto world = small_world{3};
  world.run(3s);
  auto before = world.contents();
  world.run(30s);
  auto after = world.contents();
  EXPECT_EQ(after.controller.term, before.controller.term);
  EXPECT_GT(after.controller.beat, before.controller.beat + 30);
  EXPECT_EQ(after.views, before.views) << "nothing moves without a reason";
  EXPECT_EQ(after.nodes, before.nodes);
}

TEST(controller, that_dies_is_followed_and_what_it_led_is_led_within_three_seconds) {
  auto world = small_world{3};
  world.run(3s);
  auto first = world.holders().at(0);
  world.kill(first);
  EXPECT_LE(world.until([&] { return world.all_led_by_the_living(); }), 2500ms);
  EXPECT_EQ(world.holders().size(), 1u);
  EXPECT_EQ(world.contents().controller.term, 2u);
}

TEST(controller, moves_leaders_away_from_any_dead_node_in_time) {
  auto world = small_world{5, 64};
  world.run(3s);
  auto holder = world.holders().at(0);
  auto victim = holder == "n1" ? "n2" : "n1";
  world.kill(victim);
  EXPECT_LE(world.until([&] { return world.all_led_by_the_living(); }), 2s);
  EXPECT_EQ(world.holders().at(0), holder);
  world.run(1s);
  auto record = node_info{};
  world.store->get_node(victim, record);
  EXPECT_TRUE(record.down);
}

TEST(controller, that_was_killed_is_followed_without_waiting_for_its_silence) {
  auto world = small_world{3};
  world.run(2s);
  auto holder = world.holders().at(0);
  world.end(holder);
  EXPECT_LE(world.until([&] { return world.leads_nothing(holder); }), 900ms);
}

TEST(controller, leads_away_from_a_disk_that_takes_no_writes_and_back_when_it_does) {
  auto world = small_world{3};
  world.run(2s);
  world.at("n2").disk_fails = true;
  EXPECT_LE(world.until([&] { return world.leads_nothing("n2"); }), 500ms);
  world.run(5s);
  EXPECT_TRUE(world.leads_nothing("n2"));
  EXPECT_FALSE(world.holds_nothing("n2")); // it is full, not gone
  world.at("n2").disk_fails = false;
  world.until([&] { return !world.leads_nothing("n2"); });
}

TEST(controller, takes_no_replica_for_complete_that_is_being_refilled) {
  auto world = small_world{4, 1};
  world.run(2s);
  auto view = world.contents().views.begin()->second;
  auto leaving = view.replicas[0], damaged = view.replicas[1];
  world.at(damaged).refilling.insert(partition_no{0});
  world.set_state(leaving, node_state::draining);
  world.run(20s);
  auto now = world.contents().views.begin()->second;
  EXPECT_NE(now.leader, damaged);
  EXPECT_TRUE(std::count(now.replicas.begin(), now.replicas.end(), leaving)) << "it has a vote";
  world.at(damaged).refilling.clear();
  world.until([&] { return world.holds_nothing(leaving); });
}

TEST(controller, can_spare_a_node_when_others_lead_all_that_it_holds_and_have_it_all) {
  auto world = small_world{3};
  world.run(3s);
  EXPECT_FALSE(world.of("n1").can_spare("n2")) << "it leads";
  world.refill_all("n2");
  world.until([&] { return world.leads_nothing("n2"); });
  world.run(1s);
  EXPECT_TRUE(world.of("n1").can_spare("n2"));
  world.cut("n1", "n3");
  world.run(400ms);
  EXPECT_FALSE(world.of("n1").can_spare("n2")) << "what n1 leads is nowhere else";
}

TEST(controller, can_spare_none_of_two_that_lost_what_they_had) {
  auto world = small_world{3};
  world.run(3s);
  world.refill_all("n2");
  world.until([&] { return world.leads_nothing("n2"); });
  world.run(1s);
  ASSERT_TRUE(world.of("n2").can_spare("n2"));
  world.refill_all("n3");
  world.run(1s);
  EXPECT_FALSE(world.of("n2").can_spare("n2")) << "though leaders still count n3 as in sync";
  EXPECT_FALSE(world.of("n3").can_spare("n3"));
}

TEST(controller, can_spare_nobody_while_a_third_is_silent) {
  auto world = small_world{3};
  world.run(3s);
  world.refill_all("n2");
  world.until([&] { return world.leads_nothing("n2"); });
  world.run(1s);
  ASSERT_TRUE(world.of("n2").can_spare("n2"));
  world.end("n3");
  world.run(2s);
  EXPECT_FALSE(world.of("n2").can_spare("n2"));
}

TEST(controller, can_spare_nobody_before_it_has_read_everything) {
  auto options = controller_options{};
  options.self = "n1";
  EXPECT_FALSE(controller{options}.can_spare("n1"));
}

TEST(controller, gives_a_node_that_came_back_its_share_again) {
  auto world = small_world{3};
  world.run(3s);
  world.kill("n3");
  world.run(5s);
  EXPECT_TRUE(world.leads_nothing("n3"));
  world.start("n3");
  world.run(10s);
  EXPECT_FALSE(world.leads_nothing("n3"));
  auto record = node_info{};
  world.store->get_node("n3", record);
  EXPECT_FALSE(record.down);
}

TEST(controller, notices_a_node_that_was_only_paused) {
  auto world = small_world{3};
  world.run(3s);
  world.kill("n3");
  world.run(5s);
  world.resume("n3");
  world.run(10s);
  EXPECT_FALSE(world.leads_nothing("n3"));
  EXPECT_EQ(world.holders().size(), 1u);
}

TEST(controller, that_is_cut_off_from_the_others_gives_up_though_it_sees_the_store) {
  auto world = small_world{3};
  world.run(3s);
  auto cut_off = world.holders().at(0);
  world.isolate(cut_off);
  world.run(6s);
  ASSERT_EQ(world.holders().size(), 1u);
  EXPECT_NE(world.holders().at(0), cut_off);
  EXPECT_TRUE(world.leads_nothing(cut_off));
  auto term = world.contents().controller.term;
  world.run(20s);
  EXPECT_EQ(world.contents().controller.term, term) << "nobody fights over it";
}

TEST(controller, of_two_halves_that_see_the_store_does_not_exist) {
  auto world = small_world{4};
  world.run(3s);
  auto before = world.contents();
  for (auto a : {"n1", "n2"})
    for (auto b : {"n3", "n4"})
      world.cut(a, b);
  world.run(20s);
  EXPECT_EQ(world.contents().views, before.views);
  EXPECT_EQ(world.contents().nodes, before.nodes);
}

TEST(controller, does_not_take_one_broken_link_for_a_dead_node) {
  auto world = small_world{3};
  world.run(3s);
  auto before = world.contents();
  world.cut("n1", "n2");
  world.run(10s);
  EXPECT_EQ(world.contents().nodes, before.nodes);
}

TEST(controller, changes_nothing_while_the_store_is_away_and_goes_on_after) {
  auto world = small_world{3};
  world.run(3s);
  auto before = world.contents();
  world.kill("n3");
  auto away = std::vector<meta_change>{};
  for (auto name : {"n1", "n2"}) {
    // Without a read there is nothing to decide from.
    auto first = world.of(name).decide(world.now);
    away = world.of(name).decide(world.now + 10s);
    EXPECT_THAT(away, IsEmpty());
  }
  EXPECT_EQ(world.contents().views, before.views);
  EXPECT_LE(world.until([&] { return world.all_led_by_the_living(); }), 2500ms);
}

TEST(controller, replaces_a_node_that_stays_dead) {
  auto world = small_world{4};
  world.run(3s);
  world.kill("n4");
  world.run(15s);
  EXPECT_FALSE(world.holds_nothing("n4")) << "it may come back";
  EXPECT_LE(world.until([&] { return world.holds_nothing("n4"); }), 30s);
}

TEST(controller, drains_a_node) {
  auto world = small_world{4};
  world.run(3s);
  world.set_state("n2", node_state::draining);
  world.until([&] { return world.holds_nothing("n2"); });
  world.run(5s);
  for (const auto& [p, x] : world.contents().views) {
    EXPECT_EQ(x.replicas.size(), 3u);
    EXPECT_THAT(x.previous, IsEmpty());
  }
}

TEST(controller, in_an_earlier_life_is_followed_at_once) {
  auto world = small_world{3};
  world.run(3s);
  auto name = world.holders().at(0);
  world.start(name);
  EXPECT_LE(world.until([&] { return world.contents().controller.term == 2; }), 1s);
  world.run(1s);
  EXPECT_EQ(world.holders(), std::vector<std::string>{name});
}

TEST(controller, puts_back_what_a_restored_store_has_forgotten) {
  auto world = small_world{3};
  world.run(3s);
  auto backup = world.contents();
  world.kill("n3");
  world.run(5s);
  auto lost = world.contents();
  // A store with the old views; then one without any.
  for (auto with_views : {true, false}) {
    world.store = make_local_meta_store(memory_meta_hooks());
    ASSERT_EQ(world.store->swap_controller({}, lost.controller), meta_result::done);
    for (const auto& node : lost.nodes)
      ASSERT_EQ(world.store->swap_node(0, node), meta_result::done);
    for (const auto& [p, x] : backup.views)
      if (with_views) {
        ASSERT_EQ(world.store->swap_view(p, 0, x), meta_result::done);
      }
    world.run(2s);
    auto now = world.contents();
    for (const auto& [p, x] : lost.views) {
      EXPECT_EQ(now.views[p].leader, x.leader);
      if (backup.views[p].epoch != x.epoch || !with_views) {
        EXPECT_GT(now.views[p].epoch, x.epoch);
      }
    }
    lost = now;
  }
}

TEST(controller, does_not_create_a_partition_that_somebody_holds) {
  auto x = controller{[] {
    auto options = controller_options{};
    options.self = "n1";
    options.incarnation = 1;
    options.partitions = 2;
    options.placement.replicas = 1;
    return options;
  }()};
  auto contents = meta_contents{};
  contents.controller = {1, 1, "n1", 1, 1500};
  contents.nodes = {{"n1", "", "", "", 1, node_state::up, false, 1}};
  x.read(contents, 1s);
  x.reported({"n1", 1, {}, {{static_cast<partition_no>(1), 9, true, true, false, {"n1"}, 0}}}, 1s);
  auto changes = x.decide(1s);
  ASSERT_FALSE(changes.empty());
  EXPECT_EQ(std::get<view_change>(changes.at(0)).p, static_cast<partition_no>(0));
  EXPECT_THAT(changes, ::testing::Each(::testing::Truly([](const meta_change& c) {
    const auto* v = std::get_if<view_change>(&c);
    return v == nullptr || v->p == static_cast<partition_no>(0);
  })));
}

TEST(controller, believes_no_report_of_an_earlier_life) {
  auto world = small_world{3};
  world.run(3s);
  auto before = world.contents();
  auto liar = node_report{"n1", 999, {}, {}};
  for (const auto& [p, x] : before.views)
    liar.partitions.push_back({p, x.epoch, true, false, true, {}, 0});
  for (auto name : {"n1", "n2", "n3"}) {
    world.of(name).reported(liar, world.now);
    world.of(name).read(world.contents(), world.now);
    for (const auto& change : world.of(name).decide(world.now))
      EXPECT_EQ(std::get_if<view_change>(&change), nullptr);
  }
}

TEST(controller, of_which_there_are_two_by_mistake_harm_nothing) {
  auto world = small_world{3};
  world.run(3s);
  auto old = world.holders().at(0);
  // Paused in the middle of a thought: it read, it is about to act.
  auto stale = world.contents();
  world.kill(old);
  world.run(5s);
  auto before = world.contents();
  auto& sleeper = world.of(old);
  sleeper.read(stale, world.now);
  for (auto other : {"n1", "n2", "n3"})
    sleeper.reported({other, 0, {}, {}}, world.now);
  auto tried = sleeper.decide(world.now);
  ASSERT_FALSE(tried.empty()) << "it thinks that it controls";
  for (const auto& change : tried) {
    EXPECT_NE(carry_out(*world.store, change), meta_result::done)
        << "what it knows of was changed meanwhile";
  }
  EXPECT_EQ(world.contents(), before);
}

TEST(controller_histories, end_with_one_controller_and_every_partition_led) {
  auto first = std::random_device{}();
  for (auto i = 0u; i < 12; ++i) {
    SCOPED_TRACE("seed " + std::to_string(first + i));
    auto random = std::mt19937_64{first + i};
    auto n = 3 + random() % 3;
    auto world = small_world{n};
    auto name = [&] { return "n" + std::to_string(1 + random() % n); };
    auto epochs = std::map<std::pair<partition_no, std::uint64_t>, int>{};
    world.on_try = [&](auto&, const meta_change& change, meta_result result) {
      const auto* v = std::get_if<view_change>(&change);
      if (v != nullptr && v->how == view_change::way::swap && result == meta_result::done)
        ++epochs[{v->p, v->next.epoch}];
    };
    world.run(2s);
    auto dead = std::set<std::string>{};
    for (auto events = 0; events < 10; ++events) {
      auto who = name();
      switch (random() % 5) {
      case 0:
        world.kill(who);
        dead.insert(who);
        break;
      case 1:
        if (dead.erase(who) != 0)
          world.start(who);
        break;
      case 2:
        if (dead.erase(who) != 0)
          world.resume(who);
        break;
      case 3:
        world.cut(who, name());
        break;
      default:
        world.heal();
      }
      world.run(instant{100ms} * (random() % 40));
    }
    world.heal();
    for (const auto& who : dead)
      world.start(who);
    world.run(30s);
    EXPECT_EQ(world.holders().size(), 1u);
    EXPECT_TRUE(world.all_led_by_the_living());
    for (const auto& node : world.contents().nodes)
      EXPECT_FALSE(node.down) << node.name;
    for (const auto& [key, wins] : epochs)
      EXPECT_EQ(wins, 1);
    if (::testing::Test::HasFailure())
      break;
  }
}

// -- liveness -------------------------------------------------------------------------------------

class liveness_test : public ::testing::Test {
public:
  void know(std::initializer_list<const char*> names) {
    auto nodes = std::vector<node_info>{};
    for (auto name : names)
      nodes.push_back({name, "", "", "", 0, node_state::up, false, 1});
    alive.know(nodes);
  }
  liveness alive{1500ms};
};

TEST_F(liveness_test, counts_from_when_a_majority_said_so_without_a_break) {
  know({"a", "b", "c"});
  for (auto t = 0ms; t <= 3000ms; t += 100ms) {
    alive.reported("a", {"b"}, t);
    alive.reported(
        "b", t == 1000ms ? std::vector<std::string>{"a", "c"} : std::vector<std::string>{"a"}, t);
    alive.look(t);
    EXPECT_EQ(alive.is_dead("c"), t >= 2600ms) << t.count();
  }
  EXPECT_FALSE(alive.is_dead("a"));
}

TEST_F(liveness_test, believes_at_once_most_who_are_refused) {
  know({"a", "b", "c"});
  for (auto t = 0ms; t <= 1000ms; t += 10ms) {
    alive.reported("a", {"b"}, t, {"c"});
    alive.reported(
        "b", {"a"}, t, t >= 500ms ? std::vector<std::string>{"c"} : std::vector<std::string>{});
    alive.look(t);
    EXPECT_EQ(alive.is_dead("c"), t >= 650ms) << t.count();
    EXPECT_EQ(alive.doubts_anybody(), t <= 650ms) << t.count();
  }
}

TEST_F(liveness_test, does_not_believe_a_refusal_that_is_over) {
  know({"a", "b", "c"});
  for (auto t = 0ms; t <= 1000ms; t += 10ms) {
    alive.reported("a", {"b", "c"}, t, {"c"}); // it listens again
    alive.reported("b", {"a"}, t, {"c"});
    alive.look(t);
    EXPECT_FALSE(alive.is_dead("c")) << t.count();
  }
}

TEST_F(liveness_test, believes_nobody_who_is_silent) {
  know({"a", "b", "c"});
  alive.reported("a", {}, 0ms);
  alive.reported("b", {}, 0ms);
  alive.look(0ms);
  EXPECT_TRUE(alive.has_quorum(1500ms));
  EXPECT_FALSE(alive.has_quorum(1501ms));
  alive.look(2000ms);
  EXPECT_FALSE(alive.is_dead("c"));
}

TEST_F(liveness_test, needs_more_than_half_for_everything) {
  know({"a", "b"});
  for (auto t = 0ms; t <= 5000ms; t += 100ms) {
    alive.reported("a", {}, t);
    alive.look(t);
    EXPECT_FALSE(alive.has_quorum(t));
    EXPECT_FALSE(alive.is_dead("b"));
  }
}

TEST_F(liveness_test, does_not_count_who_is_known_to_be_down_or_removed) {
  auto nodes = std::vector<node_info>{};
  for (auto name : {"a", "b", "c", "d", "e"})
    nodes.push_back({name, "", "", "", 0, node_state::up, false, 1});
  nodes[3].down = true;
  nodes[4].state = node_state::removed;
  alive.know(nodes);
  for (auto t = 0ms; t <= 2000ms; t += 100ms) {
    alive.reported("a", {"b"}, t);
    alive.reported("b", {"a"}, t);
    alive.reported("e", {"c", "d"}, t);
    alive.look(t);
  }
  EXPECT_TRUE(alive.has_quorum(2000ms));
  EXPECT_TRUE(alive.is_dead("c"));
  EXPECT_TRUE(alive.is_dead("d"));
  EXPECT_TRUE(alive.is_dead("e"));
  EXPECT_TRUE(alive.is_dead("nobody"));
}

TEST_F(liveness_test, takes_a_node_back_when_most_reach_it) {
  auto nodes = std::vector<node_info>{};
  for (auto name : {"a", "b", "c"})
    nodes.push_back({name, "", "", "", 0, node_state::up, name == std::string{"c"}, 1});
  alive.know(nodes);
  alive.reported("a", {"b", "c"}, 0ms);
  alive.reported("b", {"a"}, 0ms);
  alive.look(0ms);
  EXPECT_TRUE(alive.is_dead("c"));
  alive.reported("b", {"a", "c"}, 0ms);
  alive.look(0ms);
  EXPECT_FALSE(alive.is_dead("c"));
}

} // namespace
} // namespace shoal::cluster
