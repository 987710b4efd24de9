// The gateway's definitions on three nodes: who changes them, and how the others follow.
#include <gtest/gtest.h>

#include "actors/gateway/change.hpp"
#include "storage/keys.hpp"
#include "tests/support/cluster_test.hpp"

namespace shoal {
namespace {

using namespace std::chrono_literals;
using gateway::api_definition;

struct gateway_share_test : testing_support::cluster_test {
  void SetUp() override {
    cluster_test::SetUp();
    net.judge_frames(
        [this](const std::string&, const std::string&, cluster::traffic, const std::string& body) {
          carried += body.size();
          return test::fate::pass;
        });
    lead(partition_no{0}, "n1");
    wait(2s);
  }

  gateway_outcome_ptr change(const std::string& where, std::vector<gateway::edit> edits) {
    auto x = std::make_shared<gateway::change>();
    x->app = app;
    x->edits = std::move(edits);
    x->actor = "ak_1";
    auto out = ask<gateway_outcome_ptr>(
        at(where).sv->where.gateway_writer(), atom::change::value, gateway_change_ptr{x});
    return out ? *out : nullptr;
  }

  ec make(const std::string& where, std::vector<gateway::edit> edits) {
    auto out = change(where, std::move(edits));
    return out ? out->code : ec::session_lost;
  }

  static gateway::edit group() {
    auto x = gateway::api_group{};
    x.name = "orders";
    x.upstreams = {{"127.0.0.1:80", 1, {}}};
    return gateway::put(std::move(x));
  }

  static gateway::edit api(std::string operation, std::uint32_t timeout_ms = 0) {
    auto x = api_definition{};
    x.operation = std::move(operation);
    x.group = "orders";
    x.timeout_ms = timeout_ms;
    return gateway::put(std::move(x));
  }

  void make_many(std::size_t count) {
    make("n1", {group()});
    for (std::size_t i = 0; i < count; i += 250) {
      auto edits = std::vector<gateway::edit>{};
      for (std::size_t j = i; j < std::min(i + 250, count); ++j)
        edits.push_back(api("op." + std::to_string(j)));
      ASSERT_EQ(make("n1", std::move(edits)), ec::none);
    }
  }

  gateway::api_ptr found(const std::string& where, const std::string& operation) {
    auto in = at(where).sv->gateway->load()->find(app);
    return in ? in->api(operation) : nullptr;
  }

  std::uint64_t revision(const std::string& where) {
    return at(where).sv->gateway->load()->revision();
  }

