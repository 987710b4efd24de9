// What every implementation of node_links promises: the one over sockets, and the fake that other
// tests build on.
#include <gmock/gmock.h>

#include "cluster/node_links.hpp"
#include "tests/support/links_world.hpp"

namespace shoal::cluster {
namespace {

using namespace shoal::test;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

using world_factory = std::unique_ptr<links_world> (*)();

class node_links_test : public ::testing::TestWithParam<std::pair<const char*, world_factory>> {
protected:
  std::unique_ptr<links_node> start(
      const std::string& name, std::uint64_t incarnation, auto change) {
    auto options = options_of(name, incarnation);
    change(options);
    return world->start(options);
  }
  std::unique_ptr<links_node> start(const std::string& name, std::uint64_t incarnation) {
    return start(name, incarnation, [](auto&) {});
  }

  bool up(links_node& self, const links_node& peer) {
    auto name = peer.address.name;
    return world->until(self, [&self, name] { return self.seen.at(name).up; });
  }
  bool down(links_node& self, const links_node& peer) {
    auto name = peer.address.name;
    return world->until(self, [&self, name] { return !self.seen.at(name).up; });
  }
  void link(links_node& a, links_node& b) {
    links_world::connect({&a, &b});
    ASSERT_TRUE(up(a, b));
    ASSERT_TRUE(up(b, a));
  }
  bool frames(links_node& x, std::size_t count) {
    return world->until(x, [&x, count] { return x.seen.frames().size() >= count; });
  }

