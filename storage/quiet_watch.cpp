#include "storage/quiet_watch.hpp"

#include <utility>

#include <pthread.h>

namespace shoal::storage {

quiet_watch::quiet_watch(std::chrono::milliseconds pause, std::function<void()> action)
    : pause_{pause}, action_{std::move(action)}, thread_{[this] { run(); }} {
  pthread_setname_np(thread_.native_handle(), "shoal-quiet");
}

quiet_watch::~quiet_watch() {
  {
    auto guard = std::lock_guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void quiet_watch::wrote() {
  ++writes_;
  if (!asleep_)
    return;
  { auto guard = std::lock_guard{mutex_}; } // the thread has looked, or is waiting
  changed_.notify_one();
}

void quiet_watch::run() {
  auto done = std::uint64_t{0}; // writes up to here are taken care of
  auto guard = std::unique_lock{mutex_};
  while (!stopping_) {
    asleep_ = true;
    changed_.wait(guard, [&] { return stopping_ || writes_ != done; });
    asleep_ = false;
    auto seen = writes_.load();
    changed_.wait_for(guard, pause_, [&] { return stopping_; });
    if (stopping_ || writes_ != seen)
      continue;
    done = seen;
    guard.unlock();
    action_();
    guard.lock();
  }
}

} // namespace shoal::storage