  std::size_t carried = 0; ///< bytes between nodes
};

TEST_F(gateway_share_test, a_change_is_on_all_nodes_when_it_is_answered_whoever_was_asked) {
  ASSERT_EQ(make("n2", {group(), api("a.b", 1)}), ec::none);
  for (auto where : {"n1", "n2", "n3"}) {
    ASSERT_TRUE(found(where, "a.b")) << where;
    EXPECT_EQ(found(where, "a.b")->version, 1u);
  }
  ASSERT_EQ(make("n3", {api("a.b", 2)}), ec::none);
  for (auto where : {"n1", "n2", "n3"})
    EXPECT_EQ(*found(where, "a.b"), *found("n1", "a.b")) << where;
  EXPECT_EQ(found("n2", "a.b")->timeout_ms, 2u);
}

TEST_F(gateway_share_test, a_refusal_comes_back_with_its_sentence) {
  auto out = change("n2", {api("a.b")});
  ASSERT_TRUE(out);
  EXPECT_EQ(out->code, ec::invalid_argument);
  EXPECT_NE(out->text.find("orders"), std::string::npos);
}

TEST_F(gateway_share_test, a_change_among_many_definitions_carries_that_change_only) {
  make_many(2'000);
  auto whole = carried;
  carried = 0;
  ASSERT_EQ(make("n2", {api("op.7", 99)}), ec::none);
  EXPECT_EQ(found("n3", "op.7")->timeout_ms, 99u);
  EXPECT_LT(carried, 4'096u);
  EXPECT_GT(whole, 100u * carried);
}

TEST_F(gateway_share_test, a_removal_reaches_all_nodes) {
  ASSERT_EQ(make("n1", {group(), api("a.b")}), ec::none);
  ASSERT_EQ(make("n1", {gateway::removal(gateway::entry_kind::api, "a.b")}), ec::none);
  for (auto where : {"n1", "n2", "n3"})
    EXPECT_FALSE(found(where, "a.b")) << where;
}

TEST_F(gateway_share_test, a_node_that_was_away_for_a_while_reads_the_changes_it_lacks) {
  make_many(500);
  net.cut("n3", "n1");
  net.cut("n3", "n2");
  wait(5s);
  for (std::uint32_t i = 1; i <= 20; ++i)
    ASSERT_EQ(make("n1", {api("op.1", i)}), ec::none);
  EXPECT_EQ(found("n3", "op.1")->timeout_ms, 0u);
  net.heal_all();
  wait(1s);
  carried = 0;
  wait(5s);
  EXPECT_EQ(revision("n3"), revision("n1"));
  EXPECT_EQ(found("n3", "op.1")->timeout_ms, 20u);
}

TEST_F(gateway_share_test, a_node_that_was_away_for_long_reads_everything) {
  make_many(300);
  net.cut("n3", "n1");
  net.cut("n3", "n2");
  wait(5s);
  for (std::uint32_t i = 1; i <= gateway::kept_changes + 5; ++i)
    ASSERT_EQ(make("n1", {api("op.1", i)}), ec::none);
  ASSERT_EQ(make("n1", {gateway::removal(gateway::entry_kind::api, "op.2")}), ec::none);
  net.heal_all();
  wait(6s);
  EXPECT_EQ(revision("n3"), revision("n1"));
  EXPECT_EQ(found("n3", "op.1")->timeout_ms, gateway::kept_changes + 5);
  EXPECT_FALSE(found("n3", "op.2"));
  EXPECT_TRUE(found("n3", "op.299"));
}

TEST_F(gateway_share_test, a_new_leader_goes_on_where_the_old_one_stopped) {
  ASSERT_EQ(make("n1", {group(), api("a.b", 1)}), ec::none);
  lead(partition_no{0}, "n2");
  ASSERT_EQ(make("n3", {api("a.b", 2)}), ec::none);
  wait(2s);
  for (auto where : {"n1", "n2", "n3"}) {
    EXPECT_EQ(revision(where), 2u) << where;
    EXPECT_EQ(found(where, "a.b")->version, 2u) << where;
  }
}

TEST_F(gateway_share_test, a_leader_that_lacks_changes_reads_its_own_rows_first) {
  ASSERT_EQ(make("n1", {group()}), ec::none);
  auto before = at("n2").sv->gateway->load();
  ASSERT_EQ(make("n1", {api("a.b", 1)}), ec::none);
  resign(partition_no{0});
  at("n2").sv->gateway->store(before); // as if it had not heard
  lead(partition_no{0}, "n2");
  ASSERT_EQ(make("n2", {api("a.c")}), ec::none);
  EXPECT_TRUE(found("n2", "a.b"));
  EXPECT_EQ(revision("n2"), 3u);
}

TEST_F(gateway_share_test, an_asker_does_not_wait_for_a_node_that_is_gone) {
  net.kill("n3");
  at("n3").dead = true;
  wait(5s);
  EXPECT_EQ(make("n2", {group()}), ec::none);
  EXPECT_EQ(revision("n2"), 1u);
}

TEST_F(gateway_share_test, a_damaged_record_of_a_change_is_passed_by) {
  ASSERT_EQ(make("n1", {group()}), ec::none);
  net.cut("n3", "n1");
  net.cut("n3", "n2");
  wait(5s);
  ASSERT_EQ(make("n1", {api("a.b")}), ec::none);
  ASSERT_TRUE(db->flip_bit(storage::gateway_change_key(2), 40));
  net.heal_all();
  wait(6s);
  EXPECT_TRUE(found("n3", "a.b")) << "it should have read the definitions themselves";
}

gateway::service_beat beat(
    app_no app, const std::string& address, std::int64_t said_ms, bool leaves = false) {
  return {app, "orders", {address, 2, {{"version", "2"}}}, 60'000, said_ms, leaves};
}

TEST_F(gateway_share_test, an_instance_that_one_node_hears_is_known_to_all) {
  auto hear = [&](const std::string& where, gateway::service_beat x) {
    auto what = std::make_shared<gateway::change>();
    what->app = app;
    what->beats.push_back(std::move(x));
    auto out = ask<gateway_outcome_ptr>(
        at(where).sv->where.gateway_writer(), atom::change::value, gateway_change_ptr{what});
    wait(1s);
    return out && (*out)->code == ec::none;
  };
  auto heard_of = [&](const std::string& where) {
    auto& sv = *at(where).sv;
    return sv.gateway->services.find(app, "orders", sv.steady_ms());
  };
  ASSERT_TRUE(hear("n2", beat(app, "a:1", 1)));
  for (auto where : {"n1", "n2", "n3"})
    EXPECT_EQ(heard_of(where), (std::vector<gateway::upstream>{{"a:1", 2, {{"version", "2"}}}}))
        << where;
  ASSERT_TRUE(hear("n3", beat(app, "a:1", 2, true)));
  for (auto where : {"n1", "n2", "n3"})
    EXPECT_TRUE(heard_of(where).empty()) << where;
  EXPECT_EQ(revision("n1"), 0u);
}

TEST_F(gateway_share_test, an_instance_is_told_to_a_node_that_comes_back) {
  net.cut("n3", "n1");
  net.cut("n3", "n2");
  wait(5s);
  auto what = std::make_shared<gateway::change>();
  what->app = app;
  what->beats.push_back(beat(app, "a:1", 1));
  ask<gateway_outcome_ptr>(
      at("n1").sv->where.gateway_writer(), atom::change::value, gateway_change_ptr{what});
  wait(1s);
  auto& sv = *at("n3").sv;
  EXPECT_TRUE(sv.gateway->services.find(app, "orders", sv.steady_ms()).empty());
  net.heal_all();
  wait(5s);
  EXPECT_EQ(sv.gateway->services.find(app, "orders", sv.steady_ms()).size(), 1u);
}

} // namespace
} // namespace shoal
