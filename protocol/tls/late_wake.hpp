// Lets one thread give I/O loops many commands and wake each of them once.
//
//   auto later = late_wake{};           while it lives, commands of this thread go to the loops'
//   queues at handle many messages;               once, in order with those of other threads, but
//   wake no loop … later.wake();                       … before this
//
// For threads that run many short jobs: a job that sends one frame would wake a loop that has just
// gone to sleep. Whoever has one must call `wake` before it waits for anything. It is only the
// wake-up that is late: a loop that is awake, or that another thread wakes, takes what is there.
// (To hold the commands themselves back would let a frame overtake an earlier one of the same
// device, whose actor has moved to another thread.)
#pragma once

#include <memory>
#include <vector>

namespace shoal::tls {

class io_loop;

class late_wake {
public:
  late_wake();
  ~late_wake();
  late_wake(const late_wake&) = delete;
  late_wake& operator=(const late_wake&) = delete;

  void wake();

  /// Of this thread; null if there is none.
  static late_wake* current();

  /// Remembers a loop that has something to do.
  void owe(std::shared_ptr<io_loop> x);

private:
  late_wake* outer_; ///< of this thread, before this one
  std::vector<std::shared_ptr<io_loop>> owed_;
};

} // namespace shoal::tls
