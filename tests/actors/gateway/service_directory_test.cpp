#include <gmock/gmock.h>

#include "actors/gateway/service_directory.hpp"

namespace shoal::gateway {
namespace {

constexpr auto app = app_no{7};

service_beat beat(std::string address, std::int64_t said_ms = 1, std::uint32_t ttl_ms = 1'000) {
  return {app, "orders", {std::move(address), 1, {}}, ttl_ms, said_ms, false};
}

service_beat leave(std::string address, std::int64_t said_ms) {
  auto out = beat(std::move(address), said_ms);
  out.leaves = true;
  return out;
}

class ServiceDirectory : public testing::Test {
protected:
  std::vector<std::string> at(std::int64_t now_ms) const {
    auto out = std::vector<std::string>{};
    for (auto& x : directory.find(app, "orders", now_ms))
      out.push_back(x.address);
    return out;
  }

  service_directory directory;
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(ServiceDirectory, WhoSaysSoIsThereUntilHisTimeIsOver) {
  directory.take(beat("a:1"), 0);
  directory.take(beat("b:1"), 0);
  directory.take(beat("c:1"), 0);
  EXPECT_THAT(at(1'000), ElementsAre("a:1", "b:1", "c:1"));
  directory.take(beat("a:1", 2), 900);
  directory.take(beat("b:1", 2), 900);
  EXPECT_THAT(at(1'001), ElementsAre("a:1", "b:1"));
}

TEST_F(ServiceDirectory, AServiceIsOfItsApp) {
  directory.take(beat("a:1"), 0);
  EXPECT_THAT(directory.find(app_no{8}, "orders", 0), IsEmpty());
  EXPECT_THAT(directory.find(app, "order", 0), IsEmpty());
  EXPECT_THAT(directory.list(app_no{8}, 0), IsEmpty());
  EXPECT_EQ(directory.list(app, 0).size(), 1u);
}

TEST_F(ServiceDirectory, WhoLeavesIsGoneAtOnceAndAnOlderWordDoesNotBringHimBack) {
  directory.take(beat("a:1", 5), 0);
  directory.take(leave("a:1", 6), 10);
  EXPECT_THAT(at(10), IsEmpty());
  directory.take(beat("a:1", 5), 20);
  EXPECT_THAT(at(20), IsEmpty());
  EXPECT_THAT(directory.list(app, 20), IsEmpty());
  directory.take(beat("a:1", 7), 30);
  EXPECT_THAT(at(30), ElementsAre("a:1"));
}

TEST_F(ServiceDirectory, WhenMostFallSilentTheyStayForAWhile) {
  for (auto address : {"a:1", "b:1", "c:1"})
    directory.take(beat(address), 0);
  directory.take(beat("a:1", 2), 1'000);
  EXPECT_THAT(at(1'500), ElementsAre("a:1", "b:1", "c:1"));
  directory.take(beat("b:1", 2), 1'600);
  EXPECT_THAT(at(1'700), ElementsAre("a:1", "b:1")) << "one of three is silent: that is his";
  EXPECT_THAT(at(9'000), ElementsAre("a:1", "b:1")) << "c was gone before they fell silent";
  EXPECT_THAT(at(11'601), IsEmpty()) << "but not for ever";
}

TEST_F(ServiceDirectory, WhoDiedOneByOneDoesNotComeBackWithTheNextOne) {
  directory.take(beat("a:1"), 0);
  directory.take(beat("a:2"), 2'000);
  directory.take(beat("a:3"), 4'000);
  EXPECT_THAT(at(4'500), ElementsAre("a:3"));
  EXPECT_THAT(at(5'500), ElementsAre("a:3")) << "all it has, and two that nobody expects any more";
}

TEST_F(ServiceDirectory, AWordToThisNodeCountsThoughItsClockWentBack) {
  directory.take(beat("a:1", 5'000), 5'000);
  auto x = leave("a:1", 1'000);
  directory.stamp(x);
  directory.take(x, 1'000);
  EXPECT_THAT(at(1'000), IsEmpty());
}

TEST_F(ServiceDirectory, WhoIsGoneMakesRoomAndAnAppTakesNoneOfAnothers) {
  for (auto i = std::size_t{0}; i < service_directory::max_of_app; ++i) {
    auto x = beat("a:" + std::to_string(i + 1));
    x.service = "s" + std::to_string(i / service_directory::max_instances);
    ASSERT_TRUE(directory.take(x, 0)) << i;
  }
  EXPECT_FALSE(directory.take(beat("b:1"), 1'000));
  auto other = beat("b:1");
  other.app = app_no{8};
  EXPECT_TRUE(directory.take(other, 1'000));
  EXPECT_TRUE(directory.take(beat("b:1"), 10'001)) << "without anybody who sweeps";
  EXPECT_TRUE(directory.take(leave("never:1", 1), 10'001));
  EXPECT_EQ(directory.list(app, 10'001).size(), 1u);
}

TEST_F(ServiceDirectory, WhatOneTellsAnotherIsTheSameThere) {
  directory.take(beat("a:1", 5), 0);
  directory.take(beat("b:1", 5), 0);
  directory.take(leave("b:1", 6), 10);
  auto other = service_directory{};
  other.take(beat("b:1", 5), 0);
  for (auto& x : directory.all(20))
    other.take(x, 20);
  EXPECT_EQ(other.find(app, "orders", 20), directory.find(app, "orders", 20));
  EXPECT_THAT(directory.all(2'000), IsEmpty()) << "old words are not spread";
}

TEST_F(ServiceDirectory, ThereIsRoomForSoManyAndNoMore) {
  for (auto i = std::size_t{0}; i < service_directory::max_instances; ++i)
    EXPECT_TRUE(directory.take(beat("a:" + std::to_string(i + 1)), 0));
  EXPECT_FALSE(directory.take(beat("b:1"), 0));
  EXPECT_TRUE(directory.take(beat("a:1", 2), 0)) << "who is there may go on";
  directory.sweep(10'001);
  EXPECT_THAT(directory.list(app, 10'001), IsEmpty());
  EXPECT_TRUE(directory.take(beat("b:1"), 10'001));
}

TEST_F(ServiceDirectory, ABeatThatMakesNoSenseHasAProblem) {
  EXPECT_EQ(problem_of(beat("a:1")), "");
  EXPECT_NE(problem_of(beat("a")), "");
  EXPECT_NE(problem_of(beat("a:1", 1, 10)), "");
  EXPECT_NE(problem_of(beat("a:1", 1, 700'000)), "");
  auto x = beat("a:1");
  x.service = "or/ders";
  EXPECT_NE(problem_of(x), "");
}

} // namespace
} // namespace shoal::gateway
