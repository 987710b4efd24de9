#include <future>
#include <set>
#include <thread>

#include <spdlog/spdlog.h>

#include "actors/log.hpp"
#include "actors/log_control.hpp"
#include "actors/registry/registry.hpp"
#include "actors/registry/watched.hpp"
#include "actors/type_ids.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal {
namespace {

using namespace std::chrono_literals;

caf::behavior listener(caf::event_based_actor*) {
  return {[](int) {}};
}

caf::behavior quitter(caf::event_based_actor* self) {
  return {[self](int) { self->quit(caf::make_error(caf::sec::runtime_error, "asked to")); }};
}

struct talker_state {
  static inline const char* name = "talker";
  explicit talker_state(caf::event_based_actor*) {}
  std::string describe() const { return R"({"mood":"good"})"; }
  std::size_t memory() const { return 5000; }
};

caf::behavior talker(caf::stateful_actor<talker_state>*) {
  return {[](int) {}};
}

struct registry : testing_support::actor_test {
  caf::actor spawn(std::string label, const char* kind = "listener") {
    return keep(spawn_watched(sys, &actors, {std::move(label), 0, kind}, listener));
  }

  std::vector<actor_row> all(std::size_t page, const actor_registry::filter& keep = nullptr) {
    std::vector<actor_row> out;
    std::uint64_t cursor = 0;
    do
      cursor = actors.walk(cursor, page, keep, [&](actor_row&& x) { out.push_back(std::move(x)); });
    while (cursor != 0);
    return out;
  }

