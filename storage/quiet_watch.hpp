// Calls an action when nothing has been written for a while: housekeeping that would be in the way
// of writers. In a long silence it calls again, a few times, each pause twice as long as the last:
// what else becomes idle gives its memory back later.
//
// Owned by who writes. Has a thread that sleeps while nothing is written. `wrote` may be called
// from any thread and costs an atomic add. The action runs on the watch's thread, never twice at a
// time; a write that comes while it runs starts a new period.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace shoal::storage {

class quiet_watch {
public:
  /// Acts at most `times` after a write.
  quiet_watch(std::chrono::milliseconds pause, int times, std::function<void()> action);
  /// Waits for an action that is running.
  ~quiet_watch();
  quiet_watch(const quiet_watch&) = delete;
  quiet_watch& operator=(const quiet_watch&) = delete;

  void wrote();

private:
  void run();

  const std::chrono::milliseconds pause_;
  const int times_;
  const std::function<void()> action_;
  std::atomic<std::uint64_t> writes_ = 0;
  std::atomic<bool> asleep_ = false; ///< until the next write
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_; ///< last: it uses everything above
};

} // namespace shoal::storage
