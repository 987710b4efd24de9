// Limits of a cluster as nodes really talk about them: the gateways' supervisors with their timers,
// frames on links, and a network that loses some. The rules alone: share_exchange_test.cpp.
#include <map>
#include <memory>
#include <random>
#include <string>

#include <gmock/gmock.h>

#include "actors/gateway/limit_talk.hpp"
#include "actors/gateway/supervisor.hpp"
#include "tests/support/cluster_test.hpp"

namespace shoal {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Ge;
using testing::Le;

constexpr int limit = 100; ///< calls a second, over all nodes

gateway::registry with_limit() {
  auto world = gateway::world_name{app_no{7}, "shop"};
  auto settings = gateway::app_settings{};
  settings.enabled = true;
  auto api = gateway::api_definition{};
  api.operation = "a.b";
  api.id = 3;
  api.status = gateway::api_status::online;
  auto rule = gateway::limit_rule{};
  rule.limit = limit;
  api.limits = {rule};
  return gateway::registry{}
      .with(world, gateway::make_live(settings))
      .with(world, std::make_shared<const gateway::api_definition>(api));
}

struct limit_talk_test : testing_support::cluster_test {
  void SetUp() override {
    cluster_test::SetUp();
    for (auto& [name, x] : nodes) {
      auto* remote = x->sv->remote.get();
      auto links = gateway::limit_links{};
      links.others = [remote] {
        auto out = std::set<std::string>{};
        for (auto& [other, hdl] : remote->peers())
          if (remote->ready(other))
            out.insert(other);
        return out;
      };
      links.tell = [remote](const std::string& to, std::string bytes) {
        remote->send(to, cluster::traffic::control, std::move(bytes));
      };
      auto talk = std::make_shared<gateway::limit_talk>(links);
      remote->set_usage_sink([talk](const std::string& from, std::string bytes) {
        talk->heard(from, std::move(bytes));
      });
      shares[name] = std::make_shared<gateway::node_share>(*x->sv->gateway, x->sv->now_ms);
      keep(
          sys.spawn(gateway::supervisor, gateway::supervisor_options{shares[name], nullptr, talk}));
    }
    wait(2s);
  }

  void TearDown() override {
    for (auto& [name, x] : nodes)
      x->sv->remote->set_usage_sink(nullptr);
    cluster_test::TearDown();
  }

  bool passes(const std::string& where) {
    return shares[where]->limits.refusal_of({}, *target.in, *target.api, now * 1'000'000) ==
           nullptr;
  }

  /// So many calls a second at each of these nodes, for that long; those that passed.
  int calls(std::chrono::seconds time, const std::map<std::string, int>& per_second) {
    auto passed = 0;
    auto due = std::map<std::string, double>{};
    for (auto steps = time / step; steps > 0; --steps) {
      for (auto& [where, count] : per_second)
        for (auto& x = due[where] += count * 0.01; x >= 1; --x)
          passed += passes(where) ? 1 : 0;
      wait(step);
    }
    return passed;
  }

  /// From now on a word about limits in three is lost, by chance: what is lost in turn may be
  /// always the same node's.
  void lose_some() {
    net.judge_frames([this](const std::string&, const std::string&, cluster::traffic kind,
                         const std::string& body) {
      auto about_limits = kind == cluster::traffic::control && !gateway::decode_usage(body).empty();
      auto lost = about_limits && chance() % 3 == 0;
      words_lost += lost ? 1 : 0;
      return lost ? test::fate::drop : test::fate::pass;
    });
  }

  double share(const std::string& where) { return shares[where]->limits.share(); }

