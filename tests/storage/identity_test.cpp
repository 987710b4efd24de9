#include <gtest/gtest.h>

#include "storage/identity.hpp"
#include "storage/keys.hpp"

namespace shoal::storage {
namespace {

TEST(store_identity, is_made_once) {
  auto db = make_memory_database();
  auto first = store_identity{};
  ASSERT_EQ(open_identity(*db, 1000, first), ec::none);
  EXPECT_EQ(first.epoch, 1000u);
  EXPECT_NE(first.store_id, 0u);
  auto again = store_identity{};
  ASSERT_EQ(open_identity(*db, 2000, again), ec::none);
  EXPECT_EQ(again, first);
}

TEST(store_identity, says_whether_a_cluster_knows_the_disk) {
  auto db = make_memory_database();
  EXPECT_FALSE(is_enlisted(*db));
  ASSERT_EQ(set_enlisted(*db), ec::none);
  EXPECT_TRUE(is_enlisted(*db));
}

TEST(store_identity, differs_between_stores) {
  auto a = store_identity{};
  auto b = store_identity{};
  ASSERT_EQ(open_identity(*make_memory_database(), 1000, a), ec::none);
  ASSERT_EQ(open_identity(*make_memory_database(), 1000, b), ec::none);
  EXPECT_NE(a.store_id, b.store_id);
}

TEST(store_identity, gets_a_greater_epoch_even_if_the_clock_went_back) {
  auto db = make_memory_database();
  auto x = store_identity{};
  ASSERT_EQ(open_identity(*db, 1000, x), ec::none);
  auto id = x.store_id;
  ASSERT_EQ(new_epoch(*db, 5000, x), ec::none);
  EXPECT_EQ(x.epoch, 5000u);
  ASSERT_EQ(new_epoch(*db, 10, x), ec::none);
  EXPECT_EQ(x.epoch, 5001u);
  EXPECT_EQ(x.store_id, id);
  auto stored = store_identity{};
  ASSERT_EQ(open_identity(*db, 1, stored), ec::none);
  EXPECT_EQ(stored, x);
}

TEST(store_identity, never_has_epoch_zero) {
  auto x = store_identity{};
  ASSERT_EQ(open_identity(*make_memory_database(), -5, x), ec::none);
  EXPECT_EQ(x.epoch, 1u);
}

TEST(store_identity, is_not_guessed_when_damaged) {
  auto db = make_faulty_database();
  auto x = store_identity{};
  ASSERT_EQ(open_identity(*db, 1000, x), ec::none);
  ASSERT_TRUE(db->flip_bit(identity_key("store"), 20));
  EXPECT_EQ(open_identity(*db, 1000, x), ec::quarantined);
  EXPECT_EQ(new_epoch(*db, 1000, x), ec::quarantined);
}

TEST(store_identity, is_durable_before_it_is_used) {
  auto db = make_faulty_database();
  auto x = store_identity{};
  ASSERT_EQ(open_identity(*db, 1000, x), ec::none);
  db->lose_unsynced();
  auto again = store_identity{};
  ASSERT_EQ(open_identity(*db, 2000, again), ec::none);
  EXPECT_EQ(again, x);
}

TEST(store_identity, cannot_be_made_on_a_full_disk) {
  auto db = make_faulty_database();
  db->fail_writes(ec::storage_full);
  auto x = store_identity{};
  EXPECT_EQ(open_identity(*db, 1000, x), ec::storage_full);
}

} // namespace
} // namespace shoal::storage
