// Whose turn it is in a single-device biz: the user's devices share one cursor, and one at a time
// is offered ops. Pure.
//
// Owned by the stream, one per single-device log in use. A device that does not acknowledge in time
// loses its turn to the next one; what it acknowledges later still counts, because handled is
// handled.
#pragma once

#include <algorithm>
#include <cstdint>

namespace shoal {

class device_turn {
public:
  explicit device_turn(std::uint64_t cursor) : cursor_{cursor}, offered_{cursor} {}

  /// Number of the listener whose turn it is; 0 = nobody's.
  std::uint32_t holder() const { return holder_; }
  std::uint64_t cursor() const { return cursor_; }
  std::uint64_t offered() const { return offered_; }

  /// Gives the turn; whatever the last holder left unacknowledged is offered again.
  void give(std::uint32_t listener) {
    holder_ = listener;
    offered_ = cursor_;
  }

  void release() { give(0); }

  /// The holder was sent ops up to `upto`. The clock runs from the first op it has not
  /// acknowledged.
  void offer(std::uint64_t upto, std::int64_t now_ms, std::int64_t timeout_ms) {
    if (offered_ == cursor_)
      deadline_ms_ = now_ms + timeout_ms;
    offered_ = std::max(offered_, upto);
    ever_offered_ = std::max(ever_offered_, offered_);
  }

  /// True if the cursor moved. Anyone who was ever offered an id may acknowledge it.
  bool acknowledge(std::uint64_t id, std::int64_t now_ms, std::int64_t timeout_ms) {
    if (id <= cursor_ || id > ever_offered_)
      return false;
    cursor_ = id;
    offered_ = std::max(offered_, cursor_);
    deadline_ms_ = now_ms + timeout_ms;
    return true;
  }

  bool waiting() const { return holder_ != 0 && offered_ > cursor_; }
  bool overdue(std::int64_t now_ms) const { return waiting() && now_ms >= deadline_ms_; }

private:
  std::uint64_t cursor_;
  std::uint64_t offered_;
  std::uint64_t ever_offered_ = 0;
  std::uint32_t holder_ = 0;
  std::int64_t deadline_ms_ = 0;
};

} // namespace shoal
