// Limits over several nodes on a simulated clock: every node with its own limiter and exchange,
// reports that come late, twice or never, calls that come where the pattern says. One judge counts
// all calls that pass: a single bucket with the whole limit.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <queue>
#include <random>

#include <gtest/gtest.h>

#include "actors/gateway/limiter.hpp"
#include "actors/gateway/share_exchange.hpp"

namespace shoal::gateway {
namespace {

constexpr std::int64_t ms = 1'000'000, second = 1'000 * ms;
constexpr std::int64_t tick_every = 250 * ms, longest_way = 100 * ms;

/// The rule of all tests: 1,000 calls a second.
constexpr std::uint64_t per_second = 1'000;

registry with_limit(std::uint64_t limit, limit_by by) {
  auto world = world_name{app_no{7}, "shop"};
  auto settings = app_settings{};
  settings.enabled = true;
  auto api = api_definition{};
  api.operation = "a.b";
  api.id = 3;
  api.status = api_status::online;
  auto rule = limit_rule{};
  rule.limit = limit;
  rule.by = by;
  api.limits = {rule};
  return registry{}
      .with(world, make_live(settings))
      .with(world, std::make_shared<const api_definition>(api));
}

struct simulation {
  struct node {
    std::string name;
    std::unique_ptr<limiter> limits = std::make_unique<limiter>();
    share_exchange exchange;
    std::set<std::string> others;
    std::int64_t next_tick = 0;
    std::uint64_t asked = 0, passed = 0;
  };
  struct letter {
    std::int64_t at = 0;
    std::string from, to;
    usage_report what;
    bool operator<(const letter& x) const { return at > x.at; }
  };

  explicit simulation(unsigned seed, std::size_t count, limit_by by = limit_by::all)
      : definitions{with_limit(per_second, by)}, target{definitions.find("shop", "", "a.b")},
        random{seed} {
    for (auto i = std::size_t{0}; i < count; ++i)
      start();
    connect([](auto&, auto&) { return true; });
    run(second, 0.0001, [] { return 0u; }); // all know of each other
  }

  node& start() {
    auto name = "n" + std::to_string(nodes.size());
    nodes.push_back(std::make_unique<node>(node{name, std::make_unique<limiter>(),
        share_exchange{random()}, {}, now + below(tick_every), 0, 0}));
    return *nodes.back();
  }

  /// Who sees whom from now on.
  void connect(const std::function<bool(const node&, const node&)>& sees) {
    for (auto& x : nodes) {
      x->others.clear();
      for (auto& y : nodes)
        if (x != y && sees(*x, *y))
          x->others.insert(y->name);
    }
  }

  std::int64_t below(std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>{0, most - 1}(random);
  }
  bool chance(double p) { return std::uniform_real_distribution<>{}(random) < p; }

  void tick(node& x) {
    x.next_tick += tick_every;
    x.exchange.set_others(x.others);
    x.exchange.tick(x.limits->take_busy());
    x.limits->set_share(x.exchange.equal_part());
    x.limits->set_shares(x.exchange.shares());
    for (auto& to : x.others)
      for (auto copies = chance(lost) ? 0 : chance(twice) ? 2 : 1; copies > 0; --copies)
        mail.push({now + below(longest_way), x.name, to, x.exchange.report_for(to)});
  }

  /// One call at that node.
  void call_at(node& x, const std::string& user = "u") {
    auto what = gateway::call{};
    what.what.user = user;
    ++x.asked;
    if (x.limits->refusal_of(what, *target.in, *target.api, now))
      return;
    ++x.passed;
    level = std::max(0.0, level - static_cast<double>(now - judged) * rate() / second) + 1;
    judged = now;
    highest = std::max(highest, level);
  }

  /// For that long: `calls` per second, each at the node that `where` names.
  void run(
      std::int64_t time, double calls, const std::function<std::size_t()>& where,
      const std::function<std::string()>& user = [] { return std::string{"u"}; }) {
    auto gap = std::exponential_distribution<>{calls / second};
    auto next = now;
    for (auto end = now + time; now < end;) {
      next += 1 + static_cast<std::int64_t>(gap(random));
      while (!happens(std::min(next, end))) {
      }
      now = std::min(next, end);
      if (now < end)
        call_at(*nodes[where()], user());
    }
  }

