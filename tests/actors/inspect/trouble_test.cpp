// Nodes in which something is really wrong, and what actor-inspector says about them: the commands
// as a user types them, the actors of a node that are sick because a test wants them so.
#include <future>
#include <sstream>

#include "actors/inspect/views.hpp"
#include "actors/registry/watched.hpp"
#include "tests/support/actor_test.hpp"
#include "tools/inspector/command_line.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspect {
namespace {

using namespace std::chrono_literals;

/// A handler that says when it has begun and ends when it is let go.
struct gate {
  std::promise<void> entered, opened;
  std::shared_future<void> way = opened.get_future().share();
};
using gate_ptr = std::shared_ptr<gate>;

caf::behavior hanging(caf::event_based_actor*, gate_ptr at) {
  return {[at](int) {
    at->entered.set_value();
    at->way.wait();
  }};
}

caf::behavior quick(caf::event_based_actor*) {
  return {[](int) {}};
}

caf::behavior asking(caf::event_based_actor* self, caf::actor whom) {
  return {[self, whom](const std::string&) {
    self->request(whom, caf::infinite, 1).then([] {}, [](caf::error&) {});
  }};
}

caf::behavior failing(caf::event_based_actor* self) {
  return {[self](int) { self->quit(caf::make_error(caf::sec::runtime_error, "a bug")); }};
}

/// Answers as a node's admin port does, from the views themselves.
struct direct_caller : inspector::caller {
  explicit direct_caller(context& x) : view{x} {}

  inspector::reply get(const inspector::node_address&, const std::string& target) override {
    auto mark = std::min(target.find('?'), target.size());
    auto path = target.substr(0, mark);
    auto query = mark < target.size() ? target.substr(mark + 1) : "";
    auto is = [&](const char* x) { return path == std::string{"/inspect/"} + x; };
    constexpr auto why = std::string_view{"/inspect/why/"};
    auto answer = is("stuck")             ? stuck(view, query)
                  : is("dead")            ? dead(view)
                  : is("actors")          ? actor_list(view, query)
                  : is("tree")            ? supervision_tree(view, query)
                  : is("partitions")      ? partitions(view)
                  : path.starts_with(why) ? why_waiting(view, std::stoul(path.substr(why.size())))
                                          : nodes(view);
    return {200, answer.dump()};
  }
  inspector::reply post(const inspector::node_address&, const std::string&, const std::string&,
      const inspector::operator_key&) override {
    return {404, "{}"};
  }

