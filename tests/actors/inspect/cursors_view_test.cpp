// What is stored of a stream's acknowledgements, over a database in memory and without any stream.
#include "actors/inspect/views.hpp"
#include "storage/keys.hpp"
#include "tests/actors/fake_partition.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal::inspect {
namespace {

constexpr auto app = app_no{1};
constexpr auto orders = biz_no{1}, news = biz_no{2};

struct stored_cursors : testing_support::actor_test {
  void SetUp() override {
    services->now_ms = [] { return std::int64_t{1}; };
    services->db = db.get();
    services->count = &count;
    auto known = catalog{};
    auto shop = app_config{};
    shop.no = app;
    shop.id = "shop";
    known = known.with(std::make_shared<app_config>(shop));
    for (auto [no, name] : {std::pair{orders, "ORDERS"}, {news, "NEWS"}}) {
      auto biz = biz_config{};
      biz.no = no;
      biz.app = app;
      biz.name = name;
      if (no == news)
        biz.scope = biz_scope::global;
      known = known.with(std::make_shared<biz_config>(biz));
    }
    services->catalog.store(std::make_shared<const catalog>(known));
    view.node.name = "n1";
    for (std::uint16_t i = 0; i < partitions; ++i)
      lead(partition_no{i});
  }

  void TearDown() override {
    services->where.clear();
    actor_test::TearDown();
  }

  void lead(partition_no no) {
    services->where.set_partition(no, keep(sys.spawn(fake_partition, log)));
  }

  /// Who leads only these keeps what others lead, too: as their replica.
  void lead_only(std::initializer_list<partition_no> led) {
    for (std::uint16_t i = 0; i < partitions; ++i)
      services->where.set_partition(partition_no{i}, {}, 0);
    for (auto no : led)
      lead(no);
  }

  void put(partition_no part, const principal& who, biz_no biz, const std::string& subject,
      std::uint64_t id) {
    auto key = storage::cursor_key(part, {app, who, biz}, subject);
    auto rows = storage::write_batch{};
    rows.put(key, storage::encode(storage::cursor_record{{services->epoch, id}, 5}, key));
    ASSERT_EQ(db->write(rows, false), ec::none);
  }

  partition_no home(const principal& who) const { return services->where.number_of(app, who); }

  static std::vector<std::string> devices(const json& x) {
    std::vector<std::string> out;
    for (auto& row : x["cursors"])
      out.push_back(row.value("biz", "") + " " + row.value("device", "?"));
    return out;
  }

  using names = std::vector<std::string>;

