// One actor system without threads and with a clock that moves when it is told to: the fixture of
// all actor tests.
//
// `sched.run()` runs until nobody has anything to do; it never fires timeouts, `advance` does.
// Actors that `keep` was told of are killed at the end, others would make the system wait for ever.
#pragma once

#include <chrono>
#include <vector>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

namespace shoal::testing_support {

class actor_test : public ::testing::Test {
public:
  /// Asks and runs until idle: ask<change_result>(hdl, atom::change::value, change).
  template <class R, class Handle, class... Ts>
  caf::expected<R> ask(const Handle& hdl, Ts&&... xs) {
    auto out = caf::expected<R>{caf::no_error};
    auto pending = self->request(hdl, std::chrono::seconds{60}, std::forward<Ts>(xs)...);
    sched.run();
    pending.receive([&](R& x) { out = std::move(x); }, [&](caf::error& e) { out = std::move(e); });
    return out;
  }

  template <class Handle, class... Ts>
  void tell(const Handle& hdl, Ts&&... xs) {
    caf::anon_send(hdl, std::forward<Ts>(xs)...);
    sched.run();
  }

  /// Moves the clock, fires what became due, runs until idle.
  void advance(std::chrono::milliseconds x) {
    sched.advance_time(x);
    sched.run();
  }

  template <class Handle>
  Handle keep(Handle hdl) {
    spawned.push_back(caf::actor_cast<caf::strong_actor_ptr>(hdl));
    return hdl;
  }

  void TearDown() override {
    for (auto& x : spawned)
      self->send_exit(caf::actor_cast<caf::actor>(x), caf::exit_reason::kill);
    sched.run();
    spawned.clear();
    sched.trigger_timeouts(); // delayed messages hold their receivers
    sched.run();
  }

  static caf::actor_system_config& prepare(caf::actor_system_config& cfg) {
    cfg.set("scheduler.policy", caf::atom("testing"));
    return cfg;
  }

  caf::actor_system_config cfg;
  caf::actor_system sys{prepare(cfg)};
  caf::scoped_actor self{sys, true};
  caf::scheduler::test_coordinator& sched =
      dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  std::vector<caf::strong_actor_ptr> spawned;
};

} // namespace shoal::testing_support
