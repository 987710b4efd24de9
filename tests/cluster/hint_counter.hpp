// Counts the hints of a meta store's watch, on whatever thread they come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace shoal::cluster {

class hint_counter {
public:
  std::function<void()> hint() {
    return [this] {
      auto guard = std::lock_guard{mutex_};
      ++count_;
      changed_.notify_all();
    };
  }
  int count() {
    auto guard = std::lock_guard{mutex_};
    return count_;
  }
  bool wait_for_more_than(int n, std::chrono::milliseconds limit = std::chrono::seconds{10}) {
    auto guard = std::unique_lock{mutex_};
    return changed_.wait_for(guard, limit, [&] { return count_ > n; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

} // namespace shoal::cluster
