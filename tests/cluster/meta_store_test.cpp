// One contract for every kind of meta store.
#include <atomic>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/etcd_meta_store.hpp"
#include "cluster/meta_store.hpp"
#include "tests/cluster/hint_counter.hpp"
#include "tests/support/child_etcd.hpp"

namespace shoal::cluster {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

constexpr auto p1 = static_cast<partition_no>(1);

enum class backend : std::uint8_t { memory, etcd, etcd_tls };

test::child_etcd& shared_etcd(bool with_tls) {
  static auto plain = std::unique_ptr<test::child_etcd>{};
  static auto secure = std::unique_ptr<test::child_etcd>{};
  auto& chosen = with_tls ? secure : plain;
  if (!chosen)
    chosen = std::make_unique<test::child_etcd>(with_tls);
  return *chosen;
}

class any_meta_store : public ::testing::TestWithParam<backend> {
public:
  void SetUp() override {
    if (GetParam() == backend::memory)
      store = make_local_meta_store(memory_meta_hooks());
    else if (!test::child_etcd::is_installed())
      GTEST_SKIP() << "etcd is not installed: tools/dev setup";
    else
      store = make_etcd_meta_store(options());
  }

  etcd_options options() const {
    static auto serial = 0;
    auto out = shared_etcd(GetParam() == backend::etcd_tls)
                   .options("/test/" + std::to_string(++serial) + "/");
    out.page = 3; // so that lists have pages
    out.reread = 60s;
    // A busy machine must not make an outcome unknown.
    out.connect_timeout = out.request_timeout = 30s;
    return out;
  }