  gateway::registry definitions = with_limit();
  gateway::registry::found target = definitions.find("shop", "", "a.b");
  std::map<std::string, gateway::node_share_ptr> shares;
  std::minstd_rand chance{7};
  int words_lost = 0;
};

// Two seconds before each count, for what a burst has left and for the shares to move. Bounds are
// those of README.md, "Limits": three nodes, so three calls more.

TEST_F(limit_talk_test, a_node_that_has_all_the_calls_gets_nearly_all_of_the_limit) {
  calls(2s, {{"n1", 3 * limit}});
  EXPECT_THAT(calls(4s, {{"n1", 3 * limit}}), AllOf(Ge(88 * 4), Le(100 * 4 + 3)));
  EXPECT_TRUE(passes("n2")) << "and the others a first call at once";
}

TEST_F(limit_talk_test, nodes_with_equal_calls_pass_the_limit_together) {
  auto everywhere = std::map<std::string, int>{{"n1", limit}, {"n2", limit}, {"n3", limit}};
  calls(2s, everywhere);
  EXPECT_THAT(calls(4s, everywhere), AllOf(Ge(88 * 4), Le(100 * 4 + 3)));
}

TEST_F(limit_talk_test, shares_follow_calls_that_move_to_another_node) {
  calls(4s, {{"n1", 3 * limit}});
  calls(2s, {{"n3", 3 * limit}});
  EXPECT_THAT(calls(4s, {{"n3", 3 * limit}}), AllOf(Ge(88 * 4), Le(100 * 4 + 3)));
}

TEST_F(limit_talk_test, words_that_get_lost_make_no_share) {
  lose_some();
  calls(4s, {{"n1", 3 * limit}, {"n2", limit}});
  EXPECT_THAT(calls(4s, {{"n1", 3 * limit}, {"n2", limit}}), AllOf(Ge(88 * 4), Le(100 * 4 + 3)));
  EXPECT_GT(words_lost, 10);
}

TEST_F(limit_talk_test, nodes_that_cannot_hear_each_other_are_clusters_of_their_own) {
  EXPECT_DOUBLE_EQ(share("n3"), 1.0 / 3);
  net.cut("n3", "n1");
  net.cut("n3", "n2");
  wait(5s);
  EXPECT_DOUBLE_EQ(share("n1"), 0.5);
  EXPECT_DOUBLE_EQ(share("n3"), 1);
  auto everywhere = std::map<std::string, int>{{"n1", limit}, {"n2", limit}, {"n3", 3 * limit}};
  calls(2s, everywhere);
  EXPECT_THAT(calls(4s, everywhere), AllOf(Ge(2 * 88 * 4), Le(2 * 100 * 4 + 3)));
  net.heal_all();
  wait(5s);
  EXPECT_DOUBLE_EQ(share("n3"), 1.0 / 3);
}

TEST(limit_talk, a_report_arrives_as_it_was_sent) {
  auto x = gateway::usage_report{{1, 2, 3, 0.25, 0.5, 0.125, 0.0625}, {~0ull, 7, 0, 1e9, 0, 0, 0}};
  auto bytes = gateway::encode(x);
  EXPECT_EQ(bytes[0], '\x2a') << "by this remote_nodes tell it from other control frames";
  auto got = gateway::decode_usage(bytes);
  ASSERT_EQ(got.size(), 2u);
  for (auto i = 0u; i < 2; ++i) {
    EXPECT_EQ(got[i].key, x[i].key);
    EXPECT_EQ(got[i].entry, x[i].entry);
    EXPECT_EQ(got[i].yours, x[i].yours);
    EXPECT_EQ(got[i].demand, x[i].demand);
    EXPECT_EQ(got[i].share, x[i].share);
    EXPECT_EQ(got[i].given, x[i].given);
    EXPECT_EQ(got[i].received, x[i].received);
  }
}

TEST(limit_talk, what_is_no_report_says_nothing) {
  auto whole = gateway::encode({{1, 2, 3, 0.25, 0.5, 0.125, 0.0625}});
  for (auto bytes : {std::string{}, std::string{"\x2a"}, std::string{"\x2a\xff\xff"},
           whole.substr(0, whole.size() - 1)})
    EXPECT_TRUE(gateway::decode_usage(bytes).empty());
}

} // namespace
} // namespace shoal
