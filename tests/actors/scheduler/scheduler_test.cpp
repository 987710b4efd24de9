// The scheduler under a real actor system: real threads, no sleeps; each test ends by messages that
// arrive.
#include <caf/all.hpp>
#include <gtest/gtest.h>

#include "actors/scheduler/scheduler.hpp"

namespace shoal {
namespace {

using namespace std::chrono_literals;
using caf::behavior;
using caf::event_based_actor;

constexpr auto bound = std::chrono::seconds{60}; ///< of what takes milliseconds

class scheduler_test : public ::testing::Test {
public:
  static caf::actor_system_config& prepare(caf::actor_system_config& config) {
    config.load<scheduler>();
    config.set("scheduler.max-threads", std::size_t{2});
    config.set("scheduler.max-throughput", std::size_t{10});
    return config;
  }

  /// Waits for one number.
  int receive() {
    auto out = -1;
    self->receive([&](int x) { out = x; }, caf::after(bound) >> [] {});
    return out;
  }

  caf::actor_system_config config;
  caf::actor_system sys{prepare(config)};
  caf::scoped_actor self{sys};
};

TEST_F(scheduler_test, is_what_the_system_uses) {
  EXPECT_NE(dynamic_cast<scheduler*>(&sys.scheduler()), nullptr);
}

TEST_F(scheduler_test, keeps_the_order_of_messages_of_one_actor) {
  auto next = std::make_shared<int>(0);
  auto a = sys.spawn([next](event_based_actor* me) -> behavior {
    return {[=](int x, const caf::actor& whom) {
      if (x != (*next)++)
        me->send(whom, -2);
      else if (x == 9'999)
        me->send(whom, x);
    }};
  });
  for (auto i = 0; i < 10'000; ++i)
    self->send(a, i, caf::actor_cast<caf::actor>(self));
  EXPECT_EQ(receive(), 9'999);
}

TEST_F(scheduler_test, runs_thousands_of_actors_that_wake_each_other) {
  // A ring: every message wakes an actor that sleeps.
  auto link = [](event_based_actor* me, caf::actor next) -> behavior {
    return {[=](int x) { me->send(next, x + 1); }};
  };
  auto end = caf::actor_cast<caf::actor>(self);
  for (auto i = 0; i < 2'000; ++i)
    end = sys.spawn(link, end);
  for (auto i = 0; i < 10; ++i)
    self->send(end, i * 10'000);
  auto sum = 0;
  for (auto i = 0; i < 10; ++i)
    sum += receive();
  EXPECT_EQ(sum, 10 * 2'000 + 45 * 10'000);
}

TEST_F(scheduler_test, gives_an_actor_that_never_rests_no_more_than_its_share) {
  auto busy = sys.spawn([](event_based_actor* me) -> behavior {
    return {[=](caf::ok_atom) { me->send(me, caf::ok_atom::value); }};
  });
  for (auto i = 0; i < 4; ++i) // more than there are workers
    self->send(busy, caf::ok_atom::value);
  auto other = sys.spawn([](event_based_actor* me) -> behavior {
    return {[=](int x, const caf::actor& whom) { me->send(whom, x); }};
  });
  self->send(other, 7, caf::actor_cast<caf::actor>(self));
  EXPECT_EQ(receive(), 7);
  self->send_exit(busy, caf::exit_reason::kill);
}

TEST_F(scheduler_test, delivers_delayed_messages_in_the_order_of_their_times) {
  auto end = caf::actor_cast<caf::actor>(self);
  sys.spawn([end](event_based_actor* me) {
    me->delayed_send(end, 40ms, 3);
    me->delayed_send(end, 1ms, 1);
    me->delayed_send(end, 20ms, 2);
  });
  EXPECT_EQ(receive(), 1);
  EXPECT_EQ(receive(), 2);
  EXPECT_EQ(receive(), 3);
}

TEST_F(scheduler_test, ends_a_request_that_nobody_answers) {
  auto silent = sys.spawn([](event_based_actor* me) -> behavior {
    auto kept = std::make_shared<std::vector<caf::response_promise>>();
    return {[=](int) { kept->push_back(me->make_response_promise()); }};
  });
  auto end = caf::actor_cast<caf::actor>(self);
  sys.spawn([=](event_based_actor* me) {
    me->request(silent, 5ms, 1)
        .then([=](int) { me->send(end, -2); },
            [=](const caf::error& e) { me->send(end, e == caf::sec::request_timeout ? 1 : -3); });
  });
  EXPECT_EQ(receive(), 1);
  self->send_exit(silent, caf::exit_reason::kill);
}

/// With a handle left in the clock, the system would wait for the thread of the detached actor
/// until the message is due.
TEST(scheduler_stop, lets_go_of_receivers_whose_messages_are_not_due) {
  auto config = caf::actor_system_config{};
  auto sys = std::make_unique<caf::actor_system>(scheduler_test::prepare(config));
  auto begin = std::chrono::steady_clock::now();
  auto late = sys->spawn<caf::detached>([](event_based_actor* me) -> behavior {
    me->delayed_send(me, 120s, 1);
    return {[](int) {}};
  });
  caf::anon_send_exit(late, caf::exit_reason::user_shutdown);
  late = nullptr;
  sys.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, bound);
}

TEST_F(scheduler_test, never_wakes_the_clock_for_timeouts_that_are_later_than_the_next) {
  auto& clock = dynamic_cast<scheduler&>(sys.scheduler()).clock();
  auto end = caf::actor_cast<caf::actor>(self);
  auto holder = sys.spawn([](event_based_actor* me) -> behavior {
    auto held = std::make_shared<caf::response_promise>();
    return {
        [=](int) { *held = me->make_response_promise(); },
        [=](caf::ok_atom) { held->deliver(0); },
    };
  });
  auto ask = [&](const caf::actor& whom, std::chrono::seconds patience, int what) {
    sys.spawn([=](event_based_actor* me) {
      me->request(whom, patience, what)
          .then([=](int x) { me->send(end, x); }, [=](const caf::error&) { me->send(end, -2); });
      me->send(end, what);
    });
  };
  ask(holder, bound / 2, -7); // what is due next, all the time
  ASSERT_EQ(receive(), -7);
  auto answering =
      sys.spawn([](event_based_actor*) -> behavior { return {[](int x) { return x; }}; });
  auto before = clock.wake_ups();
  for (auto i = 0; i < 1'000; ++i) {
    ask(answering, bound, i);
    ASSERT_EQ(receive(), i);
    ASSERT_EQ(receive(), i);
  }
  EXPECT_EQ(clock.wake_ups(), before);
  self->send(holder, caf::ok_atom::value);
  EXPECT_EQ(receive(), 0);
  for (auto& x : {holder, answering})
    self->send_exit(x, caf::exit_reason::kill);
}

} // namespace
} // namespace shoal
