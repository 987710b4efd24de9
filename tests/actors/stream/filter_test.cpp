#include <gtest/gtest.h>

#include "actors/stream/filter.hpp"

namespace shoal {
namespace {

int order_of(std::string_view a, std::string_view b) {
  int result = 99;
  EXPECT_TRUE(compare_versions(a, b, result)) << a << " " << b;
  return result;
}

device_info phone() {
  device_info x;
  x.user = "1500";
  x.os = "iOS";
  x.app_version = "10.2.1";
  x.region = "cn-east";
  x.model = "iPhone15,2";
  x.network = "wifi";
  x.tags = {{"channel", "beta"}};
  return x;
}

TEST(versions, compare_as_numbers_not_as_text) {
  EXPECT_GT(order_of("1.10", "1.9"), 0);
  EXPECT_LT(order_of("9", "10"), 0);
  EXPECT_EQ(order_of("1.0", "1"), 0);
  EXPECT_EQ(order_of("0.0.0.0", "0"), 0);
  EXPECT_LT(order_of("100.100.100.99", "100.100.100.100"), 0);
}

TEST(versions, refuse_what_is_no_dotted_number) {
  int result = 0;
  for (auto text : {"", ".", "1.", ".1", "1..2", "1.x", "-1", "1.2 ", "1234567890",
           "1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1"})
    EXPECT_FALSE(compare_versions(text, "1", result)) << text;
}

TEST(filter, without_conditions_is_for_everyone) {
  EXPECT_TRUE(filter_matches({}, device_info{}));
  EXPECT_EQ(filter_mismatch({}, phone()), "");
}

TEST(filter, compares_the_os_without_case) {
  storage::op_filter f;
  f.os = "ios";
  EXPECT_TRUE(filter_matches(f, phone()));
  f.os = "Android";
  EXPECT_EQ(filter_mismatch(f, phone()), "os is 'iOS', the op is for Android");
}

TEST(filter, takes_version_bounds_inclusively) {
  storage::op_filter f;
  f.min_app_version = "10.2.1";
  f.max_app_version = "10.2.1";
  EXPECT_TRUE(filter_matches(f, phone()));
  f.min_app_version = "10.2.2";
  f.max_app_version = "";
  EXPECT_EQ(filter_mismatch(f, phone()), "app version is '10.2.1', the op is for 10.2.2 and later");
  f.min_app_version = "";
  f.max_app_version = "10.2";
  EXPECT_EQ(filter_mismatch(f, phone()), "app version is '10.2.1', the op is for 10.2 and earlier");
}

TEST(filter, leaves_out_a_device_whose_version_cannot_be_read) {
  auto device = phone();
  device.app_version = "dev-build";
  storage::op_filter f;
  f.min_app_version = "0";
  EXPECT_FALSE(filter_matches(f, device));
}

TEST(filter, wants_one_of_each_list_and_all_tags) {
  storage::op_filter f;
  f.regions = {"eu", "cn-east"};
  f.models = {"iPhone15,2"};
  f.networks = {"wifi", "5g"};
  f.tags = {{"channel", "beta"}};
  EXPECT_TRUE(filter_matches(f, phone()));
  f.tags["cohort"] = "7";
  EXPECT_EQ(filter_mismatch(f, phone()), "tag 'cohort' is '', the op is for 7");
  f.regions = {"eu"};
  EXPECT_EQ(filter_mismatch(f, phone()), "region is 'cn-east', the op is for eu");
}

TEST(filter, names_the_model_or_network_that_does_not_match) {
  storage::op_filter f;
  f.models = {"iPhone14,1", "Pixel 9"};
  EXPECT_FALSE(filter_matches(f, phone()));
  EXPECT_EQ(
      filter_mismatch(f, phone()), "model is 'iPhone15,2', the op is for iPhone14,1, Pixel 9");
  f.models = {"iphone15,2"};
  EXPECT_FALSE(filter_matches(f, phone())) << "only the os is compared without case";
  f.models = {};
  f.networks = {"5g"};
  EXPECT_EQ(filter_mismatch(f, phone()), "network is 'wifi', the op is for 5g");
  EXPECT_FALSE(filter_matches(f, device_info{})) << "a device that does not tell its network";
}

TEST(filter, takes_user_lists_and_numeric_ranges) {
  storage::op_filter f;
  f.users = {"7", "1500"};
  EXPECT_TRUE(filter_matches(f, phone()));
  f.users = {"7"};
  EXPECT_FALSE(filter_matches(f, phone()));
  f.users = {};
  f.min_uid = 1500;
  f.max_uid = 1500;
  EXPECT_TRUE(filter_matches(f, phone()));
  f.min_uid = 1501;
  f.max_uid = 0;
  EXPECT_FALSE(filter_matches(f, phone()));
  auto other = phone();
  other.user = "alice";
  f.min_uid = 1;
  EXPECT_FALSE(filter_matches(f, other)) << "a user id that is no number is in no range";
}

TEST(validity, holds_from_start_to_end_inclusively) {
  storage::op_record op;
  EXPECT_EQ(validity_of(op, 5), validity::valid);
  op.valid_from_ms = 10;
  op.valid_until_ms = 20;
  EXPECT_EQ(validity_of(op, 9), validity::not_yet);
  EXPECT_EQ(validity_of(op, 10), validity::valid);
  EXPECT_EQ(validity_of(op, 20), validity::valid);
  EXPECT_EQ(validity_of(op, 21), validity::expired);
}

} // namespace
} // namespace shoal
