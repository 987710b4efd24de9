// Links over sockets: certificates, strangers, rude peers, cut cables.
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "cluster/links/switchboard.hpp"
#include "tests/cluster/links/rude_peer.hpp"
#include "tests/support/links_world.hpp"
#include "tests/support/wire_cutter.hpp"

namespace shoal::cluster::links {
namespace {

using namespace shoal::test;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

double cpu_seconds() {
  auto x = rusage{};
  ::getrusage(RUSAGE_SELF, &x);
  auto seconds = [](timeval y) {
    return static_cast<double>(y.tv_sec) + static_cast<double>(y.tv_usec) / 1e6;
  };
  return seconds(x.ru_utime) + seconds(x.ru_stime);
}

class switchboard_test : public ::testing::Test {
protected:
  std::unique_ptr<links_node> start(const std::string& name, std::uint64_t incarnation = 1,
      std::function<void(link_options&)> change = nullptr) {
    auto options = options_of(name, incarnation);
    options.dead_after = 1s;
    if (change)
      change(options);
    return world.start(options);
  }
  void link(links_node& a, links_node& b) {
    links_world::connect({&a, &b});
    ASSERT_TRUE(is(a, b, true));
    ASSERT_TRUE(is(b, a, true));
  }
  static bool is(links_node& self, const links_node& peer, bool up) {
    auto name = peer.address.name;
    return self.seen.wait([&self, name, up] { return self.seen.at(name).up == up; });
  }
  std::string refusal(std::function<void(link_options&)> change) {
    try {
      start("n1", 1, std::move(change));
      return "(it started)";
    } catch (const std::runtime_error& e) {
      return e.what();
    }
  }
  /// n2, by hand: TLS is done, nothing is said.
  std::unique_ptr<rude_peer> knock(const links_node& at, const std::string& certificate_of = "n2") {
    auto paper = world.ca.issue(certificate_of);
    auto out = std::make_unique<rude_peer>(at.address.port);
    EXPECT_TRUE(out->shake_hands(&paper));
    return out;
  }
  static std::string say_hello(hello x) {
    auto out = std::string{};
    append_record(out, tag::hello, encode(x));
    return out;
  }
  static hello good_hello() { return {"test", "n2", 99, 1, 1, 10'000, 0, false}; }
  /// n2, by hand, linked with a node that chooses: "n1" < "n2".
  std::unique_ptr<rude_peer> link_by_hand(links_node& with) {
    with.links->set_peers({{"n2", "127.0.0.1", 1}});
    EXPECT_TRUE(world.eventually([&] { return with.links->status().size() == 1; }));
    auto out = knock(with);
    auto words = say_hello(good_hello());
    out->say(words);
    EXPECT_EQ(out->next_record()->first, tag::hello);
    EXPECT_EQ(out->next_record()->first, tag::welcome);
    words.clear();
    append_record(words, tag::ready, "");
    out->say(words);
    EXPECT_TRUE(with.seen.wait([&] { return with.seen.at("n2").up; }));
    return out;
  }

  socket_world world;
};

// -- certificates ---------------------------------------------------------------------------------

TEST_F(switchboard_test, does_not_start_without_certificate_key_and_ca) {
  auto paper = world.ca.issue("n1");
  auto all = [&](link_options& x) {
    x.certificate = paper.certificate, x.key = paper.key, x.ca = world.ca.file();
  };
  auto why = HasSubstr("need a certificate");
  EXPECT_THAT(refusal([&](auto& x) { all(x), x.certificate.clear(); }), why);
  EXPECT_THAT(refusal([&](auto& x) { all(x), x.key.clear(); }), why);
  auto without_ca = options_of("n1", 1);
  without_ca.certificate = paper.certificate, without_ca.key = paper.key;
  EXPECT_THROW(make_node_links(without_ca, {}), std::runtime_error);
}

TEST_F(switchboard_test, does_not_start_with_papers_that_its_peers_would_refuse) {
  auto other = cluster_ca{world.folder.path(), "other"};
  auto good = world.ca.issue("n1"), of_n2 = world.ca.issue("n2"), foreign = other.issue("n1"),
       expired = world.ca.issue("n1-old", -1);
  auto with = [&](const std::string& certificate, const std::string& key) {
    return refusal(
        [&](auto& x) { x.certificate = certificate, x.key = key, x.ca = world.ca.file(); });
  };
  EXPECT_EQ(with(good.certificate, good.key), "(it started)");
  EXPECT_THAT(with("missing.pem", good.key), HasSubstr("missing.pem"));
  EXPECT_THAT(with(good.certificate, of_n2.key), HasSubstr("key values mismatch"));
  EXPECT_THAT(with(of_n2.certificate, of_n2.key), HasSubstr("does not name node n1"));
  EXPECT_THAT(with(foreign.certificate, foreign.key), HasSubstr("does not pass the CA"));
  EXPECT_THAT(with(expired.certificate, expired.key), HasSubstr("expired"));
}

TEST_F(switchboard_test, does_not_start_where_it_cannot_listen) {
  auto a = start("n1");
  EXPECT_THAT(refusal([&](auto& x) { x.listen_port = a->address.port; }), HasSubstr("in use"));
  EXPECT_THAT(refusal([](auto& x) { x.listen_host = "not an address"; }), HasSubstr("listen"));
}

TEST_F(switchboard_test, does_not_link_with_a_node_of_another_ca) {
  auto other = cluster_ca{world.folder.path(), "other"};
  auto paper = other.issue("n2");
  auto a = start("n1");
  auto b = start("n2", 2,
      [&](auto& x) { x.certificate = paper.certificate, x.key = paper.key, x.ca = other.file(); });
  links_world::connect({a.get(), b.get()});
  EXPECT_TRUE(world.eventually([&] { return !a->error().empty() && !b->error().empty(); }));
  EXPECT_THAT(a->error(), HasSubstr("certificate"));
  EXPECT_EQ(a->seen.peer_now("n2").ups + b->seen.peer_now("n1").ups, 0);
}

TEST_F(switchboard_test, does_not_link_with_another_node_at_the_address_of_a_peer) {
  auto a = start("n1"), c = start("n3");
  a->links->set_peers({{"n2", "127.0.0.1", c->address.port}});
  EXPECT_TRUE(world.eventually([&] { return !a->error().empty(); }));
  EXPECT_THAT(a->error(), HasSubstr("ostname mismatch"));
}

TEST_F(switchboard_test, says_that_nobody_listens_until_somebody_does) {
  auto a = start("n1"), b = start("n2"), c = start("n3");
  auto refused = [&] { return a->links->status().at(0).refused_us; };
  a->links->set_peers({{"n2", "127.0.0.1", c->address.port}});
  ASSERT_TRUE(world.eventually([&] { return !a->error().empty(); }));
  EXPECT_FALSE(refused()) << "somebody else does";
  a->links->set_peers({{"n2", "127.0.0.1", 1}});
  EXPECT_TRUE(world.eventually(refused));
  link(*a, *b);
  EXPECT_FALSE(refused());
}

TEST_F(switchboard_test, refuses_a_name_that_is_not_in_the_certificate) {
  auto a = start("n1");
  a->links->set_peers({{"n2", "127.0.0.1", 1}, {"n3", "127.0.0.1", 1}});
  auto impostor = knock(*a, "n3");
  impostor->say(say_hello(good_hello()));
  EXPECT_EQ(impostor->last_words(), "the certificate does not name node n2");
  EXPECT_EQ(a->seen.peer_now("n2").ups, 0);
}

TEST_F(switchboard_test, uses_a_new_certificate_from_the_next_connection_on) {
  auto paper = world.ca.issue("n1");
  auto a = start("n1", 1, [&](auto& x) {
    x.certificate = paper.certificate, x.key = paper.key, x.ca = world.ca.file();
  });
  auto before = knock(*a)->peer_serial();
  world.ca.issue("n1"); // into the same files
  EXPECT_GT(knock(*a)->peer_serial(), before);
  std::ofstream{paper.key} << "damaged";
  EXPECT_GT(knock(*a)->peer_serial(), before) << "the last good one stays";
}

// -- strangers ------------------------------------------------------------------------------------

TEST_F(switchboard_test, leaves_links_alone_and_cpu_idle_while_strangers_knock) {
  auto a = start("n1"), b = start("n2");
  link(*a, *b);
  auto other = cluster_ca{world.folder.path(), "other"};
  auto foreign = other.issue("n2"), good = world.ca.issue("n2");
  auto crowd = std::vector<std::unique_ptr<rude_peer>>{};
  auto port = a->address.port;
  for (auto i = 0; i < 20; ++i) {
    crowd.push_back(std::make_unique<rude_peer>(port)); // says nothing
    crowd.push_back(std::make_unique<rude_peer>(port));
    crowd.back()->say("GET / HTTP/1.1\r\nHost: n1\r\n\r\n");
    crowd.push_back(std::make_unique<rude_peer>(port));
    crowd.back()->shake_hands(&foreign);
    crowd.push_back(std::make_unique<rude_peer>(port));
    crowd.back()->shake_hands(nullptr);
    crowd.push_back(std::make_unique<rude_peer>(port));
    crowd.back()->shake_hands(&good, "http/1.1");
    crowd.push_back(std::make_unique<rude_peer>(port));
    crowd.back()->shake_hands(&good, "");
    crowd.push_back(std::make_unique<rude_peer>(port));
    crowd.back()->shake_hands(&good); // and says no hello
  }
  auto before = cpu_seconds();
  for (auto& x : crowd) // ends when the node has closed them all
    EXPECT_EQ(x->last_words().find("still open"), std::string::npos);
  EXPECT_LT(cpu_seconds() - before, 0.5) << "of more than a second";
  EXPECT_TRUE(a->links->send("n2", traffic::calls, "still there"));
  EXPECT_TRUE(b->seen.wait([&] { return b->seen.frames().size() == 1; }));
  EXPECT_EQ(a->seen.peer_now("n2").downs, 0);
}

TEST_F(switchboard_test, pushes_out_the_oldest_stranger_when_there_are_too_many) {
  auto a = start("n1", 1, [](auto& x) { x.dead_after = 5s; });
  auto crowd = std::vector<std::unique_ptr<rude_peer>>{};
  for (auto i = 0; i < 257; ++i)
    crowd.push_back(std::make_unique<rude_peer>(a->address.port, 1));
  EXPECT_EQ(crowd[0]->last_words(), "") << "closed before its time";
  EXPECT_EQ(crowd[100]->last_words(), "(it is still open)");
  auto b = start("n2");
  link(*a, *b);
}

// -- rude peers with good certificates ------------------------------------------------------------

TEST_F(switchboard_test, ends_a_connection_that_does_not_begin_with_a_sensible_hello) {
  auto a = start("n1");
  a->links->set_peers({{"n2", "127.0.0.1", 1}});
  ASSERT_TRUE(world.eventually([&] { return a->links->status().size() == 1; }));
  auto nonsense = "a record makes no sense here";
  auto words_after = [&](tag what, std::string_view body) {
    auto bytes = std::string{};
    append_record(bytes, what, body);
    auto peer = knock(*a);
    peer->say(bytes);
    return peer->last_words();
  };
  EXPECT_EQ(words_after(tag::hello, "short"), nonsense);
  EXPECT_EQ(words_after(tag::last, "a frame before the link is up"), nonsense);
  EXPECT_EQ(words_after(tag::welcome, "12345678"), nonsense);
  EXPECT_EQ(words_after(tag::ready, ""), nonsense);
  EXPECT_EQ(words_after(tag::taken, std::string(9, '\0')), nonsense);
  EXPECT_EQ(words_after(tag::ping, "short"), nonsense);
  auto peer = knock(*a);
  peer->say("\x20\xff\xff\xff");
  EXPECT_EQ(peer->last_words(), "a record is too long");
}

TEST_F(switchboard_test, ends_a_connection_that_says_hello_twice_or_welcomes_the_chooser) {
  auto a = start("n1");
  a->links->set_peers({{"n2", "127.0.0.1", 1}});
  ASSERT_TRUE(world.eventually([&] { return a->links->status().size() == 1; }));
  auto twice = knock(*a);
  twice->say(say_hello(good_hello()) + say_hello(good_hello()));
  EXPECT_EQ(twice->last_words(), "a record makes no sense here");
  auto wrong_side = knock(*a);
  auto bytes = say_hello(good_hello());
  append_number(bytes, tag::welcome, 5);
  wrong_side->say(bytes);
  EXPECT_EQ(wrong_side->last_words(), "a welcome from the wrong side");
}

TEST_F(switchboard_test, ends_a_link_whose_peer_breaks_the_rules) {
  auto nonsense = "a record makes no sense here";
  auto rule_breakers = std::vector<std::pair<std::string, std::string>>{};
  auto add = [&](const std::string& what, auto write) {
    rule_breakers.emplace_back(what, "");
    write(rule_breakers.back().second);
  };
  add("a frame above the window", [](auto& x) {
    append_record(x, static_cast<tag>(0x00), std::string(6000, 'x'));
    append_record(x, static_cast<tag>(0x00), std::string(6000, 'x'));
  });
  add("a kind that does not exist", [](auto& x) { append_record(x, static_cast<tag>(0x14), "x"); });
  add("news of frames that were not sent", [](auto& x) { append_taken(x, traffic::feeds, 1); });
  add("a second hello", [](auto& x) { x = say_hello(good_hello()); });
  add("a second ready", [](auto& x) { append_record(x, tag::ready, ""); });
  for (auto& [what, bytes] : rule_breakers) {
    SCOPED_TRACE(what);
    auto a = start("n1");
    auto peer = link_by_hand(*a);
    peer->say(bytes);
    EXPECT_EQ(peer->last_words(), nonsense);
    EXPECT_TRUE(a->seen.wait([&] { return !a->seen.at("n2").up; }));
    EXPECT_EQ(a->seen.frame_count(), 0u);
  }
}

TEST_F(switchboard_test, ignores_records_of_a_newer_protocol) {
  auto a = start("n1");
  auto peer = link_by_hand(*a);
  auto bytes = std::string{};
  append_record(bytes, static_cast<tag>(0x77), "what is this");
  append_record(bytes, tag::last, "a frame");
  peer->say(bytes);
  EXPECT_TRUE(a->seen.wait([&] { return a->seen.frames().size() == 1; }));
}

TEST_F(switchboard_test, keeps_a_peer_that_never_reads_within_its_window) {
  auto a = start("n1");
  auto peer = link_by_hand(*a);
  auto sent = 0;
  while (a->links->send("n2", traffic::feeds, std::string(936, 'x')))
    ASSERT_LE(++sent, 10);
  EXPECT_TRUE(a->seen.wait([&] { return !a->seen.at("n2").up; })) << "it says nothing either";
  EXPECT_THAT(a->seen.peer_now("n2").why, HasSubstr("says nothing for 1000 ms"));
}

TEST_F(switchboard_test, gives_up_a_peer_that_talks_and_does_not_answer) {
  auto a = start("n1");
  auto peer = link_by_hand(*a);
  auto stop = std::atomic<bool>{false};
  auto chatter = std::thread{[&] {
    auto pause = link_recorder{};
    auto bytes = std::string{};
    append_number(bytes, tag::ping, 1);
    while (!stop) {
      peer->say(bytes);
      pause.wait([] { return false; }, 50ms);
    }
  }};
  EXPECT_TRUE(a->seen.wait([&] { return !a->seen.at("n2").up; }));
  stop = true;
  chatter.join();
  EXPECT_EQ(a->seen.peer_now("n2").why, "it does not answer heartbeats");
}

// -- cables ---------------------------------------------------------------------------------------

class cut_cable_test : public switchboard_test, public ::testing::WithParamInterface<int> {};

/// Each dials the other through a cable of its own, and both cables are cut in the same direction.
TEST_P(cut_cable_test, takes_both_ends_down_in_time_and_links_again_when_it_heals) {
  auto a = start("n1"), b = start("n2");
  wire_cutter to_a{a->address.port}, to_b{b->address.port};
  a->links->set_peers({{"n2", "127.0.0.1", to_b.port()}});
  b->links->set_peers({{"n1", "127.0.0.1", to_a.port()}});
  for (auto round = 1; round <= 2; ++round) {
    ASSERT_TRUE(is(*a, *b, true) && is(*b, *a, true));
    ASSERT_TRUE(a->links->send("n2", traffic::calls, std::to_string(round)));
    ASSERT_TRUE(
        b->seen.wait([&] { return b->seen.frames().size() == static_cast<std::size_t>(round); }));
    auto [a_to_b, b_to_a] = std::pair{GetParam() & 1, GetParam() & 2};
    auto start = std::chrono::steady_clock::now();
    to_b.cut(a_to_b, b_to_a);
    to_a.cut(b_to_a, a_to_b);
    a->links->send("n2", traffic::replication, std::string(1'000'000, 'x'));
    ASSERT_TRUE(is(*a, *b, false) && is(*b, *a, false));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1s + 5s)
        << "dead_after, and some time to be run at all";
    to_a.cut(false, false);
    to_b.cut(false, false);
  }
  ASSERT_TRUE(is(*a, *b, true) && is(*b, *a, true));
  EXPECT_EQ(b->seen.bodies("n1", traffic::calls), (std::vector<std::string>{"1", "2"}));
}

std::string direction(const ::testing::TestParamInfo<int>& x) {
  constexpr const char* names[] = {"", "n1_to_n2", "n2_to_n1", "both_ways"};
  return names[x.param];
}

INSTANTIATE_TEST_SUITE_P(cut, cut_cable_test, ::testing::Values(1, 2, 3), direction);

TEST_F(switchboard_test, measures_the_round_trip) {
  auto a = start("n1"), b = start("n2");
  link(*a, *b);
  EXPECT_TRUE(world.eventually([&] { return a->links->status()[0].round_trip_us > 0; }));
  EXPECT_LT(a->links->status()[0].round_trip_us, 1'000'000);
}

TEST_F(switchboard_test, carries_every_frame_of_many_threads_through_a_small_window) {
  auto a = start("n1"), b = start("n2", 2, [](auto&x) { x.window_bytes = 20'000; });
  link(*a, *b);
  constexpr auto each = 3000;
  auto threads = std::vector<std::thread>{};
  for (auto kind : {traffic::control, traffic::replication, traffic::feeds, traffic::calls})
    threads.emplace_back([&, kind] {
      for (auto i = 0; i < each;)
        if (a->links->send("n2", kind, std::string(static_cast<std::size_t>(i % 500), 'x')))
          ++i;
        else
          std::this_thread::yield();
    });
  for (auto& x : threads)
    x.join();
  EXPECT_TRUE(b->seen.wait([&] { return b->seen.frames().size() == 4 * each; }));
  for (auto kind : {traffic::control, traffic::replication, traffic::feeds, traffic::calls}) {
    auto got = b->seen.bodies("n1", kind);
    ASSERT_EQ(got.size(), std::size_t{each});
    for (auto i = 0u; i < each; ++i)
      ASSERT_EQ(got[i].size(), i % 500);
  }
}

TEST_F(switchboard_test, settles_on_one_link_however_both_dial) {
  for (auto round = 0; round < 20; ++round) {
    auto a = start("n1"), b = start("n2");
    link(*a, *b);
    EXPECT_LE(a->seen.peer_now("n2").ups, 2);
    EXPECT_TRUE(a->links->send("n2", traffic::calls, "x"));
    EXPECT_TRUE(b->seen.wait([&] { return b->seen.frames().size() == 1; }));
  }
}

} // namespace
} // namespace shoal::cluster::links
