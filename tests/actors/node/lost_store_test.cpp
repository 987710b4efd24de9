#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/node/lost_store.hpp"
#include "storage/lost_records.hpp"

namespace shoal {
namespace {

using ::testing::HasSubstr;

struct lost_store : ::testing::Test {
  std::unique_ptr<storage::faulty_database> db = storage::make_faulty_database();

  void lose() { ASSERT_EQ(storage::set_lost_records(*db, "change 7 is gone"), ec::none); }

  std::string reason(const lost_store_options& x) {
    try {
      face_lost_records(*db, x);
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "(starts)";
  }
};

TEST_F(lost_store, keeps_no_node_from_starting_that_lost_nothing) {
  EXPECT_EQ(reason({"data", false, false}), "(starts)");
}

TEST_F(lost_store, keeps_a_node_that_is_alone_from_starting_and_says_what_to_do) {
  lose();
  for (auto again = 0; again < 2; ++again) {
    auto why = reason({"data", false, false});
    EXPECT_THAT(why, HasSubstr("data"));
    EXPECT_THAT(why, HasSubstr("change 7 is gone"));
    EXPECT_THAT(why, HasSubstr("--new-epoch"));
  }
}

TEST_F(lost_store, is_forgotten_when_the_operator_goes_on_with_what_is_left) {
  lose();
  EXPECT_EQ(reason({"data", false, true}), "(starts)");
  EXPECT_EQ(reason({"data", false, false}), "(starts)");
}

TEST_F(lost_store, is_left_to_the_cluster_if_others_have_copies) {
  lose();
  EXPECT_EQ(reason({"data", true, false}), "(starts)");
  EXPECT_NE(storage::lost_records(*db), "");
}

TEST_F(lost_store, is_not_forgotten_by_halves) {
  lose();
  db->fail_writes(ec::storage_failed);
  EXPECT_THAT(reason({"data", false, true}), HasSubstr("cannot write"));
}

} // namespace
} // namespace shoal
