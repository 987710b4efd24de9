// When one more worker thread is woken. Pure.
//
// Most actors have microseconds of work per message. To wake a sleeping thread costs more than
// that, on both sides, and two workers that share such work mostly pass cache lines to each other.
// So a worker that is awake gets the next job too, unless jobs pile up before it, or the oldest of
// them has waited: then it is busy with something long, and help is worth its price.
#pragma once

#include <chrono>
#include <cstddef>

namespace shoal {

struct wake_rule {
  /// Jobs that may wait for each worker that is awake.
  std::size_t crowd = 4;
  /// How long the oldest job may have waited. A job that comes alone behind a long one waits
  /// longer: for the next that comes, or for the end of the long one.
  std::chrono::nanoseconds patience = std::chrono::microseconds{50};

  /// Whether a worker should wake, now that `waiting` jobs are in the queue.
  bool wakes(std::size_t waiting, std::size_t awake, std::size_t asleep,
      std::chrono::nanoseconds oldest_waited) const {
    if (waiting == 0 || asleep == 0)
      return false;
    return awake == 0 || waiting > crowd * awake || oldest_waited > patience;
  }
};

} // namespace shoal
