#include <gtest/gtest.h>

#include "storage/audit_sweep.hpp"
#include "storage/keys.hpp"

namespace shoal::storage {
namespace {

constexpr auto now = std::int64_t{1'760'000'000'000};
constexpr auto day = std::int64_t{24} * 3'600'000;

/// A sweep over a store in memory, as partition 0 does it.
class audit_sweep_test : public ::testing::Test {
public:
  /// One each millisecond.
  void record(app_no app, std::int64_t first_ms, int count = 1) {
    auto rows = write_batch{};
    for (auto i = 0; i < count; ++i)
      rows.put(audit_key(app, first_ms + i, 0), "what happened");
    ASSERT_EQ(db->write(rows, false), ec::none);
  }

  write_batch read(const audit_sweep::page& x) {
    ++pages;
    auto out = write_batch{};
    auto n = std::uint32_t{0};
    db->scan(x.from, x.to, [&](auto key, auto value) {
      out.put(std::string{key}, std::string{value});
      return ++n < std::min(x.limit, most_rows);
    });
    rows_read += n;
    return out;
  }

  void round(std::int64_t time_ms = now) {
    pages = rows_read = 0;
    sweep.begin(time_ms);
    while (!sweep.idle()) {
      ASSERT_LT(pages, 10'000u) << "a round that never ends";
      auto dead = sweep.take(read(sweep.next()));
      EXPECT_LE(dead.rows().size(), audit_sweep::page_rows);
      if (!lose_erasures) {
        EXPECT_EQ(db->write(dead, false), ec::none);
      }
    }
  }

  std::vector<std::string> keys(app_no app) {
    auto out = std::vector<std::string>{};
    db->scan(audit_prefix(app), prefix_end(audit_prefix(app)), [&](auto key, auto) {
      out.emplace_back(key);
      return true;
    });
    return out;
  }

  const app_no shop{1}, bank{2};
  std::unique_ptr<database> db = make_memory_database();
  audit_sweep sweep{{10, 400 * day}};
  std::uint32_t most_rows = audit_sweep::page_rows; ///< a page may be shorter, if rows are large
  std::uint32_t pages = 0, rows_read = 0;
  bool lose_erasures = false;
};

TEST_F(audit_sweep_test, keeps_the_newest_of_each_app) {
  record(shop, now, 13);
  record(bank, now, 10);
  round();
  EXPECT_EQ(keys(shop).size(), 10u);
  EXPECT_EQ(keys(shop).front(), audit_key(shop, now + 3, 0));
  EXPECT_EQ(keys(bank).size(), 10u);
  EXPECT_EQ(sweep.erased(), 3u);
}

TEST_F(audit_sweep_test, keeps_nothing_that_is_too_old) {
  record(shop, now - 401 * day, 2);
  record(shop, now - 400 * day);
  record(bank, now - 500 * day, 3);
  round();
  EXPECT_EQ(keys(shop), std::vector{audit_key(shop, now - 400 * day, 0)});
  EXPECT_TRUE(keys(bank).empty());
  round(now + day);
  EXPECT_TRUE(keys(shop).empty());
}

TEST_F(audit_sweep_test, touches_no_other_table) {
  auto other = write_batch{};
  other.put(gateway_head_key(), "G is behind A");
  other.put("@", "this is before it");
  ASSERT_EQ(db->write(other, false), ec::none);
  record(app_no{0xffffffff}, now, 12);
  round();
  auto value = std::string{};
  EXPECT_EQ(db->get(gateway_head_key(), value), lookup::found);
  EXPECT_EQ(db->get("@", value), lookup::found);
  EXPECT_EQ(keys(app_no{0xffffffff}).size(), 10u);
}

TEST_F(audit_sweep_test, erases_more_than_a_page_holds) {
  most_rows = 7;
  record(shop, now, 100);
  record(bank, now - 500 * day, 30);
  record(bank, now, 5);
  round();
  EXPECT_EQ(keys(shop).size(), 10u);
  EXPECT_EQ(keys(shop).back(), audit_key(shop, now + 99, 0));
  EXPECT_EQ(keys(bank).size(), 5u);
}

TEST_F(audit_sweep_test, counts_only_what_is_new) {
  record(shop, now, 10);
  round();
  record(shop, now + 100, 2);
  round();
  EXPECT_EQ(keys(shop).size(), 10u);
  EXPECT_LT(rows_read, 20u) << "not all rows again";
  round();
  EXPECT_LE(rows_read, 1u);
  EXPECT_LE(pages, 3u);
}

TEST_F(audit_sweep_test, counts_everything_again_after_a_day_of_rounds) {
  record(shop, now, 12);
  lose_erasures = true;
  round();
  lose_erasures = false;
  round();
  EXPECT_EQ(keys(shop).size(), 12u) << "it believes that they are gone";
  for (auto i = 0u; i < audit_sweep::rounds_per_count; ++i)
    round();
  EXPECT_EQ(keys(shop).size(), 10u);
}

TEST_F(audit_sweep_test, erases_nothing_after_a_page_that_could_not_be_read) {
  record(shop, now, 5);
  record(bank, now, 5);
  for (auto lost = 0u; lost < 6; ++lost) { // each page of a round once
    sweep = audit_sweep{{10, 400 * day}};
    for (auto rounds = 0; rounds < 2; ++rounds) {
      sweep.begin(now);
      for (auto i = 0u; !sweep.idle(); ++i) {
        auto x = sweep.next();
        EXPECT_EQ(x.from.front(), 'A') << "of another table";
        auto rows = read(x);
        EXPECT_TRUE(sweep.take(i == lost && rounds == 0 ? write_batch{} : rows).empty());
      }
    }
  }
}

TEST_F(audit_sweep_test, leaves_a_key_alone_that_it_does_not_know) {
  auto odd = write_batch{};
  odd.put("A", "");
  odd.put("A\x01", "");
  ASSERT_EQ(db->write(odd, false), ec::none);
  record(shop, now, 12);
  record(bank, now, 10);
  round();
  EXPECT_EQ(keys(shop).size(), 10u);
  EXPECT_EQ(keys(bank).size(), 10u);
  auto value = std::string{};
  EXPECT_EQ(db->get("A", value), lookup::found);
}

TEST_F(audit_sweep_test, has_nothing_to_do_without_records) {
  round();
  EXPECT_EQ(pages, 1u);
  EXPECT_EQ(sweep.erased(), 0u);
}

TEST_F(audit_sweep_test, does_not_begin_twice) {
  record(shop, now, 3);
  sweep.begin(now);
  sweep.take(read(sweep.next()));
  auto before = sweep.next();
  sweep.begin(now);
  EXPECT_EQ(sweep.next().from, before.from);
  EXPECT_EQ(sweep.next().limit, before.limit);
}

} // namespace
} // namespace shoal::storage
