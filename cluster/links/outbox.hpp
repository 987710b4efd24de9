// What waits to go to one peer: a queue and a window per kind of traffic.
//
// One per peer, for all its links in turn. `push` may be called from any thread and costs a lock
// and a move; everything else belongs to the I/O thread. Frames that are pushed while bytes are
// being written gather here and leave together.
//
// The window counts `frame_cost` of what was pushed and not yet taken by the peer, so it bounds the
// memory here, on the way, and there. Control frames leave first; the other kinds take turns.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "cluster/node_links.hpp"

namespace shoal::cluster::links {

inline std::size_t frame_cost(std::size_t bytes) { return bytes + frame_overhead; }

class outbox {
public:
  enum class push_result : std::uint8_t { refused, queued, queued_first };

  /// `queued_first` asks the caller to wake the I/O thread: it has not been since the last `fill`.
  push_result push(traffic kind, std::string&& body);

  /// A link is up: takes frames from now on.
  void open(std::size_t window);

  /// The link is down: forgets everything.
  void close();

  /// Appends records until `to` has about `limit` bytes. False if there is nothing to send.
  bool fill(std::string& to, std::size_t limit);

  /// The peer took frames of that kind; `total` since `open`. False if it cannot be so.
  bool taken(traffic kind, std::uint64_t total);

  std::uint64_t in_flight() const;

private:
  struct lane {
    std::deque<std::string> leaving; ///< the I/O thread's
    std::size_t offset = 0;          ///< of the first: parts that left
    std::deque<std::string> fresh;   ///< guarded by mutex_
    std::uint64_t pushed = 0;        ///< guarded by mutex_
    std::uint64_t taken = 0;         ///< guarded by mutex_
  };

  void collect();
  lane* next_lane();
  void append_part(std::string& to, lane& from);

  mutable std::mutex mutex_;
  bool open_ = false;      // guarded by mutex_
  bool awake_ = false;     // guarded by mutex_
  std::size_t window_ = 0; // guarded by mutex_
  std::array<lane, traffic_kinds> lanes_;
  std::size_t turn_ = 1;      ///< whose turn it is among the kinds after control
  std::size_t turn_left_ = 0; ///< bytes
};

} // namespace shoal::cluster::links