  std::unique_ptr<meta_store> store;
};

INSTANTIATE_TEST_SUITE_P(kinds, any_meta_store,
    ::testing::Values(backend::memory, backend::etcd, backend::etcd_tls),
    [](const auto& x) -> std::string {
      return x.param == backend::memory ? "memory" : x.param == backend::etcd ? "etcd" : "etcd_tls";
    });

TEST_P(any_meta_store, gives_back_a_view) {
  auto x = view{};
  EXPECT_EQ(store->get_view(p1, x), meta_result::missing);
  auto first = view{3, "n1", {"n1", "n2"}, {"n1", "n3"}};
  EXPECT_EQ(store->swap_view(p1, 0, first), meta_result::done);
  EXPECT_EQ(store->get_view(p1, x), meta_result::done);
  EXPECT_EQ(x, first);
}

TEST_P(any_meta_store, lets_one_of_two_swaps_win) {
  EXPECT_EQ(store->swap_view(p1, 0, {1, "n1", {"n1"}}), meta_result::done);
  EXPECT_EQ(store->swap_view(p1, 1, {2, "n2", {"n2"}}), meta_result::done);
  EXPECT_EQ(store->swap_view(p1, 1, {2, "n3", {"n3"}}), meta_result::conflict);
  EXPECT_EQ(store->swap_view(p1, 0, {9, "n3", {"n3"}}), meta_result::conflict);
  auto x = view{};
  store->get_view(p1, x);
  EXPECT_EQ(x.leader, "n2");
}

TEST_P(any_meta_store, takes_greater_epochs_and_well_formed_views_only) {
  EXPECT_EQ(store->swap_view(p1, 0, {5, "n1", {"n1"}}), meta_result::done);
  EXPECT_EQ(store->swap_view(p1, 5, {5, "n2", {"n2"}}), meta_result::conflict);
  EXPECT_EQ(store->swap_view(p1, 5, {4, "n2", {"n2"}}), meta_result::conflict);
  EXPECT_EQ(store->swap_view(p1, 5, {6, "n2", {"n1"}}), meta_result::conflict);
  EXPECT_EQ(
      store->swap_view(static_cast<partition_no>(2), 0, {0, "n", {"n"}}), meta_result::conflict);
}

TEST_P(any_meta_store, lists_all_views_in_pages) {
  auto expected = std::map<partition_no, view>{};
  for (std::uint16_t i = 0; i < 20; ++i) {
    auto x = view{i + 1u, "n1", {"n1"}};
    expected[static_cast<partition_no>(i)] = x;
    ASSERT_EQ(store->swap_view(static_cast<partition_no>(i), 0, x), meta_result::done);
  }
  auto found = std::map<partition_no, view>{};
  EXPECT_EQ(store->list_views(found), meta_result::done);
  EXPECT_EQ(found, expected);
}

TEST_P(any_meta_store, keeps_one_record_per_node) {
  auto nodes = std::vector<node_info>{};
  EXPECT_EQ(store->list_nodes(nodes), meta_result::done);
  EXPECT_THAT(nodes, IsEmpty());
  auto n2 = node_info{"n2", "a:1", "a:2", "a:3", ~0ull, node_state::draining, true, 1};
  auto n1 = node_info{"n1", "b:1", "", "", 7, node_state::up, false, 1};
  n2.disk = ~0ull - 1;
  EXPECT_EQ(store->swap_node(0, n2), meta_result::done);
  EXPECT_EQ(store->swap_node(0, n1), meta_result::done);
  EXPECT_EQ(store->swap_node(0, n1), meta_result::conflict);
  n1.state = node_state::removed;
  EXPECT_EQ(store->swap_node(1, n1), meta_result::conflict);
  n1.version = 2;
  EXPECT_EQ(store->swap_node(1, n1), meta_result::done);
  EXPECT_EQ(store->list_nodes(nodes), meta_result::done);
  EXPECT_EQ(nodes, (std::vector<node_info>{n1, n2}));
  auto x = node_info{};
  EXPECT_EQ(store->get_node("n2", x), meta_result::done);
  EXPECT_EQ(x, n2);
  EXPECT_EQ(store->get_node("n", x), meta_result::missing);
}

TEST(node_record, knows_a_disk_that_came_in_the_place_of_another) {
  auto known = node_info{};
  EXPECT_FALSE(is_replaced(known, 5)) << "a new node";
  known.disk = 5;
  EXPECT_FALSE(is_replaced(known, 5));
  EXPECT_TRUE(is_replaced(known, 6));
}

TEST_P(any_meta_store, has_one_controller_at_a_time) {
  auto none = controller_record{};
  auto first = controller_record{1, 1, "n1", 11, 1500};
  EXPECT_EQ(store->get_controller(none), meta_result::missing);
  EXPECT_EQ(store->swap_controller({}, {}), meta_result::conflict);
  EXPECT_EQ(store->swap_controller({}, first), meta_result::done);
  EXPECT_EQ(store->swap_controller({}, {1, 1, "n2", 22, 1500}), meta_result::conflict);
  EXPECT_EQ(store->swap_controller(first, first), meta_result::conflict);
  auto beaten = first;
  beaten.beat = 2;
  EXPECT_EQ(store->swap_controller(first, beaten), meta_result::done);
  EXPECT_EQ(store->swap_controller(first, {2, 1, "n2", 22, 1500}), meta_result::conflict)
      << "it was alive after all";
  EXPECT_EQ(store->swap_controller(beaten, {2, 0, "n2", 22, 1500}), meta_result::done);
  auto x = controller_record{};
  EXPECT_EQ(store->get_controller(x), meta_result::done);
  EXPECT_EQ(x, (controller_record{2, 0, "n2", 22, 1500}));
}

TEST_P(any_meta_store, is_one_cluster_with_one_number_of_partitions) {
  auto found = cluster_identity{};
  EXPECT_EQ(store->get_identity(found), meta_result::missing);
  EXPECT_EQ(store->join({"c1", 64, "first"}, found), meta_result::done);
  EXPECT_EQ(found.id, "first");
  EXPECT_EQ(store->join({"c1", 64, "second"}, found), meta_result::done);
  EXPECT_EQ(found.id, "first");
  EXPECT_EQ(store->join({"c1", 32, "third"}, found), meta_result::conflict);
  EXPECT_EQ(found, (cluster_identity{"c1", 64, "first"}));
  EXPECT_EQ(store->join({"c2", 64, "fourth"}, found), meta_result::conflict);
}

TEST_P(any_meta_store, reads_everything_at_once) {
  auto x = meta_contents{};
  EXPECT_EQ(store->read_all(x), meta_result::done);
  EXPECT_EQ(x, meta_contents{});
  store->swap_controller({}, {1, 1, "n1", 11, 1500});
  store->swap_node(0, {"n1", "a:1", "", "", 0, node_state::up, false, 1});
  store->swap_view(p1, 0, {1, "n1", {"n1"}});
  EXPECT_EQ(store->read_all(x), meta_result::done);
  EXPECT_EQ(x.controller.node, "n1");
  EXPECT_EQ(x.nodes.size(), 1u);
  EXPECT_EQ(x.views.at(p1).leader, "n1");
}

TEST_P(any_meta_store, lets_exactly_one_of_eight_threads_win_each_epoch) {
  constexpr auto rounds = 25u;
  auto wins = std::vector<std::atomic<unsigned>>(rounds + 1);
  auto wrong = std::atomic<unsigned>{0};
  auto run = [&](const std::string& name) {
    for (auto x = view{}; x.epoch < rounds;) {
      if (store->get_view(p1, x) == meta_result::failed)
        ++wrong;
      if (x.epoch == rounds)
        break;
      auto result = store->swap_view(p1, x.epoch, {x.epoch + 1, name, {name}});
      if (result == meta_result::done)
        ++wins[x.epoch + 1];
      else if (result != meta_result::conflict)
        ++wrong;
    }
  };
  auto threads = std::vector<std::thread>{};
  for (auto i = 0; i < 8; ++i)
    threads.emplace_back(run, "n" + std::to_string(i));
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0u);
  for (auto epoch = 1u; epoch <= rounds; ++epoch)
    EXPECT_EQ(wins[epoch], 1u) << epoch;
}

