#include <gmock/gmock.h>

#include "actors/gateway/etcd_discovery.hpp"

namespace shoal::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// An etcd that says what a test wants, and a clock that moves when told to.
class EtcdDiscovery : public testing::Test {
protected:
  EtcdDiscovery() { define("/orders"); }

  void define(const std::string& source, std::uint32_t refresh_s = 1) {
    auto group = api_group{};
    group.name = "g" + source.substr(1);
    group.discovery = {discovery_kind::etcd, source, refresh_s};
    group.revision = ++revision;
    auto next = cell.load()->with(shop, make_live(group)).at(revision, 1);
    cell.store(std::make_shared<const registry>(std::move(next)));
  }

  void say(const std::string& prefix, const std::vector<std::string>& texts) {
    auto page = cluster::etcd_page{};
    for (auto& text : texts)
      page.values.push_back({"k" + std::to_string(page.values.size()), text, 1});
    answers[prefix] = page;
  }

  /// Steps until nothing is due.
  void run() {
    while (rules.step() == 0) {
    }
  }
  void run_after(std::int64_t ms) {
    now_ms += ms;
    run();
  }

  std::vector<std::string> at(const std::string& prefix) const {
    auto out = std::vector<std::string>{};
    if (auto list = known.find(prefix, revision).instances)
      for (auto& x : *list)
        out.push_back(x.address);
    return out;
  }

  world_name shop{app_no{1}, "shop"};
  std::uint64_t revision = 0;
  std::int64_t now_ms = 1'000;
  registry_cell cell;
  etcd_directory known;
  std::map<std::string, cluster::etcd_page> answers;
  std::string down; ///< why
  std::vector<std::string> asked;
  etcd_discovery rules{cell, known,
      [this](const std::string& prefix, std::size_t) {
        asked.push_back(prefix);
        auto page = answers[prefix];
        page.problem = down;
        return page;
      },
      [this] { return now_ms; }};
};

TEST_F(EtcdDiscovery, AChangeIsKnownWithinTheRefresh) {
  say("/orders/", {"a:1"});
  run();
  EXPECT_THAT(at("/orders/"), ElementsAre("a:1"));
  say("/orders/", {"a:1", "b:1"});
  run_after(999);
  EXPECT_THAT(at("/orders/"), ElementsAre("a:1"));
  run_after(1);
  EXPECT_THAT(at("/orders/"), ElementsAre("a:1", "b:1"));
  say("/orders/", {});
  run_after(1'000);
  EXPECT_THAT(at("/orders/"), IsEmpty());
  EXPECT_NE(known.find("/orders/", revision).instances, nullptr) << "known to be empty";
}

TEST_F(EtcdDiscovery, AHintIsFollowedWithinASecondAndNotMoreOften) {
  define("/orders", 60);
  say("/orders/", {"a:1"});
  run();
  say("/orders/", {"b:1"});
  rules.hint();
  run_after(999);
  EXPECT_EQ(asked.size(), 1u);
  run_after(1);
  EXPECT_THAT(at("/orders/"), ElementsAre("b:1"));
  for (auto i = 0; i < 20; ++i) {
    rules.hint();
    run_after(100);
  }
  EXPECT_EQ(asked.size(), 4u) << "once a second";
  run_after(30'000);
  EXPECT_EQ(asked.size(), 4u) << "and no more than before, when nobody hints";
}

TEST_F(EtcdDiscovery, AGroupThatIsDefinedLaterIsAskedForAtOnce) {
  run();
  define("/users", 60);
  say("/users/", {"u:1"});
  EXPECT_TRUE(known.find("/users/", revision).asking) << "who calls now may wait";
  run();
  EXPECT_THAT(at("/users/"), ElementsAre("u:1"));
  EXPECT_THAT(asked, ElementsAre("/orders/", "/users/"));
  EXPECT_EQ(known.now().prefixes, 2u);
  EXPECT_EQ(known.now().instances, 1u);
}

TEST_F(EtcdDiscovery, WhatNobodyLooksAtIsForgotten) {
  say("/orders/", {"a:1"});
  run();
  auto next = cell.load()->without(shop.no, entry_kind::group, "gorders").at(++revision, 1);
  cell.store(std::make_shared<const registry>(std::move(next)));
  run_after(5'000);
  EXPECT_EQ(known.find("/orders/", revision).instances, nullptr);
  EXPECT_FALSE(known.find("/orders/", revision).asking);
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(EtcdDiscovery, WhatWasKnownServesWhileEtcdIsDown) {
  say("/orders/", {"a:1"});
  run();
  down = "connection refused";
  say("/orders/", {});
  for (auto i = 0; i < 3; ++i)
    run_after(10'000);
  EXPECT_THAT(at("/orders/"), ElementsAre("a:1"));
  EXPECT_EQ(known.now().silent_since_ms, 1'000);
  EXPECT_EQ(known.now().trouble, "connection refused");
  down.clear();
  say("/orders/", {"b:1"});
  run_after(10'000);
  EXPECT_THAT(at("/orders/"), ElementsAre("b:1"));
  EXPECT_EQ(known.now().silent_since_ms, 0);
  EXPECT_EQ(known.now().trouble, "");
}

TEST_F(EtcdDiscovery, NobodyWaitsForAnEtcdThatWasNeverThere) {
  down = "connection refused";
  define("/users");
  EXPECT_TRUE(known.find("/users/", revision).asking);
  run();
  EXPECT_FALSE(known.find("/orders/", revision).asking);
  EXPECT_FALSE(known.find("/users/", revision).asking);
  EXPECT_EQ(known.find("/users/", revision).instances, nullptr);
}

TEST_F(EtcdDiscovery, AnAnswerThatIsTheSameIsNoChange) {
  say("/orders/", {"a:1"});
  run();
  auto before = known.find("/orders/", revision).instances;
  run_after(1'000);
  EXPECT_EQ(known.find("/orders/", revision).instances, before);
  EXPECT_EQ(asked.size(), 2u);
}

TEST(EtcdDirectory, WithoutAnEtcdNobodyWaits) {
  auto known = etcd_directory{};
  EXPECT_FALSE(known.serves());
  EXPECT_FALSE(known.find("/orders/", 7).asking);
}

} // namespace
} // namespace shoal::gateway
