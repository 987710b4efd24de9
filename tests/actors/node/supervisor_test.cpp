#include "actors/node/supervisor.hpp"
#include "tests/support/actor_test.hpp"

namespace shoal {
namespace {

class supervisor_test : public testing_support::actor_test {
protected:
  void SetUp() override {
    sv->count = &count;
    sv->steady_ms = [] { return std::int64_t{1'000}; };
    root = keep(sys.spawn(supervisor, sv, std::function<void()>{[this] { ++gave_up; }}));
    sched.run();
  }

  /// Watches a child made by `spawn`, as the node does.
  void watch(std::function<caf::actor()> spawn) {
    auto role = std::make_shared<const child_role>(child_role{"child", std::move(spawn)});
    caf::anon_send(root, atom::online::value, child_role_ptr{role});
    sched.run();
  }

  caf::actor child() {
    auto out = keep(sys.spawn([] { return caf::behavior{[](int) {}}; }));
    children.push_back(out);
    return out;
  }

  void kill(std::size_t nth, caf::exit_reason why = caf::exit_reason::kill) {
    self->send_exit(children.at(nth), why);
    sched.run();
  }

  metrics count;
  services_ptr sv = std::make_shared<services>(1);
  supervisor_actor root;
  std::vector<caf::actor> children;
  int gave_up = 0;
};

TEST_F(supervisor_test, replaces_who_dies_and_nobody_who_was_ended) {
  watch([this] { return child(); });
  kill(0);
  EXPECT_EQ(children.size(), 2u);
  kill(1, caf::exit_reason::user_shutdown);
  EXPECT_EQ(children.size(), 2u);
  EXPECT_EQ(gave_up, 0);
}

TEST_F(supervisor_test, gives_up_when_too_many_die) {
  watch([this] { return child(); });
  for (auto i = std::size_t{0}; gave_up == 0 && i < 100; ++i)
    kill(i);
  EXPECT_EQ(gave_up, 1);
  EXPECT_EQ(children.size(), 21u) << "20 within a minute are replaced";
}

TEST_F(supervisor_test, gives_up_when_nobody_can_come_instead) {
  auto damaged = false;
  watch([&] {
    if (damaged)
      throw std::runtime_error{"its row is damaged"};
    return child();
  });
  watch([this] { return child(); });
  damaged = true;
  kill(0);
  EXPECT_EQ(gave_up, 1);
  kill(1);
  EXPECT_EQ(children.size(), 3u) << "and lives on for the others until the process ends";
}

} // namespace
} // namespace shoal
