// Paths of appends, made of the trace ring's events: which actors an append went through, and how
// long it was in each mailbox, in each handler, and on the disk. Pure.
//
//   api (call) -> partition (append) -> stream (append) -> disk -> stream (committed)
//              -> api (appended), device or relay (ops)
//
// In a cluster the partition may be another node's. Then each of the two nodes sees its part:
//
//   api (call) -> stand-in (append) -> another node -> api (appended)
//   partition (append) -> ... -> call-server (appended)
//
// A message is recognised by its address while it lives; who sent it while handling what follows
// from the order of events. The disk's part has no actor: it is the time from the stream's handler
// to the `committed` that the log sends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/registry/trace.hpp"

namespace shoal::inspect {

struct path_step {
  std::string what; ///< "api", "partition", "stream", "disk", "stream commits", ...
  caf::actor_id actor = 0;
  std::uint64_t at_us = 0;      ///< since the path began
  std::uint64_t mailbox_us = 0; ///< from sent to begun
  std::uint64_t handler_us = 0; ///< from begun to ended; for the disk, all of it
};

struct op_path {
  std::string stream;     ///< principal, of the append
  std::uint64_t call = 0; ///< the api actor's number
  std::uint64_t id = 0;   ///< of the last op of the call
  std::uint64_t began_ns = 0;
  std::uint64_t total_us = 0; ///< until the caller had its answer
  std::vector<path_step> steps;
};

/// Every append that was seen from its call to its answer. Events are oldest first.
std::vector<op_path> trace_paths(const std::vector<trace_event>& events);

} // namespace shoal::inspect
