// The stream actor: the single writer of everything that belongs to one principal.
//
// Spawned by: its partition, on first use.  Monitors: the sinks of its feeds.  Dies: when idle
// (after agreeing with the partition that nothing is on its way), or when its partition dies; a new
// instance reads the little it needs again. Restarts: never by itself; the next message makes the
// partition spawn a new one.
//
// Appends are answered only when their rows are durable, in the order in which they came. The rules
// are in stream_log.hpp, device_turn.hpp and filter.hpp; this file turns messages into calls and
// results into messages.
#pragma once

#include "actors/lean_actor.hpp"
#include "actors/services.hpp"
#include "storage/partition_log.hpp"

namespace shoal {

struct stream_options {
  services_ptr services;
  principal_key key;
  partition_no partition{};
  partition_actor owner;
  std::shared_ptr<storage::partition_log> log;
  bool after_death = false; ///< one of this principal died, and may have left writes on their way
};

struct stream_state;
using lean_stream = lean_actor<stream_actor, stream_state>;

/// Spawns a stream. Monitored by the caller if it asks for it.
stream_actor::behavior_type stream(lean_stream* self, stream_options options);

} // namespace shoal