  actor_registry actors;
};

TEST_F(registry, knows_an_actor_from_its_spawn_to_its_end) {
  auto x = spawn("first");
  sched.run();
  auto row = actors.find(x.id());
  ASSERT_TRUE(row);
  EXPECT_EQ(row->label, "first");
  EXPECT_STREQ(row->kind, "listener");
  EXPECT_TRUE(row->idle);
  EXPECT_EQ(actors.size(), 1u);
  self->send_exit(x, caf::exit_reason::user_shutdown);
  sched.run();
  EXPECT_FALSE(actors.find(x.id()));
  EXPECT_EQ(actors.size(), 0u);
  EXPECT_EQ(actors.handle(x.id()), nullptr);
}

TEST_F(registry, counts_what_an_actor_handles) {
  auto x = spawn("counted");
  for (auto i = 0; i < 10; ++i)
    tell(x, i);
  EXPECT_EQ(actors.find(x.id())->handled, 10u);
  EXPECT_FALSE(actors.find(x.id())->running);
}

caf::behavior complainer(caf::event_based_actor* self) {
  return {[self](int x) {
    log::warn("complaint", {{"n", x}});
    if (x > 1) // to itself, which the deterministic scheduler runs later
      self->send(self, x - 1);
  }};
}

/// What is logged while it lives, at warn or above.
struct logged {
  logged() : before{spdlog::default_logger()} { log::setup("warn", "kv"); }
  ~logged() { spdlog::set_default_logger(before); }
  static std::string last() {
    auto all = log::recent_warnings();
    return all.empty() ? "" : all.back();
  }
  std::shared_ptr<spdlog::logger> before;
};

TEST_F(registry, lets_lines_of_the_log_name_the_actor_that_writes_them) {
  auto lines = logged{};
  auto x = keep(spawn_watched(sys, &actors, {"loud", 0, "complainer"}, complainer));
  auto y = keep(spawn_watched(sys, &actors, {"loud", 0, "neighbour"}, complainer));
  auto name_of = [](const std::string& kind, const caf::actor& who) {
    return "event=complaint actor=" + kind + " actor_id=" + std::to_string(who.id()) + " n=1";
  };
  tell(x, 2);
  EXPECT_NE(lines.last().find(name_of("complainer", x)), std::string::npos) << lines.last();
  tell(y, 1);
  EXPECT_NE(lines.last().find(name_of("neighbour", y)), std::string::npos) << lines.last();
  log::warn("complaint", {{"n", 1}});
  EXPECT_NE(lines.last().find("event=complaint n=1"), std::string::npos) << "of no actor";
}

TEST_F(registry, times_handlers_only_while_somebody_watches) {
  auto slow = keep(spawn_watched(sys, &actors, {"slow"}, [](caf::event_based_actor*) {
    return caf::behavior{[](int) {
      for (auto until = std::chrono::steady_clock::now() + 2ms;
           std::chrono::steady_clock::now() < until;) {
      }
    }};
  }));
  for (auto i = 0; i < 8; ++i)
    tell(slow, i);
  EXPECT_EQ(actors.find(slow.id())->busy_ns, 0u);
  actors.watch(60s);
  for (auto i = 0; i < 8; ++i)
    tell(slow, i);
  EXPECT_GE(actors.find(slow.id())->busy_ns, 2u * 4 * 2'000'000) << "two of eight, each for four";
  actors.watch(0s);
  for (auto i = 0; i < 8; ++i)
    tell(slow, i);
  EXPECT_FALSE(actors.watched()) << "the first that is timed too late ends it";
}

TEST_F(registry, walks_pages_over_all_that_stay_while_others_come_and_go) {
  auto stay = std::set<caf::actor_id>{};
  auto going = std::vector<caf::actor>{};
  for (auto i = 0; i < 1000; ++i) {
    auto x = spawn("x");
    if (i % 3 == 0)
      going.push_back(x);
    else
      stay.insert(x.id());
  }
  auto seen = std::multiset<caf::actor_id>{};
  std::uint64_t cursor = 0;
  do {
    cursor = actors.walk(cursor, 37, nullptr, [&](actor_row&& x) { seen.insert(x.id); });
    for (auto n = 0; n < 20 && !going.empty(); ++n) {
      self->send_exit(going.back(), caf::exit_reason::user_shutdown);
      going.pop_back();
    }
    sched.run();
    for (auto n = 0; n < 10; ++n)
      spawn("new");
  } while (cursor != 0);
  for (auto id : stay)
    EXPECT_EQ(seen.count(id), 1u) << id;
  for (auto id : seen)
    EXPECT_EQ(seen.count(id), 1u) << id;
}

TEST_F(registry, filters_by_kind_and_label) {
  spawn("shop/user:u1", "stream");
  spawn("shop/user:u2", "stream");
  spawn("shop/d1", "device");
  auto streams = all(10, [](const char* kind, std::string_view label) {
    return std::string_view{kind} == "stream" && label.ends_with("u2");
  });
  ASSERT_EQ(streams.size(), 1u);
  EXPECT_EQ(streams[0].label, "shop/user:u2");
}

TEST_F(registry, lets_an_actor_learn_its_label_later) {
  auto x = keep(spawn_watched(sys, &actors, {"127.0.0.1:5"}, [](caf::event_based_actor* me) {
    return caf::behavior{[me](const std::string& text) { seat::label(me, text); }};
  }));
  tell(x, std::string{"shop/d1"});
  EXPECT_EQ(actors.find(x.id())->label, "shop/d1");
}

TEST_F(registry, remembers_children_by_their_parent_and_monitors_them) {
  auto downs = 0;
  caf::actor child;
  auto parent = keep(sys.spawn([&](caf::event_based_actor* me) {
    me->set_down_handler([&](caf::down_msg&) { ++downs; });
    child = spawn_child(me, &actors, "child", quitter);
    return caf::behavior{[](int) {}};
  }));
  sched.run();
  auto rows = all(10);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].parent, parent.id());
  tell(child, 1);
  EXPECT_EQ(downs, 1);
}

TEST_F(registry, records_a_death_that_nobody_asked_for) {
  auto bad = keep(spawn_watched(sys, &actors, {"weak"}, quitter));
  auto good = spawn("strong");
  tell(bad, 1);
  self->send_exit(good, caf::exit_reason::user_shutdown);
  sched.run();
  auto deaths = actors.deaths();
  ASSERT_EQ(deaths.size(), 1u);
  EXPECT_EQ(deaths[0].label, "weak");
  EXPECT_NE(deaths[0].why.find("asked to"), std::string::npos) << deaths[0].why;
  EXPECT_EQ(actors.restarts_of(deaths[0].kind, "weak"), 1u);
  EXPECT_EQ(actors.restarts_of("listener", "strong"), 0u);
  EXPECT_EQ(actors.death_count(), 1u);
}

TEST_F(registry, counts_messages_that_nobody_reads) {
  auto x = spawn("late");
  sched.run();
  self->send_exit(x, caf::exit_reason::user_shutdown);
  caf::anon_send(x, 1); // behind the exit: still in the mailbox when it ends
  sched.run();
  tell(x, 2);
  tell(x, 3);
  auto letters = actors.undelivered();
  ASSERT_EQ(letters.size(), 2u);
  std::map<std::string, std::uint64_t> by_reason;
  for (auto& y : letters) {
    EXPECT_EQ(y.receiver, "listener");
    by_reason[y.why] = y.count;
  }
  EXPECT_EQ(by_reason["receiver ended"], 1u);
  EXPECT_EQ(by_reason["receiver had ended"], 2u);
}

