// What the fake network does beyond the common promises: tests of replication build on it.
#include <gtest/gtest.h>

#include "tests/support/fake_links.hpp"
#include "tests/support/links_world.hpp"

namespace shoal::test {
namespace {

using cluster::traffic;
using namespace std::chrono_literals;

class fake_links : public ::testing::Test {
protected:
  std::unique_ptr<links_node> start(const std::string& name, std::uint64_t incarnation = 1) {
    auto options = options_of(name, incarnation);
    options.dead_after = 2s;
    options.redial = 500ms;
    return world.start(options);
  }
  void SetUp() override {
    links_world::connect({a.get(), b.get()});
    network.deliver_all();
    ASSERT_TRUE(a_up() && b_up());
  }
  bool a_up() { return a->seen.peer_now("n2").up; }
  bool b_up() { return b->seen.peer_now("n1").up; }
  bool send(const std::string& body, traffic kind = traffic::calls) {
    return a->links->send("n2", kind, body);
  }
  std::vector<std::string> got() { return b->seen.bodies("n1", traffic::calls); }
  using bodies = std::vector<std::string>;

  fake_world world;
  fake_network& network = world.network;
  std::unique_ptr<links_node> a = start("n1"), b = start("n2");
};

TEST_F(fake_links, does_nothing_until_it_is_told_to) {
  send("x");
  EXPECT_EQ(got(), bodies{});
  EXPECT_EQ(network.deliver_all(), 1u);
  EXPECT_EQ(got(), bodies{"x"});
}

TEST_F(fake_links, keeps_frames_back_during_a_short_cut) {
  network.cut("n1", "n2");
  EXPECT_TRUE(send("x"));
  network.advance(1900ms);
  EXPECT_EQ(got(), bodies{});
  network.heal("n1", "n2");
  network.deliver_all();
  EXPECT_EQ(got(), bodies{"x"});
  EXPECT_EQ(b->seen.peer_now("n1").downs, 0);
}

TEST_F(fake_links, loses_frames_in_a_long_cut_and_links_again_after_it) {
  network.cut("n1", "n2");
  send("lost");
  network.advance(2100ms);
  EXPECT_FALSE(a_up() || b_up());
  EXPECT_FALSE(send("refused"));
  network.heal("n1", "n2");
  network.advance(600ms);
  EXPECT_TRUE(a_up() && b_up());
  send("new");
  network.deliver_all();
  EXPECT_EQ(got(), bodies{"new"});
}

TEST_F(fake_links, takes_both_ends_down_when_one_direction_is_cut) {
  network.cut_one_way("n1", "n2");
  network.advance(2100ms);
  EXPECT_EQ(b->seen.peer_now("n1").why, "it says nothing");
  EXPECT_EQ(a->seen.peer_now("n2").why, "it closed the connection");
  network.advance(10s);
  EXPECT_FALSE(a_up() || b_up());
}

TEST_F(fake_links, does_not_open_a_window_when_the_news_of_it_cannot_travel) {
  network.cut_one_way("n2", "n1");
  send("x");
  network.deliver_all();
  EXPECT_EQ(got(), bodies{"x"});
  EXPECT_GT(a->links->status()[0].in_flight_bytes, 0u);
  network.heal_all();
  network.deliver_all();
  EXPECT_EQ(a->links->status()[0].in_flight_bytes, 0u);
}

TEST_F(fake_links, breaks_a_link_with_all_that_is_on_its_way) {
  send("lost");
  network.break_link("n1", "n2");
  network.deliver_all();
  EXPECT_EQ(got(), bodies{});
  EXPECT_EQ(a->seen.peer_now("n2").ups, 2);
  EXPECT_EQ(b->seen.peer_now("n1").downs, 1);
}

TEST_F(fake_links, kills_a_node_without_a_word_to_its_handlers) {
  network.kill("n2");
  network.deliver_all();
  EXPECT_FALSE(a_up());
  EXPECT_TRUE(b_up()) << "a dead process hears nothing";
  EXPECT_FALSE(b->links->send("n1", traffic::calls, "from the dead"));
  auto again = start("n2", 2);
  links_world::connect({a.get(), again.get()});
  network.deliver_all();
  EXPECT_EQ(a->seen.peer_now("n2").info.incarnation, 2u);
}

TEST_F(fake_links, holds_and_drops_what_the_test_says) {
  auto holding = true;
  network.judge_frames([&](auto&, auto&, traffic kind, const std::string& body) {
    return body == "drop"                      ? fate::drop
           : holding && kind == traffic::calls ? fate::hold
                                               : fate::pass;
  });
  send("held");
  send("drop");
  send("behind");
  send("overtakes", traffic::control);
  network.deliver_all();
  EXPECT_EQ(b->seen.bodies("n1", traffic::control), bodies{"overtakes"});
  EXPECT_EQ(got(), bodies{});
  holding = false;
  network.deliver_all();
  EXPECT_EQ(got(), (bodies{"held", "behind"}));
}

TEST_F(fake_links, shuffles_between_kinds_and_never_within_one) {
  auto orders = std::set<std::string>{};
  for (auto seed = 0u; seed < 20; ++seed) {
    network.shuffle(seed);
    auto before = b->seen.frame_count();
    for (auto i = 0; i < 3; ++i) {
      send("c" + std::to_string(i));
      send("f" + std::to_string(i), traffic::feeds);
    }
    network.deliver_all();
    auto order = std::string{}, calls = std::string{};
    for (auto i = before; i < b->seen.frames().size(); ++i) {
      auto& body = b->seen.frames()[i].body;
      order += body[0];
      calls += body[0] == 'c' ? body : "";
    }
    EXPECT_EQ(calls, "c0c1c2");
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 3u);
}

TEST_F(fake_links, lets_handlers_send) {
  auto c = std::unique_ptr<cluster::node_links>{};
  auto handlers = cluster::link_handlers{};
  handlers.on_up = [&](const cluster::peer_info& x) {
    EXPECT_TRUE(c->send(x.name, traffic::calls, "hi"));
  };
  c = network.join(options_of("n3", 3), handlers);
  c->set_peers({{"n1", "", 1}});
  a->links->set_peers({{"n3", "", 1}});
  network.deliver_all();
  EXPECT_EQ(a->seen.bodies("n3", traffic::calls), bodies{"hi"});
}

} // namespace
} // namespace shoal::test