TEST_P(any_meta_store, hints_that_something_changed_until_the_watch_ends) {
  auto hints = hint_counter{};
  auto watch = store->watch(hints.hint());
  for (auto epoch = 1u; epoch <= 5; ++epoch) {
    auto before = hints.count();
    ASSERT_EQ(store->swap_view(p1, epoch - 1, {epoch, "n1", {"n1"}}), meta_result::done);
    EXPECT_TRUE(hints.wait_for_more_than(before)) << epoch;
  }
  watch.reset();
  auto after = hints.count();
  store->swap_view(p1, 5, {6, "n1", {"n1"}});
  EXPECT_EQ(hints.count(), after);
}

TEST_P(any_meta_store, watch_may_outlive_the_store) {
  auto watch = store->watch([] {});
  store.reset();
}

/// Counts changes as etcd does, and questions.
class counting_values : public key_value {
public:
  using key_value::get;

  meta_result get(std::string_view name, stored_value& out, std::int64_t& store_revision) override {
    if (away)
      return meta_result::failed;
    ++gets;
    store_revision = revision;
    auto i = rows.find(name);
    if (i == rows.end())
      return meta_result::missing;
    out = i->second;
    return meta_result::done;
  }

  meta_result list(std::string_view prefix, std::vector<stored_value>& out) override {
    if (away)
      return meta_result::failed;
    ++lists;
    out.clear();
    for (auto& [name, x] : rows)
      if (name.starts_with(prefix))
        out.push_back(x);
    return meta_result::done;
  }

  meta_result swap(
      std::string_view name, const std::optional<stored_value>&, std::string_view text) override {
    rows.insert_or_assign(
        std::string{name}, stored_value{std::string{name}, std::string{text}, ++revision});
    return meta_result::done;
  }

  std::unique_ptr<meta_watch> watch(std::function<void()>) override { return nullptr; }
  std::string problem() const override { return {}; }

  std::map<std::string, stored_value, std::less<>> rows;
  std::int64_t revision = 1;
  int gets = 0, lists = 0;
  bool away = false;
};

class counted_meta_store : public ::testing::Test {
public:
  meta_contents read() {
    auto out = meta_contents{};
    EXPECT_EQ(store.read_all(out), meta_result::done);
    auto fresh = meta_contents{};
    auto again = std::make_unique<counting_values>();
    again->rows = values.rows;
    EXPECT_EQ(meta_store{std::move(again)}.read_all(fresh), meta_result::done);
    EXPECT_EQ(out, fresh) << "what somebody finds who reads everything";
    return out;
  }

  int lists_of_a_read() {
    auto before = values.lists;
    read();
    return values.lists - before;
  }

  void beat(std::uint64_t n) {
    auto was = controller_record{};
    store.get_controller(was);
    ASSERT_EQ(store.swap_controller(was, {1, n, "n1", 7, 1500}), meta_result::done);
  }

  meta_store store{std::make_unique<counting_values>()};
  counting_values& values = static_cast<counting_values&>(store.values());
};

TEST_F(counted_meta_store, reads_everything_once_while_only_the_controller_beats) {
  store.swap_view(p1, 0, {1, "n1", {"n1"}});
  beat(1);
  EXPECT_EQ(lists_of_a_read(), 2);
  EXPECT_EQ(lists_of_a_read(), 0);
  beat(2);
  EXPECT_EQ(lists_of_a_read(), 0);
  EXPECT_EQ(read().controller.beat, 2u);
}

TEST_F(counted_meta_store, reads_everything_when_anything_else_changed) {
  beat(1);
  read();
  store.swap_view(p1, 0, {1, "n1", {"n1"}});
  EXPECT_EQ(lists_of_a_read(), 2);
  store.swap_view(p1, 1, {2, "n1", {"n1"}});
  beat(2);
  EXPECT_EQ(lists_of_a_read(), 2) << "a beat after it hides nothing";
  beat(3);
  store.swap_node(0, {"n2", "a:1", "a:2", "a:3", 1, node_state::up, false, 1});
  EXPECT_EQ(lists_of_a_read(), 2) << "nor one before it";
}

TEST_F(counted_meta_store, trusts_no_old_read_after_a_failure_or_a_step_back) {
  beat(1);
  read();
  values.away = true;
  auto out = meta_contents{};
  EXPECT_EQ(store.read_all(out), meta_result::failed);
  values.away = false;
  EXPECT_EQ(lists_of_a_read(), 2);
  values.revision -= 1;
  EXPECT_EQ(lists_of_a_read(), 2);
}

TEST_F(counted_meta_store, reads_everything_now_and_then) {
  beat(1);
  auto lists = 0;
  for (auto i = 0; i < 100; ++i)
    lists += lists_of_a_read();
  EXPECT_GE(lists, 4);
  EXPECT_LE(lists, 20);
}

} // namespace
} // namespace shoal::cluster