  std::unique_ptr<links_world> world = GetParam().second();
};

TEST_P(node_links_test, links_nodes_that_name_each_other) {
  auto a = start("n1", 11), b = start("n2", 22), c = start("n3", 33);
  links_world::connect({a.get(), b.get(), c.get()});
  EXPECT_TRUE(up(*a, *b) && up(*b, *a) && up(*a, *c) && up(*c, *a) && up(*b, *c) && up(*c, *b));
  EXPECT_EQ(a->seen.peer_now("n2").info.incarnation, 22u);
  EXPECT_EQ(b->seen.peer_now("n1").info.incarnation, 11u);
}

TEST_P(node_links_test, does_not_link_with_a_node_that_does_not_name_it) {
  auto a = start("n1", 1), b = start("n2", 2);
  a->links->set_peers({b->address});
  ASSERT_TRUE(world->eventually([&] { return !a->error().empty(); }));
  EXPECT_THAT(a->error(), HasSubstr("list of nodes"));
  EXPECT_EQ(a->seen.peer_now("n2").ups, 0);
}

TEST_P(node_links_test, carries_frames_of_every_size_in_order) {
  auto a = start("n1", 1), b = start("n2", 2);
  link(*a, *b);
  auto sent = std::vector<std::string>{};
  for (auto size : {0, 1, 200, 65535, 65536, 65537, 131072, 1000000, 3, 0})
    sent.push_back(std::string(static_cast<std::size_t>(size), static_cast<char>('a' + size % 20)));
  for (auto& x : sent)
    ASSERT_TRUE(a->links->send("n2", traffic::replication, x));
  ASSERT_TRUE(frames(*b, sent.size()));
  EXPECT_EQ(b->seen.bodies("n1", traffic::replication), sent);
}

TEST_P(node_links_test, keeps_the_order_within_each_kind_in_both_directions) {
  auto a = start("n1", 1), b = start("n2", 2);
  link(*a, *b);
  constexpr auto count = 500;
  for (auto i = 0; i < count; ++i)
    for (auto kind : {traffic::control, traffic::replication, traffic::feeds, traffic::calls}) {
      ASSERT_TRUE(a->links->send("n2", kind, std::to_string(i)));
      ASSERT_TRUE(b->links->send("n1", kind, std::to_string(i)));
    }
  ASSERT_TRUE(frames(*a, 4 * count));
  ASSERT_TRUE(frames(*b, 4 * count));
  for (auto kind : {traffic::control, traffic::replication, traffic::feeds, traffic::calls})
    for (auto& got : {a->seen.bodies("n2", kind), b->seen.bodies("n1", kind)}) {
      ASSERT_EQ(got.size(), static_cast<std::size_t>(count));
      for (auto i = 0; i < count; ++i)
        ASSERT_EQ(got[static_cast<std::size_t>(i)], std::to_string(i));
    }
}

TEST_P(node_links_test, refuses_frames_for_strangers_and_before_a_link_is_up) {
  auto a = start("n1", 1), b = start("n2", 2);
  EXPECT_FALSE(a->links->send("n2", traffic::calls, "x"));
  EXPECT_FALSE(a->links->send("nobody", traffic::calls, "x"));
  link(*a, *b);
  EXPECT_TRUE(a->links->send("n2", traffic::calls, "x"));
  EXPECT_FALSE(a->links->send("nobody", traffic::calls, "x"));
}

TEST_P(node_links_test, refuses_what_a_window_has_no_room_for_and_keeps_the_other_kinds_open) {
  auto a = start("n1", 1), b = start("n2", 2, [](auto&x) { x.window_bytes = 10'000; });
  link(*a, *b);
  world->stop_taking(*b, true);
  auto sent = std::size_t{0};
  while (a->links->send("n2", traffic::feeds, std::string(936, 'x')))
    ASSERT_LE(++sent, 10u);
  EXPECT_EQ(sent, 10u);
  EXPECT_EQ(a->links->status().at(0).in_flight_bytes, 10'000u);
  EXPECT_GE(a->links->status().at(0).refused, 1u);
  EXPECT_TRUE(a->links->send("n2", traffic::calls, "other kinds go on"));
  world->stop_taking(*b, false);
  EXPECT_TRUE(frames(*b, sent + 1));
  EXPECT_TRUE(world->eventually([&] { return a->links->status().at(0).in_flight_bytes == 0; }));
  EXPECT_TRUE(a->links->send("n2", traffic::feeds, std::string(936, 'x')));
}

TEST_P(node_links_test, takes_a_frame_as_large_as_the_window_and_none_larger) {
  auto a = start("n1", 1), b = start("n2", 2, [](auto&x) { x.window_bytes = 100'000; });
  link(*a, *b);
  auto most = 100'000 - frame_overhead;
  EXPECT_FALSE(a->links->send("n2", traffic::calls, std::string(most + 1, 'x')));
  EXPECT_TRUE(a->links->send("n2", traffic::calls, std::string(most, 'x')));
  EXPECT_TRUE(frames(*b, 1));
}

TEST_P(node_links_test, bounds_empty_frames_too) {
  auto a = start("n1", 1), b = start("n2", 2, [](auto&x) { x.window_bytes = 1000; });
  link(*a, *b);
  world->stop_taking(*b, true);
  auto sent = std::size_t{0};
  while (a->links->send("n2", traffic::feeds, ""))
    ASSERT_LE(++sent, 1000 / frame_overhead);
  world->stop_taking(*b, false);
  EXPECT_TRUE(frames(*b, sent));
}

TEST_P(node_links_test, drops_a_peer_that_is_not_named_any_more_and_takes_it_back) {
  auto a = start("n1", 1), b = start("n2", 2);
  link(*a, *b);
  a->links->set_peers({});
  EXPECT_TRUE(down(*a, *b) && down(*b, *a));
  EXPECT_FALSE(a->links->send("n2", traffic::calls, "x"));
  a->links->set_peers({a->address, b->address});
  EXPECT_TRUE(up(*a, *b) && up(*b, *a));
  EXPECT_EQ(b->seen.peer_now("n1").ups, 2);
}

TEST_P(node_links_test, says_nothing_after_stop_and_its_peers_hear_of_it) {
  auto a = start("n1", 1), b = start("n2", 2);
  link(*a, *b);
  b->links->stop();
  EXPECT_FALSE(b->seen.peer_now("n1").up);
  EXPECT_TRUE(down(*a, *b));
  EXPECT_FALSE(b->links->send("n1", traffic::calls, "x"));
  EXPECT_FALSE(a->links->send("n2", traffic::calls, "x"));
  EXPECT_EQ(b->seen.frame_count(), 0u);
  b->links->stop();
}

TEST_P(node_links_test, links_with_the_next_start_of_a_node) {
  auto a = start("n1", 1), b = start("n2", 2);
  link(*a, *b);
  ASSERT_TRUE(a->links->send("n2", traffic::calls, "old"));
  b->links->stop();
  auto again = start("n2", 3);
  links_world::connect({a.get(), again.get()});
  ASSERT_TRUE(world->until(
      *a, [&] { return a->seen.at("n2").up && a->seen.at("n2").info.incarnation == 3; }));
  ASSERT_TRUE(up(*again, *a));
  ASSERT_TRUE(a->links->send("n2", traffic::calls, "new"));
  ASSERT_TRUE(frames(*again, 1));
  EXPECT_EQ(again->seen.bodies("n1", traffic::calls), std::vector<std::string>{"new"});
}

TEST_P(node_links_test, prefers_the_newer_of_two_nodes_of_one_name_for_good) {
  auto a = start("n1", 1), old = start("n2", 2);
  link(*a, *old);
  auto next = start("n2", 3);
  links_world::connect({a.get(), next.get()});
  ASSERT_TRUE(world->until(
      *a, [&] { return a->seen.at("n2").up && a->seen.at("n2").info.incarnation == 3; }));
  ASSERT_TRUE(down(*old, *a));
  EXPECT_THAT(old->seen.peer_now("n1").why, HasSubstr("newer start"));
  ASSERT_TRUE(up(*next, *a));
  auto downs = a->seen.peer_now("n2").downs;
  EXPECT_TRUE(a->links->send("n2", traffic::calls, "x"));
  ASSERT_TRUE(frames(*next, 1));
  EXPECT_EQ(a->seen.peer_now("n2").downs, downs);
  EXPECT_EQ(old->seen.frame_count(), 0u);
}

TEST_P(node_links_test, refuses_a_node_of_another_cluster) {
  auto a = start("n1", 1), b = start("n2", 2, [](auto&x) { x.cluster = "other"; });
  links_world::connect({a.get(), b.get()});
  EXPECT_TRUE(world->eventually([&] { return !a->error().empty() && !b->error().empty(); }));
  EXPECT_THAT(a->error(), HasSubstr("cluster"));
  EXPECT_EQ(a->seen.peer_now("n2").ups + b->seen.peer_now("n1").ups, 0);
}

TEST_P(node_links_test, uses_the_greatest_version_that_both_speak) {
  auto a = start("n1", 1, [](auto& x) { x.version_max = 3; });
  auto b = start("n2", 2, [](auto& x) { x.version_min = 2, x.version_max = 7; });
  link(*a, *b);
  EXPECT_EQ(a->seen.peer_now("n2").info.version, 3u);
  EXPECT_EQ(b->seen.peer_now("n1").info.version, 3u);
}

TEST_P(node_links_test, refuses_a_node_without_a_common_version) {
  auto a = start("n1", 1), b = start("n2", 2, [](auto&x) { x.version_min = x.version_max = 2; });
  links_world::connect({a.get(), b.get()});
  EXPECT_TRUE(world->eventually([&] { return !a->error().empty() && !b->error().empty(); }));
  EXPECT_THAT(a->error(), HasSubstr("version"));
  EXPECT_EQ(a->seen.peer_now("n2").ups + b->seen.peer_now("n1").ups, 0);
}

TEST_P(node_links_test, counts_what_it_does) {
  auto a = start("n1", 1), b = start("n2", 2);
  link(*a, *b);
  ASSERT_TRUE(a->links->send("n2", traffic::calls, "12345"));
  ASSERT_TRUE(frames(*b, 1));
  EXPECT_TRUE(world->eventually([&] { return a->links->status().at(0).in_flight_bytes == 0; }));
  auto here = a->links->status().at(0), there = b->links->status().at(0);
  EXPECT_TRUE(here.up && there.up);
  EXPECT_EQ(here.peer.name, "n2");
  EXPECT_EQ(here.peer.incarnation, 2u);
  EXPECT_EQ(std::pair(here.sent, here.sent_bytes), std::pair(1ul, 5ul));
  EXPECT_EQ(std::pair(there.received, there.received_bytes), std::pair(1ul, 5ul));
  EXPECT_EQ(here.reconnects, 0u);
  b->links->set_peers({});
  ASSERT_TRUE(down(*a, *b));
  b->links->set_peers({a->address});
  ASSERT_TRUE(world->until(*a, [&] { return a->seen.at("n2").ups == 2; }));
  EXPECT_TRUE(world->eventually([&] { return a->links->status().at(0).reconnects == 1; }));
  EXPECT_NE(a->links->status().at(0).last_error, "");
}

template <class World>
std::unique_ptr<links_world> make_world() {
  return std::make_unique<World>();
}

INSTANTIATE_TEST_SUITE_P(over, node_links_test,
    ::testing::Values(std::pair{"sockets", &make_world<socket_world>},
        std::pair{"fake", &make_world<fake_world>}),
    [](auto& x) { return std::string{x.param.first}; });

} // namespace
} // namespace shoal::cluster