  context& view;
};

/// Outlives the actors: those with threads of their own end when they have time for it.
struct with_registry {
  actor_registry actors;
};

struct trouble : with_registry, testing_support::actor_test {
  void SetUp() override {
    services->now_ms = [] { return std::int64_t{1'000}; };
    services->db = db.get();
    services->log = log.get();
    services->count = &count;
    view.node.name = "n1";
  }

  void TearDown() override {
    for (auto& x : gates)
      let_go(x);
    services->where.clear();
    actor_test::TearDown();
  }

  /// On a thread of its own: nobody of the test has to run it.
  template <class... Ts>
  caf::actor alone(const char* kind, Ts... xs) {
    return keep(spawn_watched<caf::detached>(sys, &actors, {"the sick one", 0, kind}, xs...));
  }

  /// An actor that is inside a handler until it is let go.
  caf::actor hang(const char* kind) {
    auto& x = gates.emplace_back(std::make_shared<gate>());
    auto sick = alone(kind, hanging, x);
    caf::anon_send(sick, 1);
    EXPECT_EQ(x->entered.get_future().wait_for(30s), std::future_status::ready);
    return sick;
  }

  static void let_go(gate_ptr& x) {
    if (x)
      x->opened.set_value();
    x = nullptr;
  }

  int run(std::vector<std::string> args) {
    out.str("");
    err.str("");
    auto env = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
    return inspector::run_command_line(
        std::move(args), {out, err, env, [this] { return std::make_unique<direct_caller>(view); },
                             [](std::chrono::milliseconds) { return false; }, false});
  }

  /// Until `done`: whoever has a thread of its own may be late, and looks busy meanwhile.
  template <class Done>
  bool comes_to(const std::vector<std::string>& args, Done done) {
    for (auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end;)
      if (done(run(args)))
        return true;
    return false;
  }

  bool says(std::string_view words) const { return out.str().find(words) != std::string::npos; }

  metrics count;
  std::unique_ptr<storage::database> db = storage::make_memory_database();
  std::unique_ptr<storage::commit_log> log = storage::make_inline_committer(*db);
  services_ptr services = std::make_shared<shoal::services>(std::uint16_t{4});
  context view{services, actors, sys, {}, {}, 0, 0};
  std::vector<gate_ptr> gates;
  std::ostringstream out, err;
};

TEST_F(trouble, of_an_actor_in_an_endless_handler_is_found_by_stuck_and_check) {
  auto well = alone("hub", quick);
  auto sick = hang("verifier");
  EXPECT_EQ(run({"stuck", "--for", "1"}), 1) << err.str();
  EXPECT_TRUE(says("inside one handler all the time")) << out.str();
  EXPECT_TRUE(says("verifier"));
  EXPECT_FALSE(says("hub"));
  EXPECT_EQ(run({"check"}), 1);
  EXPECT_TRUE(says("SHOAL WARNING - n1: 1 actors without progress")) << out.str();
  EXPECT_EQ(run({"check", "--crit", "stuck=1"}), 2);
  EXPECT_EQ(run({"check", "--warn", "age_ms=100,stuck=9"}), 1) << "a message has waited so long";
  EXPECT_TRUE(says("age of the oldest message")) << out.str();
  let_go(gates[0]);
  ASSERT_TRUE(actors.probe({sick.id()}, detail_level::brief, 30s).front().answered);
  EXPECT_TRUE(comes_to({"stuck", "--for", "1"}, [](int code) { return code == 0; })) << out.str();
  EXPECT_TRUE(comes_to({"check"}, [](int code) { return code == 0; })) << out.str();
}

TEST_F(trouble, of_an_actor_that_nobody_runs_is_not_taken_for_a_slow_handler) {
  auto waiting = keep(spawn_watched(sys, &actors, {"first/user:u1", 0, "stream"}, quick));
  sched.run();
  caf::anon_send(waiting, 1); // and no worker comes by
  EXPECT_EQ(run({"stuck", "--for", "1"}), 1);
  EXPECT_TRUE(says("ready, but not run")) << out.str();
  EXPECT_EQ(run({"why", std::to_string(waiting.id())}), 0) << err.str();
  EXPECT_TRUE(says("has messages and no thread runs it")) << out.str();
  EXPECT_TRUE(says("The oldest message waits at stream " + std::to_string(waiting.id())))
      << out.str();
  sched.run();
  EXPECT_EQ(run({"stuck", "--for", "1"}), 0) << out.str();
}

TEST_F(trouble, is_followed_by_why_to_the_actor_that_others_wait_for) {
  auto stream = alone("stream", quick);
  auto reader = hang("reader");
  ASSERT_EQ(run({"why", std::to_string(stream.id())}), 0) << err.str();
  EXPECT_TRUE(says("stream " + std::to_string(stream.id()) + "  the sick one: answered after "))
      << out.str();
  EXPECT_TRUE(says("is inside a handler and does not come back")) << out.str();
  EXPECT_TRUE(says("The oldest message waits at reader " + std::to_string(reader.id())))
      << out.str();
  let_go(gates[0]);
  ASSERT_TRUE(actors.probe({reader.id()}, detail_level::brief, 30s).front().answered);
  EXPECT_TRUE(comes_to({"why", std::to_string(stream.id())}, [&](int code) {
    return code == 0 && says("Nothing waits.");
  })) << out.str();
}

TEST_F(trouble, of_an_answer_that_does_not_come_is_seen_at_who_waits_for_it) {
  auto& x = gates.emplace_back(std::make_shared<gate>());
  auto silent = alone("hub", hanging, x);
  auto asker = alone("api", asking, silent);
  caf::anon_send(asker, std::string{"go"});
  ASSERT_EQ(x->entered.get_future().wait_for(30s), std::future_status::ready);
  ASSERT_EQ(run({"why", std::to_string(asker.id())}), 0) << err.str();
  EXPECT_TRUE(says("waits for 1 answers of others")) << out.str();
  EXPECT_TRUE(says("The oldest message waits at hub")) << out.str();
}

TEST_F(trouble, that_killed_an_actor_is_remembered_with_what_was_never_read) {
  auto weak = spawn_watched(sys, &actors, {"first/d1", 0, "device"}, failing);
  caf::anon_send(weak, 1);
  caf::anon_send(weak, 2);
  sched.run();
  ASSERT_EQ(run({"dead"}), 0) << err.str();
  EXPECT_TRUE(says("first/d1")) << out.str();
  EXPECT_TRUE(says("a bug")) << out.str();
  EXPECT_TRUE(says("receiver ended")) << out.str();
  EXPECT_EQ(run({"check"}), 1);
  EXPECT_TRUE(says("1 actors that died since the node started")) << out.str();
  for (auto i = 0; i < 19; ++i) {
    auto next = spawn_watched(sys, &actors, {"first/d1", 0, "device"}, failing);
    tell(next, 1);
  }
  EXPECT_EQ(run({"check"}), 2) << "twenty deaths are no accident";
}

TEST_F(trouble, in_the_cluster_is_told_by_check_and_partitions) {
  view.node.standing = [] {
    cluster_standing x;
    x.self = "n1";
    x.state = "up";
    x.copies_wanted = 3;
    x.reached = {"n3"};
    x.served = {partition_no{0}};
    auto all = std::vector<std::string>{"n1", "n2", "n3"};
    x.partitions = {
        {partition_no{0}, 7, "n1", all, {"n1", "n3"}}, {partition_no{1}, 7, "n2", all, {}}};
    x.meta_away_ms = 5'000;
    return x;
  };
  EXPECT_EQ(run({"check"}), 1);
  EXPECT_TRUE(says("n1: 5 seconds without the meta store")) << out.str();
  EXPECT_TRUE(says("n1: 1 partitions without a leader")) << out.str();
  EXPECT_TRUE(says("n1: 1 partitions with fewer copies in sync than replicas")) << out.str();
  EXPECT_EQ(run({"check", "--crit", "unserved=1"}), 2);
  ASSERT_EQ(run({"partitions"}), 0) << err.str();
  EXPECT_TRUE(says("its leader n2 is not reached from here")) << out.str();
  view.node.standing = nullptr;
  view.node.ready = [] { return false; };
  EXPECT_EQ(run({"check"}), 2);
  EXPECT_TRUE(says("n1 is not ready")) << out.str();
}

} // namespace
} // namespace shoal::inspect