TEST_F(registry, does_not_count_an_actors_own_timers) {
  auto x = spawn("late");
  sched.run();
  self->send_exit(x, caf::exit_reason::user_shutdown);
  caf::anon_send(x, atom::tick::value);
  sched.run();
  tell(x, atom::tick::value, 1);
  EXPECT_TRUE(actors.undelivered().empty());
  tell(x, atom::lost::value);
  EXPECT_EQ(actors.undelivered().size(), 1u) << "others' words count";
}

TEST_F(registry, counts_a_timeout_only_of_a_request_that_was_not_answered_before) {
  auto quick = keep(spawn_watched(sys, &actors, {"quick"},
      [](caf::event_based_actor*) { return caf::behavior{[](int x) { return x; }}; }));
  auto mute = keep(spawn_watched(sys, &actors, {"mute"}, [](caf::event_based_actor* me) {
    return caf::behavior{[me](int) { return me->make_response_promise<int>(); }};
  }));
  auto asker = keep(spawn_watched(sys, &actors, {"asker"}, [](caf::event_based_actor* me) {
    return caf::behavior{[me](const caf::actor& whom) {
      me->request(whom, 50ms, 1).then([](int) {}, [](caf::error&) {});
    }};
  }));
  tell(asker, quick);
  advance(60ms); // the clock says that it is over, though it was answered
  EXPECT_EQ(actors.find(asker.id())->timeouts, 0u);
  tell(asker, mute);
  advance(60ms);
  EXPECT_EQ(actors.find(asker.id())->timeouts, 1u);
}

