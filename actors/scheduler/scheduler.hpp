// Which thread runs which actor: one queue for all workers, as CAF's `sharing`, but workers and
// clock are woken with restraint (wake_rule.hpp, locked_clock.hpp).
//
// A module of the actor system, which owns it: `config.load<scheduler>()`. Jobs leave the queue in
// the order in which they came. An actor runs `scheduler.max-throughput` messages at most, then it
// goes to the end of the queue. I/O loops hear of what actors send when a worker has run a few of
// them, or has nothing to do. Detached actors have threads of their own and are no business of it.
// Why not CAF's: README, "Decisions".
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include "actors/scheduler/locked_clock.hpp"
#include "actors/scheduler/wake_rule.hpp"
#include "protocol/tls/late_wake.hpp"

namespace shoal {

class scheduler final : public caf::scheduler::abstract_coordinator {
public:
  explicit scheduler(caf::actor_system& sys) : abstract_coordinator{sys} {}

  static caf::actor_system::module* make(caf::actor_system& sys, caf::detail::type_list<>) {
    return new scheduler{sys};
  }

  void enqueue(caf::resumable* job) override;
  locked_clock& clock() noexcept override { return clock_; }

protected:
  void start() override;
  void stop() override;

private:
  using time_point = std::chrono::steady_clock::time_point;

  struct waiting_job {
    caf::resumable* job;
    time_point since;
  };

  class worker : public caf::execution_unit {
  public:
    explicit worker(scheduler& parent) : execution_unit{&parent.system()}, parent_{parent} {}
    void exec_later(caf::resumable* job) override { parent_.enqueue(job); }

  private:
    scheduler& parent_;
  };

  void run(worker& me);
  caf::resumable* next(tls::late_wake& loops);
  bool should_wake(time_point now) const;

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<waiting_job> queue_;
  std::size_t awake_ = 0, asleep_ = 0;
  bool stopping_ = false;

  wake_rule rule_;
  locked_clock clock_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::thread> threads_;
  std::thread timer_;
};

} // namespace shoal
