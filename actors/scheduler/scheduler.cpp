#include "actors/scheduler/scheduler.hpp"

#include <utility>

#include <pthread.h>

namespace shoal {
namespace {

/// I/O loops hear of what this many jobs sent at once: tens of microseconds as a rule.
constexpr auto jobs_per_wake = 16;

} // namespace

void scheduler::start() {
  auto spawn = [this](const char* name, auto work) {
    return std::thread{[this, name, work] {
      pthread_setname_np(pthread_self(), name);
      system().thread_started();
      work();
      system().thread_terminates();
    }};
  };
  awake_ = num_workers();
  for (auto i = std::size_t{0}; i < num_workers(); ++i) {
    auto& me = *workers_.emplace_back(std::make_unique<worker>(*this));
    threads_.push_back(spawn("shoal-actors", [this, &me] { run(me); }));
  }
  timer_ = spawn("shoal-clock", [this] { clock_.run(); });
  abstract_coordinator::start();
}

void scheduler::stop() {
  {
    auto guard = std::lock_guard{mutex_};
    stopping_ = true;
  }
  work_.notify_all();
  for (auto& x : threads_)
    x.join();
  stop_actors();
  for (auto& x : queue_)
    cleanup_and_release(x.job);
  queue_.clear();
  clock_.stop();
  timer_.join();
}

void scheduler::enqueue(caf::resumable* job) {
  auto now = std::chrono::steady_clock::now();
  auto wake = false;
  {
    auto guard = std::lock_guard{mutex_};
    queue_.push_back({job, now});
    wake = should_wake(now);
  }
  if (wake)
    work_.notify_one();
}

bool scheduler::should_wake(time_point now) const {
  return rule_.wakes(queue_.size(), awake_, asleep_, now - queue_.front().since);
}

/// The oldest job; null when the scheduler stops.
caf::resumable* scheduler::next(tls::late_wake& loops) {
  auto guard = std::unique_lock{mutex_};
  if (queue_.empty()) {
    guard.unlock();
    loops.wake();
    guard.lock();
  }
  while (queue_.empty() && !stopping_) {
    --awake_, ++asleep_;
    work_.wait(guard);
    ++awake_, --asleep_;
  }
  if (queue_.empty())
    return nullptr;
  auto job = queue_.front().job;
  queue_.pop_front();
  return job;
}

void scheduler::run(worker& me) {
  auto loops = tls::late_wake{};
  auto jobs = 0;
  while (auto* job = next(loops)) {
    if (++jobs % jobs_per_wake == 0)
      loops.wake();
    switch (job->resume(&me, max_throughput())) {
    case caf::resumable::resume_later:
      enqueue(job);
      break;
    case caf::resumable::done:
    case caf::resumable::awaiting_message:
      caf::intrusive_ptr_release(job);
      break;
    case caf::resumable::shutdown_execution_unit:
      return;
    }
  }
}

} // namespace shoal
