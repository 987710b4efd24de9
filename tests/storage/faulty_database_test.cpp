#include <random>

#include <gtest/gtest.h>

#include "storage/database.hpp"

namespace shoal::storage {
namespace {

class faulty_database_test : public ::testing::Test {
public:
  ec put(std::string key, std::string value, bool sync) {
    auto batch = write_batch{};
    batch.put(std::move(key), std::move(value));
    return db->write(batch, sync);
  }

  std::string value_of(std::string_view key) {
    auto value = std::string{};
    return db->get(key, value) == lookup::found ? value : "(none)";
  }

  std::unique_ptr<faulty_database> db = make_faulty_database();
};

TEST_F(faulty_database_test, loses_exactly_what_was_not_synced) {
  put("a", "1", true);
  put("a", "2", false);
  put("b", "1", false);
  auto batch = write_batch{};
  batch.erase("a");
  db->write(batch, false);
  db->lose_unsynced();
  EXPECT_EQ(value_of("a"), "1");
  EXPECT_EQ(value_of("b"), "(none)");
}

TEST_F(faulty_database_test, syncs_earlier_writes_with_later_ones) {
  put("a", "1", false);
  put("b", "1", true);
  put("c", "1", false);
  db->lose_unsynced();
  EXPECT_EQ(value_of("a"), "1");
  EXPECT_EQ(value_of("c"), "(none)");
}

TEST_F(faulty_database_test, syncs_with_an_empty_batch) {
  put("a", "1", false);
  EXPECT_EQ(db->write({}, true), ec::none);
  db->lose_unsynced();
  EXPECT_EQ(value_of("a"), "1");
}

TEST_F(faulty_database_test, loses_nothing_twice) {
  put("a", "1", false);
  db->lose_unsynced();
  put("a", "2", true);
  db->lose_unsynced();
  EXPECT_EQ(value_of("a"), "2");
}

TEST_F(faulty_database_test, fails_writes_until_told_otherwise) {
  put("a", "1", true);
  db->fail_writes(ec::storage_full);
  EXPECT_EQ(put("a", "2", true), ec::storage_full);
  EXPECT_EQ(put("a", "2", false), ec::storage_full);
  EXPECT_EQ(value_of("a"), "1");
  db->fail_writes(ec::none);
  EXPECT_EQ(put("a", "2", true), ec::none);
  EXPECT_EQ(value_of("a"), "2");
}

TEST_F(faulty_database_test, flips_one_bit) {
  put("a", "\x01\x01", true);
  EXPECT_TRUE(db->flip_bit("a", 9));
  EXPECT_EQ(value_of("a"), "\x01\x03");
  EXPECT_FALSE(db->flip_bit("missing", 0));
}

TEST_F(faulty_database_test, knows_nothing_with_a_cold_cache) {
  put("a", "1", true);
  db->cold_cache(true);
  auto value = std::string{};
  EXPECT_EQ(db->try_get("a", value), lookup::unknown);
  EXPECT_EQ(db->try_get("missing", value), lookup::unknown);
  EXPECT_EQ(value_of("a"), "1");
  db->cold_cache(false);
  EXPECT_EQ(db->try_get("a", value), lookup::found);
}

} // namespace
} // namespace shoal::storage
