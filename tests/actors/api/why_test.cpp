#include <gtest/gtest.h>

#include "actors/api/why.hpp"

namespace shoal::api {
namespace {

struct why : testing::Test {
  why() {
    biz.name = "LOCK";
    biz.online = true;
    x.who = principal::user("u1");
    x.id = 5;
    x.device = "d1";
    x.now_ms = 1'000;
    x.report.latest = {1, 9};
    op.id = 5;
    op.valid_until_ms = 2'000;
    x.known.found = true;
    x.known.device.user = "u1";
    x.known.device.last_seen_ms = 900;
    info.device = "d1";
    info.user = "u1";
    info.user_verified = true;
    info.os = "Android";
    feed.biz = "LOCK";
    feed.sent = feed.acked = 2;
  }

  why_answer explained() {
    x.biz = std::make_shared<biz_config>(biz);
    if (stored)
      x.page.ops = {std::make_shared<storage::op_record>(op)};
    if (online)
      x.live.info = std::make_shared<device_info>(info);
    if (subscribed)
      x.live.feeds = {feed};
    return explain(x);
  }
  std::string verdict() { return explained().verdict; }

  biz_config biz;
  storage::op_record op;
  device_info info;
  device_status::feed feed;
  why_facts x;
  bool stored = true, online = true, subscribed = true;
};

TEST_F(why, unknown_id) {
  x.id = 10;
  EXPECT_EQ(verdict(), "unknown_id");
  x.id = 0;
  EXPECT_EQ(verdict(), "unknown_id");
}

TEST_F(why, not_stored) {
  biz.persistent = false;
  EXPECT_EQ(verdict(), "not_stored");
}

TEST_F(why, removed_below_the_floor_or_missing) {
  x.report.floor = 5;
  EXPECT_EQ(verdict(), "removed");
  x.report.floor = 0;
  op.id = 6;
  EXPECT_EQ(verdict(), "removed");
  stored = false;
  x.page.ops.clear();
  EXPECT_EQ(verdict(), "removed");
}

TEST_F(why, damaged) {
  stored = false;
  x.page.damaged = 5;
  EXPECT_EQ(verdict(), "damaged");
}

TEST_F(why, delivered_when_a_stored_or_live_position_covers_it) {
  x.cursor.found = true;
  x.cursor.cursor.at.id = 5;
  EXPECT_EQ(verdict(), "delivered");
  x.cursor.found = false;
  feed.acked = 5;
  EXPECT_EQ(verdict(), "delivered");
  feed.acked = 2;
  x.report.listeners = {{"d1", 5, 5, 0}};
  EXPECT_EQ(verdict(), "delivered");
  x.report.listeners = {{"d2", 5, 5, 0}};
  EXPECT_NE(verdict(), "delivered") << "another device's position";
}

TEST_F(why, passed_when_the_position_moved_after_expiry) {
  x.cursor.found = true;
  x.cursor.cursor = {{1, 5}, 2'001};
  x.now_ms = 3'000;
  EXPECT_EQ(verdict(), "passed");
}

TEST_F(why, filtered_names_the_filter_before_and_after_it_was_passed) {
  op.filter.os = "iOS";
  EXPECT_EQ(verdict(), "filtered");
  EXPECT_NE(explained().text.find("iOS"), std::string::npos) << explained().text;
  feed.acked = 5;
  EXPECT_EQ(verdict(), "filtered");
}

TEST_F(why, biz_offline) {
  biz.online = false;
  EXPECT_EQ(verdict(), "biz_offline");
}

TEST_F(why, expired_and_not_yet_valid) {
  x.now_ms = 2'001;
  EXPECT_EQ(verdict(), "expired");
  x.now_ms = 1'000;
  op.valid_from_ms = 1'500;
  EXPECT_EQ(verdict(), "not_yet_valid");
}

TEST_F(why, offline_since) {
  online = subscribed = false;
  EXPECT_EQ(verdict(), "offline");
  EXPECT_NE(explained().text.find("900"), std::string::npos);
  x.known.found = false;
  EXPECT_EQ(verdict(), "unknown_device");
}

TEST_F(why, bound_to_nobody_or_to_another_user) {
  info.user = "u2";
  EXPECT_EQ(verdict(), "other_user");
  info.user = "";
  EXPECT_EQ(verdict(), "not_bound");
}

TEST_F(why, another_device) {
  biz.target = biz_target::device;
  x.who = principal::device("d2");
  EXPECT_EQ(verdict(), "other_device");
}

TEST_F(why, not_verified) {
  info.user_verified = false;
  EXPECT_EQ(verdict(), "waiting") << "the biz demands no check";
  biz.verified_only = true;
  EXPECT_EQ(verdict(), "not_verified");
  biz.verified_only = biz.multi_device = false;
  EXPECT_EQ(verdict(), "not_verified") << "a single-device biz demands it always";
  info.user_verified = true;
  EXPECT_EQ(verdict(), "waiting");
}

TEST_F(why, not_subscribed) {
  subscribed = false;
  EXPECT_EQ(verdict(), "not_subscribed");
}

TEST_F(why, waiting_for_acknowledgement) {
  feed.sent = 5;
  EXPECT_EQ(verdict(), "waiting_ack");
}

TEST_F(why, waiting_behind_others) {
  EXPECT_EQ(verdict(), "waiting");
  EXPECT_EQ(explained().behind, 2u) << "3 and 4 come first";
}

TEST_F(why, waiting_for_the_other_device_of_a_single_device_biz) {
  biz.multi_device = false;
  x.report.listeners = {{"d2", 5, 4, 0}};
  EXPECT_EQ(verdict(), "waiting_other_device");
}

} // namespace
} // namespace shoal::api