  /// The next tick or letter before `until`; true: there is none.
  bool happens(std::int64_t until) {
    auto* first = std::ranges::min_element(nodes, {}, [](auto& x) { return x->next_tick; })->get();
    auto at = std::min(first->next_tick, mail.empty() ? until : mail.top().at);
    if (at >= until)
      return true;
    now = std::max(now, at);
    if (at == first->next_tick) {
      tick(*first);
      return false;
    }
    auto x = mail.top();
    mail.pop();
    for (auto& to : nodes)
      if (to->name == x.to && to->others.contains(x.from))
        to->exchange.heard(x.from, x.what);
    return false;
  }

  double rate() const { return per_second * whole; }
  std::uint64_t passed() const {
    auto out = std::uint64_t{0};
    for (auto& x : nodes)
      out += x->passed;
    return out;
  }

  registry definitions;
  registry::found target;
  std::mt19937 random;
  std::vector<std::unique_ptr<node>> nodes;
  std::priority_queue<letter> mail;
  double lost = 0, twice = 0;
  std::int64_t now = 1'000 * second;
  double whole = 1; ///< of the limit, that the judge lets pass
  double level = 0, highest = 0;
  std::int64_t judged = 0;
};

/// The most that the judge's bucket may hold: the burst, and one call for each node, because no
/// node's part of a burst is less than one call.
double allowed(const simulation& x) { return static_cast<double>(per_second + x.nodes.size()) + 1; }

TEST(ShareExchange, NeverPassesMoreThanTheLimitWhereverCallsCome) {
  for (auto seed = 1u; seed <= 20; ++seed) {
    auto x = simulation{seed, 2 + seed % 4};
    x.lost = seed % 3 == 0 ? 0.2 : 0;
    x.twice = seed % 2 == 0 ? 0.2 : 0;
    auto count = static_cast<std::int64_t>(x.nodes.size());
    for (auto part = 0; part < 6; ++part) { // another pattern every few seconds
      auto favourite = static_cast<std::size_t>(x.below(count));
      auto spread = std::array{0.0, 0.3, 1.0}[static_cast<std::size_t>(x.below(3))];
      auto calls = std::array{300.0, 1'200.0, 4'000.0}[static_cast<std::size_t>(x.below(3))];
      x.run(x.below(4) * second + 300 * ms, calls,
          [&] { return x.chance(spread) ? static_cast<std::size_t>(x.below(count)) : favourite; });
    }
    EXPECT_LE(x.highest, allowed(x)) << "seed " << seed;
  }
}

TEST(ShareExchange, ANodeThatGetsAllCallsPassesNearlyTheWholeLimit) {
  for (auto seed = 1u; seed <= 10; ++seed) {
    auto x = simulation{seed, 4};
    x.lost = 0.1;
    x.run(3 * second, 3'000, [] { return 0u; });
    auto before = x.passed();
    x.run(10 * second, 3'000, [] { return 0u; });
    EXPECT_GE(x.passed() - before, 0.9 * 10 * per_second) << "seed " << seed;
    EXPECT_LE(x.highest, allowed(x)) << "seed " << seed;
  }
}

TEST(ShareExchange, SharesFollowWithinASecond) {
  for (auto seed = 1u; seed <= 10; ++seed) {
    auto x = simulation{seed, 3};
    x.run(5 * second, 3'000, [] { return 0u; });
    x.run(1 * second, 3'000, [] { return 1u; });
    auto before = x.nodes[1]->passed;
    x.run(2 * second, 3'000, [] { return 1u; });
    EXPECT_GE(x.nodes[1]->passed - before, 0.85 * 2 * per_second) << "seed " << seed;
    EXPECT_LE(x.highest, allowed(x)) << "seed " << seed;
  }
}

TEST(ShareExchange, EvenTrafficPassesWhole) {
  for (auto seed = 1u; seed <= 10; ++seed) {
    auto x = simulation{seed, 3};
    x.run(10 * second, 3'000, [&] { return static_cast<std::size_t>(x.below(3)); });
    auto before = x.passed();
    x.run(10 * second, 3'000, [&] { return static_cast<std::size_t>(x.below(3)); });
    EXPECT_GE(x.passed() - before, 0.95 * 10 * per_second) << "seed " << seed;
  }
}

TEST(ShareExchange, CallsBelowTheLimitAreNotRefusedWhenTheyMoveNow) {
  for (auto seed = 1u; seed <= 10; ++seed) {
    auto x = simulation{seed, 3};
    for (auto part = 0u; part < 6; ++part)
      x.run(3 * second, 250, [&] { return part % 3; }); // less than a third of the limit
    auto asked = std::uint64_t{0};
    for (auto& node : x.nodes)
      asked += node->asked;
    EXPECT_GE(x.passed(), 0.98 * static_cast<double>(asked)) << "seed " << seed;
  }
}

TEST(ShareExchange, WhoeverHasNoCallsKeepsAFloor) {
  auto x = simulation{7, 4};
  x.run(5 * second, 3'000, [] { return 0u; });
  auto busy = x.nodes[0]->exchange.shares();
  ASSERT_EQ(busy.size(), 1u);
  for (auto& node : x.nodes) {
    auto share = node->exchange.share_of(busy[0].first);
    EXPECT_GE(share, 0.1 / 4 - 0.001) << node->name;
    if (node != x.nodes[0]) {
      EXPECT_LE(share, 0.1 / 4 + 0.05) << node->name;
    }
  }
}

TEST(ShareExchange, ANodeThatJoinsHasItsPartAtOnceAndTheWholeStaysBounded) {
  for (auto seed = 1u; seed <= 10; ++seed) {
    auto x = simulation{seed, 3};
    auto anywhere = [&] {
      return static_cast<std::size_t>(x.below(static_cast<std::int64_t>(x.nodes.size())));
    };
    x.run(4 * second, 4'000, [] { return 0u; });
    x.whole = 2; // until all have noticed
    auto& fresh = x.start();
    x.connect([](auto&, auto&) { return true; });
    x.run(1 * second, 4'000, [&] { return x.nodes.size() - 1; });
    EXPECT_GE(fresh.passed, 0.2 * per_second) << "seed " << seed;
    EXPECT_LE(x.highest, 2 * allowed(x)) << "seed " << seed;
    x.run(2 * second, 100, anywhere); // the judge's bucket runs empty
    x.whole = 1;
    x.level = x.highest = 0;
    x.run(5 * second, 4'000, anywhere);
    EXPECT_LE(x.highest, allowed(x)) << "seed " << seed;
  }
}

// README.md, "Limits": for the seconds in which nodes do not agree at most twice the limit, then
// it.
TEST(ShareExchange, TheShareOfANodeThatLeavesIsTheOthersWithTheNextTick) {
  for (auto seed = 1u; seed <= 10; ++seed) {
    auto x = simulation{seed, 3};
    x.lost = seed % 2 == 0 ? 0.2 : 0;
    x.run(4 * second, 4'000, [] { return 2u; }); // so it has nearly all of the limit
    auto busy = x.nodes[2]->exchange.shares();
    ASSERT_EQ(busy.size(), 1u);
    auto key = busy[0].first;
    ASSERT_GE(x.nodes[2]->exchange.share_of(key), 0.8) << "seed " << seed;

    // Killed: no call reaches it. One of the others notices at once, the other a second later.
    auto calls_at_the_others = [&] { return static_cast<std::size_t>(x.below(2)); };
    x.whole = 2;
    x.nodes[0]->others = {"n1"};
    x.nodes[2]->others = {};
    x.run(1 * second, 4'000, calls_at_the_others);
    x.nodes[1]->others = {"n0"};
    x.run(tick_every + longest_way, 4'000, calls_at_the_others);
    EXPECT_LE(x.highest, 2 * allowed(x)) << "seed " << seed;

    // Both have noticed: between them they have the whole, and never more.
    for (auto n : {0u, 1u}) {
      EXPECT_EQ(x.nodes[n]->exchange.equal_part(), 0.5);
      EXPECT_GE(x.nodes[n]->exchange.share_of(key), 0.1 / 2 - 0.001) << "seed " << seed;
    }
    x.run(2 * second, 100, calls_at_the_others); // the judge's bucket runs empty
    EXPECT_LE(x.nodes[0]->exchange.share_of(key) + x.nodes[1]->exchange.share_of(key), 1 + 1e-9);
    x.whole = 1;
    x.level = x.highest = 0;
    auto before = x.passed();
    x.run(5 * second, 4'000, calls_at_the_others);
    EXPECT_LE(x.highest, allowed(x)) << "seed " << seed;
    EXPECT_GE(x.passed() - before, 0.9 * 5 * per_second) << "nothing went with it, seed " << seed;
  }
}

TEST(ShareExchange, NothingThatANodeHadIsLeftWhenItIsGone) {
  auto x = share_exchange{1}, gone = share_exchange{2};
  x.set_others({"gone", "other"});
  gone.set_others({"x", "other"});
  for (auto i = 0; i < 12; ++i) { // all calls are at `gone`, so the others give to it
    x.tick({});
    gone.tick({{7, 1'000}});
    gone.heard("x", x.report_for("gone"));
    x.heard("gone", gone.report_for("x"));
  }
  ASSERT_LT(x.share_of(7), 0.1);
  auto late = gone.report_for("x");
  x.set_others({"other"});
  EXPECT_EQ(x.share_of(7), 0.5) << "at once, before any tick";
  EXPECT_EQ(x.size(), 0u);
  x.heard("gone", late);
  EXPECT_EQ(x.share_of(7), 0.5) << "what it said before counts no more";
  x.tick({{7, 10}});
  EXPECT_TRUE(x.report_for("gone").empty());
  ASSERT_EQ(x.report_for("other").size(), 1u);

  x.set_others({"gone", "other"}); // back, with the life it had: it must not take up old gifts
  x.tick({{7, 10}});
  x.heard("gone", late);
  EXPECT_NEAR(x.share_of(7), 1.0 / 3, 1e-9);
}

TEST(ShareExchange, PartsOfAClusterPassTheLimitEachAndAgreeAgain) {
  for (auto seed = 1u; seed <= 10; ++seed) {
    auto x = simulation{seed, 4};
    auto anywhere = [&] { return static_cast<std::size_t>(x.below(4)); };
    x.run(3 * second, 4'000, anywhere);
    x.whole = 2; // sides
    x.connect([](auto& a, auto& b) { return (a.name < "n2") == (b.name < "n2"); });
    x.run(5 * second, 4'000, anywhere);
    EXPECT_LE(x.highest, 2 * allowed(x)) << "seed " << seed;
    x.connect([](auto&, auto&) { return true; });
    x.run(2 * second, 100, anywhere);
    x.whole = 1;
    x.level = x.highest = 0;
    auto before = x.passed();
    x.run(5 * second, 4'000, anywhere);
    EXPECT_LE(x.highest, allowed(x)) << "seed " << seed;
    EXPECT_GE(x.passed() - before, 0.9 * 5 * per_second) << "seed " << seed;
  }
}

TEST(ShareExchange, AUserWhoStaysOnOneNodeHasTheWholeOfTheLimitPerUser) {
  auto x = simulation{5, 3, limit_by::user};
  x.run(
      3 * second, 1'500, [] { return 2u; }, [] { return std::string{"one"}; });
  auto before = x.passed();
  x.run(
      5 * second, 1'500, [] { return 2u; }, [] { return std::string{"one"}; });
  EXPECT_GE(x.passed() - before, 0.9 * 5 * per_second);
}

TEST(ShareExchange, IdleRulesAreForgottenAndPartsAreEqualAgain) {
  auto x = simulation{3, 3};
  x.run(5 * second, 3'000, [] { return 0u; });
  EXPECT_EQ(x.nodes[1]->exchange.size(), 1u);
  x.run(30 * second, 0.0001, [] { return 0u; });
  for (auto& node : x.nodes)
    EXPECT_EQ(node->exchange.size(), 0u) << node->name;
}

TEST(ShareExchange, ReportsOfNobodyAndNonsenseChangeNothing) {
  auto x = share_exchange{1, {.max_rules = 4}};
  x.set_others({"b"});
  x.tick({{1, 10}});
  auto entry = x.report_for("b").at(0).entry;
  auto nan = std::nan("");
  x.heard("stranger", {{1, 9, entry, 5, 1, 0.5, 0}});
  x.heard("b",
      {{1, 0, entry, 5, 1, 0.5, 0}, {1, 9, entry, nan, 1, 0.5, 0}, {1, 9, entry, 5, nan, 0.5, 0},
          {1, 9, entry, 5, 1, -1, 0}, {1, 9, entry, 5, 1, 0.5, 1e300}});
  EXPECT_EQ(x.share_of(1), 0.5);
  auto many = usage_report{};
  for (auto key = 10u; key < 100; ++key)
    many.push_back({key, 9, 0, 5, 0.5, 0, 0});
  x.heard("b", many);
  EXPECT_LE(x.size(), 4u);
}

} // namespace
} // namespace shoal::gateway
