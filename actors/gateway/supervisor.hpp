// The gateway's actor: everything about it that is not on the way of a call.
//
// Four times a second it writes the digest lines that the I/O loops have gathered, and says which
// part of every limit is this node's. Spawned by: the node. Not detached although it writes a file
// (a short append to the page cache): a detached one keeps its thread, and with it the node's stop,
// waiting for as long as anybody holds its handle. Monitors: nobody; the loops' workers are no
// actors, they live and end with their loops. Dies: at shutdown.
#pragma once

#include <functional>
#include <memory>

#include "actors/gateway/digest_log.hpp"
#include "actors/gateway/node_share.hpp"
#include "actors/type_ids.hpp"

namespace shoal::gateway {

using supervisor_actor = caf::typed_actor<
    // INTERNAL: look after everything.
    caf::reacts_to<atom::tick>>;

struct supervisor_options {
  node_share_ptr share;
  std::shared_ptr<digest_log> digest; ///< null: none is written
  /// Nodes that can carry calls now, this one included.
  std::function<std::size_t()> live_nodes = [] { return std::size_t{1}; };
};

struct supervisor_state {
  static inline const char* name = "gateway";
  supervisor_options opt;
  std::string trouble; ///< what was said last about the digest log

  /// For operators, as JSON.
  std::string describe() const;
};

supervisor_actor::behavior_type supervisor(
    supervisor_actor::stateful_pointer<supervisor_state> self, supervisor_options options);

} // namespace shoal::gateway
