// Operators look at nodes and change their state; what they change is in the audit trail.
#include <nlohmann/json.hpp>

#include "actors/api/api_actor.hpp"
#include "actors/catalog/catalog_actor.hpp"
#include "actors/catalog/catalog_codec.hpp"
#include "actors/catalog/new_key.hpp"
#include "protocol/signing.hpp"
#include "tests/actors/fake_partition.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal::api {
namespace {

using nlohmann::json;

/// What the cluster was told, and how many records the log had by then.
struct fake_cluster {
  std::vector<node_entry> nodes;
  std::size_t changes = 0, recorded_before = 0;
};

membership_actor::behavior_type fake_membership(membership_actor::pointer,
    std::shared_ptr<fake_cluster> cluster, std::shared_ptr<fake_log> log) {
  return {
      [cluster](atom::online) {
        return node_list{ec::none, {}, cluster->nodes};
      },
      [cluster, log](atom::change, const std::string& node, const std::string& state) {
        ++cluster->changes;
        cluster->recorded_before = log->requests.size();
        for (auto& x : cluster->nodes)
          if (x.name == node) {
            x.state = state;
            return node_list{ec::none, {}, {x}};
          }
        return node_list{ec::not_found, "nobody", {}};
      },
  };
}

struct api_nodes : testing_support::actor_test {
  void SetUp() override {
    services->now_ms = [] { return now; };
    services->db = db.get();
    services->count = &count;
    services->request_nonces = &nonces;
    for (auto no = std::uint16_t{0}; no < 4; ++no)
      services->where.set_partition(partition_no{no}, keep(sys.spawn(fake_partition, log)));
    services->where.set_catalog_writer(keep(spawn_catalog_writer(sys, services)));
    for (auto name : {"n1", "n2"}) {
      auto x = node_entry{};
      x.name = name;
      x.state = "up";
      cluster->nodes.push_back(x);
    }
    services->where.set_membership(keep(sys.spawn(fake_membership, cluster, log)));
    op = new_key(app_no{}, key_role::operator_, "", now);
    services->catalog.store(
        std::make_shared<const catalog>(catalog{}.with(std::make_shared<key_config>(op))));
    log->automatic = true;
    server = keep(sys.spawn(api, services));
    sched.run();
  }

  void TearDown() override {
    services->where.clear();
    *log = {};
    server = nullptr;
    actor_test::TearDown();
  }

  /// The answers so far: none before somebody answers.
  std::vector<json> set_state(const std::string& node, const std::string& state) {
    auto x = http::request{};
    x.method = "PUT";
    x.path = "/v1/nodes/" + node + "/state";
    x.body = json{{"state", state}}.dump();
    x.headers = {{"Authorization", make_authorization(op.id, op.secret, x.method, x.path, "",
                                       x.body, now, std::to_string(++calls))}};
    auto got = std::make_shared<std::vector<json>>();
    tell(server, atom::call::value,
        api_call{std::move(x), http::responder{[got](http::response y) {
                   got->push_back(json::parse(y.body, nullptr, false));
                 }},
            steady_us()});
    return *got;
  }

  json record(std::size_t i) const {
    const auto& row = log->requests.at(i).rows.rows().at(0);
    auto trail = std::string_view{};
    EXPECT_TRUE(open_row(row.key, row.value, trail));
    return json::parse(trail, nullptr, false);
  }

  static constexpr std::int64_t now = 1'760'000'000'000;
  int calls = 0;
  metrics count;
  nonce_cache nonces{0, 300'000};
  std::unique_ptr<storage::database> db = storage::make_memory_database();
  services_ptr services = std::make_shared<shoal::services>(std::uint16_t{4});
  std::shared_ptr<fake_log> log = std::make_shared<fake_log>();
  std::shared_ptr<fake_cluster> cluster = std::make_shared<fake_cluster>();
  api_actor server;
  key_config op;
};

TEST_F(api_nodes, record_a_change_before_it_is_made) {
  for (auto [state, what] :
      {std::pair{"draining", "node drained"}, {"up", "node up"}, {"removed", "node removed"}}) {
    auto before = log->requests.size();
    auto answers = set_state("n2", state);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0]["state"], state);
    ASSERT_EQ(log->requests.size(), before + 1);
    EXPECT_EQ(cluster->recorded_before, before + 1) << "first the record, then the change";
    auto x = record(before);
    EXPECT_EQ(x["what"], what);
    EXPECT_EQ(x["by"], op.id);
    EXPECT_EQ(x["after"]["node"], "n2");
  }
}

TEST_F(api_nodes, do_not_change_what_cannot_be_recorded) {
  log->automatic = false;
  auto answers = set_state("n2", "removed");
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(cluster->changes, 0u) << "the record is not durable yet";
  log->answer(0, ec::storage_failed);
  sched.run();
  EXPECT_EQ(cluster->changes, 0u);
  EXPECT_EQ(cluster->nodes[1].state, "up");
}

TEST_F(api_nodes, record_nothing_of_what_is_refused) {
  EXPECT_EQ(set_state("n9", "draining").at(0)["code"], "not_found");
  EXPECT_EQ(set_state("n2", "asleep").at(0)["code"], "invalid_argument");
  EXPECT_TRUE(log->requests.empty());
  EXPECT_EQ(cluster->changes, 0u);
}

} // namespace
} // namespace shoal::api
