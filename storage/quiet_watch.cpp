#include "storage/quiet_watch.hpp"

#include <utility>

#include <pthread.h>

namespace shoal::storage {

quiet_watch::quiet_watch(std::chrono::milliseconds pause, int times, std::function<void()> action)
    : pause_{pause}, times_{times}, action_{std::move(action)}, thread_{[this] { run(); }} {
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
  auto seen = std::uint64_t{0};
  auto acted = times_; // since the last write
  auto guard = std::unique_lock{mutex_};
  while (!stopping_) {
    if (acted == times_) {
      asleep_ = true;
      changed_.wait(guard, [&] { return stopping_ || writes_ != seen; });
      asleep_ = false;
      acted = 0;
    }
    seen = writes_;
    changed_.wait_for(guard, pause_ * (1 << acted), [&] { return stopping_; });
    if (stopping_)
      return;
    if (writes_ != seen) {
      acted = 0;
      continue;
    }
    ++acted;
    guard.unlock();
    action_();
    guard.lock();
  }
}

} // namespace shoal::storage