  static constexpr std::uint16_t partitions = 4;
  const principal u1 = principal::user("u1"), u2 = principal::user("u2");
  metrics count;
  actor_registry actors;
  std::unique_ptr<storage::database> db = storage::make_memory_database();
  services_ptr services = std::make_shared<shoal::services>(partitions);
  std::shared_ptr<fake_log> log = std::make_shared<fake_log>();
  context view{services, actors, sys, {}, {}, 0, 0};
};

TEST_F(stored_cursors, are_those_of_one_stream_in_all_its_bizs) {
  put(home(u1), u1, orders, "d1", 7);
  put(home(u1), u1, orders, "d2", 9);
  put(home(u1), u1, news, "d1", 3);
  put(home(u2), u2, orders, "d3", 8);
  auto x = stored_cursors_of(view, "shop", "user:u1", "");
  EXPECT_EQ(devices(x), (names{"ORDERS d1", "ORDERS d2", "NEWS d1"}));
  EXPECT_EQ(x["cursors"][0]["position"], 7);
  EXPECT_EQ(x["cursors"][0]["epoch"], services->epoch);
  EXPECT_EQ(x["cursors"][0]["time_ms"], 5);
  EXPECT_EQ(x["cursors"][0]["attached"], false);
  EXPECT_EQ(x["more"], false);
  EXPECT_TRUE(stored_cursors_of(view, "shop", "user:nobody", "")["cursors"].empty());
}

TEST_F(stored_cursors, come_in_pages_that_meet_each_of_them_once) {
  for (auto i = 10; i < 17; ++i)
    put(home(u1), u1, orders, "d" + std::to_string(i), 1);
  auto seen = names{};
  auto after = std::string{};
  auto pages = 0;
  for (auto more = true; more; ++pages) {
    auto x = stored_cursors_of(view, "shop", "user:u1", "limit=3&after=" + after);
    EXPECT_LE(x["cursors"].size(), 3u);
    for (auto& name : devices(x))
      seen.push_back(name);
    more = x["more"];
    after = x.value("next_after", "");
    EXPECT_EQ(more, !after.empty());
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, (names{"ORDERS d10", "ORDERS d11", "ORDERS d12", "ORDERS d13", "ORDERS d14",
                      "ORDERS d15", "ORDERS d16"}));
}

TEST_F(stored_cursors, of_a_global_stream_lie_with_devices_and_are_shown_by_who_leads_those) {
  auto global = principal::global();
  auto all = names{};
  for (std::uint16_t i = 0; i < partitions; ++i) {
    put(partition_no{i}, global, news, "d" + std::to_string(i), i);
    all.push_back("NEWS d" + std::to_string(i));
  }
  EXPECT_EQ(devices(stored_cursors_of(view, "shop", "global", "")), all);
  // Pages go from partition to partition.
  auto first = stored_cursors_of(view, "shop", "global", "limit=2");
  EXPECT_EQ(devices(first), (names{all[0], all[1]}));
  auto rest =
      stored_cursors_of(view, "shop", "global", "after=" + first["next_after"].get<std::string>());
  EXPECT_EQ(devices(rest), (names{all[2], all[3]}));
  lead_only({partition_no{1}, partition_no{3}});
  EXPECT_EQ(devices(stored_cursors_of(view, "shop", "global", "")), (names{all[1], all[3]}));
}

TEST_F(stored_cursors, name_the_user_of_a_device) {
  put(partition_no{2}, principal::global(), news, std::string{"d1\0u1", 5}, 4);
  auto x = stored_cursors_of(view, "shop", "global", "")["cursors"][0];
  EXPECT_EQ(x["device"], "d1");
  EXPECT_EQ(x["user"], "u1");
}

TEST_F(stored_cursors, that_are_damaged_are_named_and_not_believed) {
  auto key = storage::cursor_key(home(u1), {app, u1, orders}, "d1");
  auto rows = storage::write_batch{};
  rows.put(key, "nonsense");
  ASSERT_EQ(db->write(rows, false), ec::none);
  auto x = stored_cursors_of(view, "shop", "user:u1", "")["cursors"][0];
  EXPECT_EQ(x["device"], "d1");
  EXPECT_EQ(x["error"], "damaged");
  EXPECT_FALSE(x.contains("position"));
}

TEST_F(stored_cursors, cannot_be_used_to_read_anything_else) {
  put(home(u1), u1, orders, "d1", 7);
  put(home(u2), u2, orders, "d3", 8);
  for (auto after : {"00", "43", "ff", "43ffff"})
    for (auto& name :
        devices(stored_cursors_of(view, "shop", "user:u1", std::string{"after="} + after)))
      EXPECT_EQ(name, "ORDERS d1") << after;
  EXPECT_THROW(stored_cursors_of(view, "shop", "user:u1", "after=xyz"), api::refusal);
  EXPECT_THROW(
      stored_cursors_of(view, "shop", "user:u1", "after=" + std::string(4'000, '0')), api::refusal);
  EXPECT_THROW(stored_cursors_of(view, "shop", "user:u1", "limit=5000"), api::refusal);
  EXPECT_THROW(stored_cursors_of(view, "other", "user:u1", ""), api::refusal);
  EXPECT_THROW(stored_cursors_of(view, "shop", "what:u1", ""), api::refusal);
}

} // namespace
} // namespace shoal::inspect
