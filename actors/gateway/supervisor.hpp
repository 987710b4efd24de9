// The gateway's actor: everything about it that is not on the way of a call.
//
// Four times a second it agrees with the other nodes on which part of every limit is this node's;
// and it tells operators how the gateway is. Spawned by: the node. Monitors: nobody; the loops'
// workers are no actors, they live and end with their loops. Dies: at shutdown.
#pragma once

#include <functional>
#include <memory>

#include "actors/gateway/digest_writer.hpp"
#include "actors/gateway/limit_talk.hpp"
#include "actors/gateway/node_share.hpp"
#include "actors/type_ids.hpp"

namespace shoal::gateway {

using supervisor_actor = caf::typed_actor<
    // INTERNAL: look after everything.
    caf::reacts_to<atom::tick>>;

struct supervisor_options {
  node_share_ptr share;
  std::shared_ptr<digest_writer> digest; ///< null: none is written
  std::shared_ptr<limit_talk> limits;    ///< null: this is the only node
};

struct supervisor_state {
  static inline const char* name = "gateway";
  supervisor_options opt;

  /// For operators, as JSON.
  std::string describe() const;
};

supervisor_actor::behavior_type supervisor(
    supervisor_actor::stateful_pointer<supervisor_state> self, supervisor_options options);

} // namespace shoal::gateway
