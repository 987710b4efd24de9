// What the inspector changes is recorded first. Actors that it asks have threads of their own,
// because it waits for their answers.
#include "actors/catalog/new_key.hpp"
#include "actors/catalog/remark.hpp"
#include "actors/inspect/changes.hpp"
#include "actors/log_control.hpp"
#include "protocol/signing.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal::inspect {
namespace {

/// What was asked for, in order: records of the audit, and states of nodes. Read when nobody asks.
struct heard {
  ec answer = ec::none; ///< of the audit
  std::vector<catalog_change> records;
  std::vector<std::string> done;
};

catalog_actor::behavior_type trail(catalog_actor::pointer, std::shared_ptr<heard> heard) {
  return {[heard](atom::change, const catalog_change& x) {
    heard->records.push_back(x);
    auto out = change_result{};
    out.code = heard->answer;
    return out;
  }};
}

membership_actor::behavior_type members(membership_actor::pointer, std::shared_ptr<heard> heard) {
  return {
      [](atom::online) { return node_list{}; },
      [heard](atom::change, const std::string& node, const std::string& state) {
        EXPECT_EQ(heard->records.size(), 1u) << "first the record";
        heard->done.push_back(node + " " + state);
        return node_list{ec::none, {}, {node_entry{}}};
      },
  };
}

struct inspectors_changes : testing_support::actor_test {
  void SetUp() override {
    services->now_ms = [] { return now; };
    services->count = &count;
    services->request_nonces = &nonces;
    services->where.set_catalog_writer(keep(sys.spawn<caf::detached>(trail, asked)));
    op = new_key(app_no{}, key_role::operator_, "", now);
    other = new_key(app_no{1}, key_role::admin, "", now);
    services->catalog.store(
        std::make_shared<const catalog>(catalog{}
                                            .with(std::make_shared<key_config>(op))
                                            .with(std::make_shared<key_config>(other))));
    view.node.name = "n2";
  }

  void TearDown() override {
    services->where.clear();
    log::set_level("info");
    actor_test::TearDown();
  }

  void join_cluster() {
    services->where.set_membership(keep(sys.spawn<caf::detached>(members, asked)));
  }

  json post(const std::string& path, const json& body, const key_config& by) {
    http::request x;
    x.method = "POST";
    x.path = path;
    x.body = body.dump();
    x.headers = {{"Authorization", make_authorization(by.id, by.secret, x.method, x.path, "",
                                       x.body, now, std::to_string(++calls))}};
    return change(view, x);
  }

  remark recorded() const {
    remark out;
    EXPECT_EQ(asked->records.size(), 1u);
    EXPECT_FALSE(asked->records.empty() || !read_remark(asked->records[0], out));
    EXPECT_EQ(asked->records.empty() ? "" : asked->records[0].actor, op.id);
    return out;
  }

  static constexpr std::int64_t now = 1'760'000'000'000;
  int calls = 0;
  metrics count;
  nonce_cache nonces{0, 300'000};
  actor_registry actors;
  services_ptr services = std::make_shared<shoal::services>(std::uint16_t{4});
  std::shared_ptr<heard> asked = std::make_shared<heard>();
  context view{services, actors, sys, {}, {}, 0, 0};
  key_config op, other;
};

TEST_F(inspectors_changes, record_a_drain_before_it_is_done) {
  join_cluster();
  EXPECT_EQ(post("/inspect/drain", json::object(), op)["draining"], true);
  EXPECT_EQ(asked->done, std::vector<std::string>{"n2 draining"});
  EXPECT_EQ(recorded().what, "node drained");
  EXPECT_EQ(recorded().about["node"], "n2");
  EXPECT_EQ(asked->records[0].app, nullptr) << "of the whole server";
}

TEST_F(inspectors_changes, record_a_log_level_before_it_holds) {
  log::set_level("error");
  EXPECT_EQ(post("/inspect/set-log", {{"level", "warn"}}, op)["level"], "warn");
  EXPECT_EQ(recorded().what, "log level set");
  EXPECT_EQ(recorded().about["level"], "warn");
  EXPECT_EQ(recorded().note, "n2");
}

TEST_F(inspectors_changes, are_not_made_if_they_cannot_be_recorded) {
  join_cluster();
  asked->answer = ec::storage_failed;
  EXPECT_THROW(post("/inspect/drain", json::object(), op), api::refusal);
  EXPECT_THROW(post("/inspect/set-log", {{"level", "warn"}}, op), api::refusal);
  EXPECT_TRUE(asked->done.empty());
}

TEST_F(inspectors_changes, are_neither_made_nor_recorded_for_others_than_the_operator) {
  join_cluster();
  EXPECT_THROW(post("/inspect/drain", json::object(), other), api::refusal);
  EXPECT_THROW(post("/inspect/set-log", {{"level", "warn"}}, other), api::refusal);
  EXPECT_THROW(post("/inspect/set-log", {{"level", "loud"}}, op), api::refusal);
  EXPECT_THROW(post("/inspect/nothing", json::object(), op), api::refusal);
  EXPECT_TRUE(asked->records.empty());
  EXPECT_TRUE(asked->done.empty());
}

TEST_F(inspectors_changes, cannot_drain_a_node_that_is_alone) {
  EXPECT_THROW(post("/inspect/drain", json::object(), op), api::refusal);
  EXPECT_TRUE(asked->records.empty());
}

} // namespace
} // namespace shoal::inspect
