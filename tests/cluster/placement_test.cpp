#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/placement.hpp"
#include "cluster/view_rules.hpp"

namespace shoal::cluster {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using way = view_change::way;

constexpr auto p1 = static_cast<partition_no>(1);

partition_no partition(std::size_t i) { return static_cast<partition_no>(i); }

std::vector<placed_node> nodes(std::initializer_list<const char*> names) {
  auto out = std::vector<placed_node>{};
  for (auto name : names)
    out.push_back({name});
  return out;
}

/// All is well with it.
placed_partition whole(view x) {
  auto in_sync = x.replicas;
  return {p1, std::move(x), true, std::move(in_sync), false, 0};
}

class placement : public ::testing::Test {
public:
  std::vector<view_change> changes() const { return place(all, partitions, options); }

  /// The one change there is.
  view_change change() const {
    auto out = changes();
    EXPECT_EQ(out.size(), 1u);
    return out.empty() ? view_change{} : out.front();
  }

  placed_node& node(std::string_view name) {
    return *std::find_if(all.begin(), all.end(), [&](const auto& x) { return x.name == name; });
  }

  std::vector<placed_node> all = nodes({"a", "b", "c"});
  std::vector<placed_partition> partitions{whole({7, "a", {"a", "b", "c"}})};
  placement_options options{3, 4};
};

TEST_F(placement, leaves_alone_what_is_well) { EXPECT_THAT(changes(), IsEmpty()); }

TEST_F(placement, spreads_new_partitions_evenly) {
  all = nodes({"a", "b", "c", "d", "e"});
  partitions.clear();
  for (auto i = 0u; i < 64; ++i)
    partitions.push_back({partition(i), {}});
  auto held = std::map<std::string, int>{};
  auto led = std::map<std::string, int>{};
  for (const auto& x : changes()) {
    EXPECT_EQ(x.expected_epoch, 0u);
    EXPECT_EQ(x.next.epoch, 1u);
    EXPECT_EQ(wrong_with(x.next, {}, false), "");
    EXPECT_EQ(x.next.replicas.size(), 3u);
    ++led[x.next.leader];
    for (const auto& name : x.next.replicas)
      ++held[name];
  }
  for (const auto& x : all) {
    EXPECT_NEAR(held[x.name], 64 * 3 / 5, 1) << x.name;
    EXPECT_NEAR(led[x.name], 64 / 5, 1) << x.name;
  }
}

TEST_F(placement, waits_for_enough_nodes_before_it_creates_partitions) {
  all = nodes({"a", "b"});
  partitions = {{p1, {}}};
  EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(placement, moves_leadership_from_a_dead_node_at_once) {
  node("a").live = false;
  options.moves = 0;
  auto x = change();
  EXPECT_EQ(x.how, way::swap);
  EXPECT_EQ(x.expected_epoch, 7u);
  EXPECT_EQ(x.next.epoch, 8u);
  EXPECT_NE(x.next.leader, "a");
  EXPECT_THAT(x.next.replicas, UnorderedElementsAre("a", "b", "c"));
}

TEST_F(placement, prefers_a_leader_that_has_everything) {
  node("a").live = false;
  for (auto name : {"b", "c"}) {
    partitions[0].in_sync = {"a", name};
    EXPECT_EQ(change().next.leader, name);
  }
}

TEST_F(placement, moves_leadership_even_in_the_middle_of_a_change) {
  partitions[0].current.previous = {"a", "b"};
  partitions[0].settled = false;
  node("a").live = false;
  EXPECT_THAT(changes(), IsEmpty()) << "of the previous two, one is left: nobody could take over";
  partitions[0].current = {7, "a", {"a", "b", "c", "d"}, {"a", "b", "c"}};
  all.push_back({"d"});
  auto x = change();
  EXPECT_NE(x.next.leader, "a");
  EXPECT_THAT(x.next.previous, UnorderedElementsAre("a", "b", "c"));
}

TEST_F(placement, waits_for_a_majority_before_it_moves_leadership) {
  node("a").live = node("b").live = false;
  EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(placement, gives_a_stuck_leader_a_new_epoch_or_another_leader) {
  partitions[0].stuck = true;
  partitions[0].settled = false;
  EXPECT_NE(change().next.leader, "a");
  partitions[0].in_sync = {};
  EXPECT_EQ(change().next, (view{8, "a", {"a", "b", "c"}}));
  node("b").live = node("c").live = false;
  EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(placement, leaves_a_leader_whose_disk_is_full) {
  node("a").writes = false;
  partitions[0].settled = false; // it does not serve
  partitions[0].in_sync = {};
  auto x = change();
  EXPECT_NE(x.next.leader, "a");
  EXPECT_EQ(x.how, way::swap);
  node("b").writes = false;
  EXPECT_THAT(changes(), IsEmpty()) << "nobody can commit";
}

TEST_F(placement, gives_nothing_to_a_full_disk) {
  all = nodes({"a", "b", "c", "d"});
  node("d").writes = false;
  EXPECT_THAT(changes(), IsEmpty());
  partitions[0].current.replicas = {"a", "b"};
  partitions[0].in_sync = {"a", "b"};
  EXPECT_THAT(change().next.replicas, UnorderedElementsAre("a", "b", "c"));
}

TEST_F(placement, makes_no_set_smaller_around_a_replica_that_is_refilled) {
  partitions = {whole({7, "a", {"a", "b", "c", "d"}})};
  all = nodes({"a", "b", "c", "d"});
  node("d").leaving = true;
  partitions[0].in_sync = {"a", "c", "d"};
  partitions[0].refilling = {"b"};
  EXPECT_THAT(changes(), IsEmpty());
  partitions[0].refilling = {};
  partitions[0].in_sync = {"a", "b", "c", "d"};
  EXPECT_THAT(change().next.replicas, UnorderedElementsAre("a", "b", "c"));
}

TEST_F(placement, follows_a_leader_that_is_refilled_though_nobody_says_who_has_everything) {
  partitions[0].refilling = {"a"};
  partitions[0].settled = false;
  partitions[0].stuck = true; // in each epoch that it is given
  partitions[0].in_sync = {};
  EXPECT_NE(change().next.leader, "a");
  partitions[0].refilling = {"a", "b", "c"};
  EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(placement, lets_no_replica_lead_that_is_refilled) {
  node("a").live = false;
  partitions[0].in_sync = {};
  partitions[0].refilling = {"b"};
  EXPECT_EQ(change().next.leader, "c");
}

TEST_F(placement, leaves_two_copies_alone_when_one_dies) {
  all = nodes({"a", "b", "d"});
  options.replicas = 2;
  partitions = {whole({7, "a", {"a", "b"}})};
  node("b").live = false;
  node("b").leaving = true;
  EXPECT_THAT(changes(), IsEmpty()) << "to take b away needs b";
}

TEST_F(placement, closes_a_change_that_settled) {
  partitions[0].current.previous = {"a", "b"};
  options.moves = 0;
  auto x = change();
  EXPECT_THAT(x.next.previous, IsEmpty());
  EXPECT_EQ(wrong_with(x.next, partitions[0].current, true), "");
  partitions[0].settled = false;
  EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(placement, does_not_replace_a_node_that_may_come_back) {
  all.push_back({"d"});
  node("c").live = false;
  partitions[0].in_sync = {"a", "b"};
  EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(placement, replaces_a_lost_replica_by_removing_it_first) {
  all.push_back({"d"});
  node("c").live = false;
  node("c").leaving = true;
  partitions[0].in_sync = {"a", "b"};
  auto x = change();
  EXPECT_THAT(x.next.replicas, UnorderedElementsAre("a", "b"));
  EXPECT_THAT(x.next.previous, UnorderedElementsAre("a", "b", "c"));
  partitions = {whole({9, "a", {"a", "b"}})};
  x = change();
  EXPECT_THAT(x.next.replicas, UnorderedElementsAre("a", "b", "d"));
  EXPECT_THAT(x.next.previous, UnorderedElementsAre("a", "b"));
}

TEST_F(placement, keeps_a_lost_replica_that_nobody_can_replace) {
  node("c").live = false;
  partitions[0].in_sync = {"a", "b"};
  EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(placement, drains_a_node_by_adding_first) {
  all.push_back({"d"});
  node("c").leaving = true;
  auto x = change();
  EXPECT_THAT(x.next.replicas, UnorderedElementsAre("a", "b", "c", "d"));
  auto filling = whole({9, "a", {"a", "b", "c", "d"}});
  filling.in_sync = {"a", "b", "c"};
  partitions = {filling};
  EXPECT_THAT(changes(), IsEmpty()) << "d has not everything yet";
  partitions = {whole({9, "a", {"a", "b", "c", "d"}})};
  x = change();
  EXPECT_THAT(x.next.replicas, UnorderedElementsAre("a", "b", "d"));
}

TEST_F(placement, hands_leadership_over_before_it_drains_a_leader) {
  node("a").leaving = true;
  auto x = change();
  EXPECT_EQ(x.how, way::hand_over);
  EXPECT_NE(x.next.leader, "a");
  partitions = {whole({8, "b", {"a", "b", "c"}})};
  x = change();
  EXPECT_EQ(x.how, way::swap);
  EXPECT_THAT(x.next.replicas, UnorderedElementsAre("b", "c"));
}

TEST_F(placement, takes_nothing_away_when_all_are_leaving) {
  for (auto& x : all)
    x.leaving = true;
  EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(placement, treats_a_node_that_nobody_knows_as_gone) {
  all = nodes({"a", "b", "d"});
  partitions[0].in_sync = {"a", "b"};
  EXPECT_THAT(change().next.replicas, UnorderedElementsAre("a", "b"));
}

TEST_F(placement, gives_a_new_node_its_share_a_few_at_a_time) {
  partitions.clear();
  for (auto i = 0u; i < 64; ++i) {
    auto x = whole({1, std::string(1, static_cast<char>('a' + i % 3)), {"a", "b", "c"}});
    x.p = partition(i);
    partitions.push_back(x);
  }
  all.push_back({"d"});
  EXPECT_EQ(changes().size(), 4u);
  partitions[5].settled = false;
  partitions[6].in_sync = {"a", "b"};
  EXPECT_EQ(changes().size(), 2u) << "two are busy";
  options.moves = 0;
  EXPECT_THAT(changes(), IsEmpty());
}

TEST_F(placement, hands_leadership_to_a_node_that_leads_less) {
  partitions.clear();
  for (auto i = 0u; i < 4; ++i) {
    partitions.push_back(whole({1, "a", {"a", "b", "c"}}));
    partitions.back().p = partition(i);
  }
  auto found = changes();
  ASSERT_EQ(found.size(), 2u);
  for (const auto& x : found)
    EXPECT_EQ(x.how, way::hand_over);
  EXPECT_NE(found[0].next.leader, found[1].next.leader);
}

TEST_F(placement, weighs_leaders_by_load) {
  all = nodes({"a", "b"});
  options.replicas = 2;
  partitions.clear();
  for (auto i = 0u; i < 16; ++i) {
    auto x = whole({1, i < 8 ? "a" : "b", {"a", "b"}});
    x.p = partition(i);
    x.load = i < 8 ? 1000 : 0;
    partitions.push_back(x);
  }
  auto found = changes();
  ASSERT_FALSE(found.empty());
  for (const auto& x : found)
    EXPECT_EQ(x.next.leader, "b");
  for (auto& x : partitions)
    x.load = 1000 + raw(x.p);
  EXPECT_THAT(changes(), IsEmpty()) << "about the same is good enough";
}

TEST_F(placement, of_the_same_picture_is_the_same) {
  all = nodes({"a", "b", "c", "d", "e"});
  partitions.clear();
  for (auto i = 0u; i < 64; ++i)
    partitions.push_back({partition(i), {}});
  auto once = changes();
  std::reverse(all.begin(), all.end());
  std::reverse(partitions.begin(), partitions.end());
  auto again = changes();
  ASSERT_EQ(once.size(), again.size());
  for (std::size_t i = 0; i < once.size(); ++i)
    EXPECT_EQ(once[i].next, again[i].next);
}

// -- histories ------------------------------------------------------------------------------------

/// A cluster that does what placement says: a leader with a majority takes over, live replicas fill
/// up after a while. Checks every change.
class history {
public:
  explicit history(std::uint64_t seed) : random_{seed} {
    options_.moves = 1 + random_() % 6;
    auto n = 3 + random_() % 5;
    for (auto i = 0u; i < n; ++i)
      all_.push_back({"n" + std::to_string(i)});
    auto partitions = 1 + random_() % 40;
    for (auto i = 0u; i < partitions; ++i)
      partitions_.push_back({partition(i), {}});
  }

  void run() {
    settle();
    for (auto i = 0; i < 12; ++i) {
      disturb();
      for (auto steps = random_() % 4; steps > 0; --steps)
        step();
      if (random_() % 2 == 0)
        settle();
    }
    heal();
    settle();
    expect_balanced();
  }

private:
  placed_node* find(const std::string& name) {
    auto i = std::find_if(all_.begin(), all_.end(), [&](auto& x) { return x.name == name; });
    return i == all_.end() ? nullptr : &*i;
  }
  bool live(const std::string& name) {
    auto* node = find(name);
    return node != nullptr && node->live;
  }
  bool majority_live(const std::vector<std::string>& xs) {
    auto n = std::count_if(xs.begin(), xs.end(), [&](auto& x) { return live(x); });
    return xs.empty() || static_cast<std::size_t>(n) * 2 > xs.size();
  }

  void disturb() {
    auto& x = all_[random_() % all_.size()];
    switch (random_() % 6) {
    case 0:
    case 1:
      x.live = false; // what it has not seen meanwhile it lacks when it comes back
      break;
    case 2:
      x.live = true;
      x.leaving = false;
      break;
    case 3:
      x.leaving = true;
      break;
    case 4:
      x.leaving = false;
      break;
    default:
      if (all_.size() < 9)
        all_.push_back({"n" + std::to_string(all_.size())});
    }
  }

  void heal() {
    for (auto& x : all_)
      x.live = true;
    // At least three stay.
    for (std::size_t i = 0; i < 3; ++i)
      all_[i].leaving = false;
  }

  void live_on() {
    for (auto& x : partitions_) {
      const auto& v = x.current;
      x.settled =
          v.epoch != 0 && live(v.leader) && majority_live(v.replicas) && majority_live(v.previous);
      std::erase_if(x.in_sync, [&](auto& name) {
        return !live(name) ||
               std::find(v.replicas.begin(), v.replicas.end(), name) == v.replicas.end();
      });
      if (!x.settled)
        continue;
      auto known = std::set<std::string>{x.in_sync.begin(), x.in_sync.end()};
      for (const auto& name : v.replicas)
        if (live(name) && (name == v.leader || random_() % 2 == 0))
          known.insert(name);
      x.in_sync.assign(known.begin(), known.end());
    }
  }

  std::size_t busy() {
    return static_cast<std::size_t>(
        std::count_if(partitions_.begin(), partitions_.end(), [&](auto& x) {
          return x.current.epoch != 0 && live(x.current.leader) &&
                 (!x.settled || !x.current.previous.empty());
        }));
  }

  void check(const placed_partition& x, const view_change& c) {
    ASSERT_EQ(wrong_with(c.next, x.current, x.settled), "");
    ASSERT_EQ(c.expected_epoch, x.current.epoch);
    ASSERT_TRUE(live(c.next.leader));
    if (x.current.epoch == 0)
      return;
    auto more = c.next.replicas.size();
    auto less = x.current.replicas.size();
    ASSERT_LE(std::max(more, less) - std::min(more, less), 1u);
    if (!same_set(c.next.replicas, x.current.replicas)) {
      ASSERT_TRUE(x.settled && x.current.previous.empty());
      ASSERT_EQ(c.how, way::swap);
    }
    if (more < less) {
      auto sound = std::count_if(c.next.replicas.begin(), c.next.replicas.end(), [&](auto& name) {
        return live(name) && std::count(x.in_sync.begin(), x.in_sync.end(), name) != 0;
      });
      ASSERT_GT(static_cast<std::size_t>(sound) * 2, more) << c.why;
    }
    if (c.next.leader != x.current.leader) {
      ASSERT_TRUE(majority_live(x.current.replicas) && majority_live(x.current.previous));
      ASSERT_EQ(c.how == way::hand_over, live(x.current.leader));
    }
  }

  bool step() {
    live_on();
    auto before = busy();
    auto changes = place(all_, partitions_, options_);
    auto chosen = std::size_t{0};
    for (const auto& c : changes) {
      auto& x = partitions_[raw(c.p)];
      check(x, c);
      auto begins = c.next.replicas.size() > x.current.replicas.size() || (c.how == way::hand_over);
      chosen += begins && x.current.epoch != 0 ? 1 : 0;
      x.current = c.next;
      x.settled = false;
    }
    EXPECT_LE(chosen, options_.moves - std::min(options_.moves, before));
    return !changes.empty();
  }

  void settle() {
    auto quiet = 0;
    for (auto steps = 0; quiet < 40; ++steps) {
      ASSERT_LT(steps, 5000) << "does not come to rest";
      quiet = step() ? 0 : quiet + 1;
      if (::testing::Test::HasFatalFailure())
        return;
    }
  }

  void expect_balanced() {
    auto held = std::map<std::string, int>{};
    auto led = std::map<std::string, int>{};
    auto staying = std::count_if(all_.begin(), all_.end(), [](auto& x) { return !x.leaving; });
    for (auto& x : all_)
      if (!x.leaving)
        held[x.name] = led[x.name] = 0;
    for (const auto& x : partitions_) {
      EXPECT_EQ(x.current.replicas.size(),
          std::min(options_.replicas, static_cast<std::size_t>(staying)));
      EXPECT_THAT(x.current.previous, IsEmpty());
      ++led[x.current.leader];
      for (const auto& name : x.current.replicas)
        ++held[name];
    }
    for (const auto* counts : {&held, &led}) {
      EXPECT_EQ(counts->size(), static_cast<std::size_t>(staying)) << "left nothing with leavers";
      auto [least, most] = std::minmax_element(counts->begin(), counts->end(),
          [](const auto& a, const auto& b) { return a.second < b.second; });
      EXPECT_LE(most->second - least->second, 2);
    }
  }

  std::mt19937_64 random_;
  placement_options options_;
  std::vector<placed_node> all_;
  std::vector<placed_partition> partitions_;
};

TEST(placement_histories, converge_balanced_and_lose_nothing) {
  auto first = std::random_device{}();
  for (auto i = 0u; i < 120; ++i) {
    SCOPED_TRACE("seed " + std::to_string(first + i));
    history{first + i}.run();
    if (::testing::Test::HasFailure())
      break;
  }
}

} // namespace
} // namespace shoal::cluster