TEST_F(registry, does_not_wait_for_an_actor_that_is_gone_or_does_not_answer) {
  auto mute = spawn("mute"); // nobody runs it
  auto answers = actors.probe({mute.id(), 999'999}, detail_level::brief, 1ms);
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_FALSE(answers[0].answered);
  EXPECT_FALSE(answers[1].answered);
  sched.run(); // the late answer finds nobody
  EXPECT_TRUE(actors.find(mute.id())->idle);
}

TEST_F(registry, may_be_missing) {
  auto x = keep(spawn_watched(sys, nullptr, {"alone"}, listener));
  tell(x, 1);
  EXPECT_EQ(actors.size(), 0u);
}

/// With threads, as a node has them.
struct probing : testing::Test {
  ~probing() override {
    for (auto& x : spawned)
      caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
  }

  template <class F>
  caf::actor spawn(F fun) {
    spawned.push_back(spawn_watched(sys, &actors, {"x"}, fun));
    return spawned.back();
  }

  probe_answer ask(const caf::actor& whom, detail_level level) {
    return actors.probe({whom.id()}, level, 10s).front();
  }

  actor_registry actors;
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::vector<caf::actor> spawned;
};

TEST_F(probing, asks_an_actor_through_its_mailbox) {
  auto x = spawn(listener);
  auto answer = ask(x, detail_level::brief);
  EXPECT_TRUE(answer.answered);
  EXPECT_EQ(answer.ahead, 0u);
  EXPECT_EQ(answer.behind, 0u);
  EXPECT_EQ(answer.state, "");
  EXPECT_EQ(actors.find(x.id())->handled, 0u) << "probes are not counted";
}

TEST_F(probing, tells_what_waits_before_it) {
  std::promise<void> go;
  auto gone = go.get_future().share();
  std::promise<void> inside;
  auto x = spawn([gone, &inside](caf::event_based_actor*) { // NOLINT
    return caf::behavior{[gone, &inside](int i) {
      if (i == 0)
        inside.set_value();
      gone.wait();
    }};
  });
  for (auto i = 0; i < 5; ++i)
    caf::anon_send(x, i);
  inside.get_future().wait();
  auto late = actors.probe({x.id()}, detail_level::brief, 20ms).front();
  EXPECT_FALSE(late.answered) << "its handler waits";
  EXPECT_FALSE(actors.find(x.id())->idle);
  EXPECT_TRUE(actors.find(x.id())->running);
  auto answer = std::async(std::launch::async, [&] { return ask(x, detail_level::brief); });
  go.set_value();
  auto y = answer.get();
  EXPECT_TRUE(y.answered);
  EXPECT_LE(y.ahead, 5u);
}

TEST_F(probing, asks_a_state_for_what_it_says_about_itself) {
  auto x = spawn(talker);
  auto answer = ask(x, detail_level::full);
  EXPECT_EQ(answer.state, R"({"mood":"good"})");
  EXPECT_GE(answer.bytes, 5000u);
  EXPECT_EQ(ask(x, detail_level::brief).state, "");
  EXPECT_STREQ(actors.find(x.id())->kind, "talker");
}

TEST_F(probing, counts_requests_that_wait_and_those_that_nobody_answered) {
  auto mute = spawn([](caf::event_based_actor* me) {
    return caf::behavior{[me](int) { return me->make_response_promise<int>(); }};
  });
  auto asker = spawn([mute](caf::event_based_actor* me) {
    return caf::behavior{[me, mute](const std::string&) {
      me->request(mute, 50ms, 1).then([](int) {}, [](caf::error&) {});
      me->request(mute, caf::infinite, 1).then([](int) {}, [](caf::error&) {});
    }};
  });
  caf::anon_send(asker, std::string{"go"});
  while (actors.find(asker.id())->timeouts == 0)
    std::this_thread::yield(); // bounded by the test's time limit
  EXPECT_EQ(ask(asker, detail_level::brief).pending, 1u);
  EXPECT_EQ(actors.find(asker.id())->timeouts, 1u);
}

TEST(registry_of_many_threads, loses_nobody_and_invents_nobody) {
  constexpr auto threads = 8, rounds = 200, kept_each = 50;
  actor_registry actors;
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::vector<std::vector<caf::actor>> kept(threads);
  std::atomic<bool> done{false};
  auto reader = std::thread{[&] {
    while (!done) {
      std::set<caf::actor_id> seen;
      std::uint64_t cursor = 0;
      do
        cursor = actors.walk(cursor, 100, nullptr, [&](actor_row&& x) {
          EXPECT_TRUE(seen.insert(x.id).second);
          EXPECT_STREQ(x.kind, "worker");
        });
      while (cursor != 0);
    }
  }};
  std::vector<std::thread> writers;
  for (auto t = 0; t < threads; ++t)
    writers.emplace_back([&, t] {
      auto& mine = kept[static_cast<std::size_t>(t)];
      for (auto i = 0; i < rounds; ++i) {
        auto x = spawn_watched(sys, &actors, {"x", 0, "worker"}, listener);
        caf::anon_send(x, i);
        if (i < kept_each)
          mine.push_back(x);
        else
          caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
      }
    });
  for (auto& x : writers)
    x.join();
  while (actors.size() > threads * kept_each)
    std::this_thread::yield(); // bounded by the test's time limit
  done = true;
  reader.join();
  EXPECT_EQ(actors.size(), static_cast<std::size_t>(threads * kept_each));
  for (auto& mine : kept)
    for (auto& x : mine) {
      EXPECT_TRUE(actors.find(x.id()));
      caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
    }
  kept.clear();
  sys.await_all_actors_done();
  EXPECT_EQ(actors.size(), 0u);
}

TEST(registry_of_a_million, is_walked_by_pages_and_filtered) {
  constexpr std::size_t count = 1'000'000;
  actor_registry actors;
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  std::vector<caf::actor> all;
  all.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(spawn_watched<caf::lazy_init>(
        sys, &actors, {i % 1000 == 0 ? "rare" : "", 0, "slot"}, listener));
  EXPECT_EQ(actors.size(), count);
  auto began = std::chrono::steady_clock::now();
  std::size_t seen = 0;
  std::uint64_t cursor = 0;
  do
    cursor = actors.walk(cursor, 1000, nullptr, [&](actor_row&&) { ++seen; });
  while (cursor != 0);
  EXPECT_EQ(seen, count);
  std::size_t rare = 0;
  actors.walk(
      0, count, [](const char*, std::string_view label) { return label == "rare"; },
      [&](actor_row&&) { ++rare; });
  EXPECT_EQ(rare, count / 1000);
  EXPECT_TRUE(actors.find(all[count / 2].id()));
  std::cout << "two walks over a million actors: "
            << std::chrono::duration_cast<std::chrono::milliseconds>(
                   std::chrono::steady_clock::now() - began)
                   .count()
            << " ms\n";
  all.clear();
  EXPECT_EQ(actors.size(), 0u);
}

} // namespace
} // namespace shoal
