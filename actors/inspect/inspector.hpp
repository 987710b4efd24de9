// The inspector: answers what operators ask about this node's actors, as JSON over the admin port.
//
// Spawned by: the node, detached, because it waits for the actors it asks.  Monitors: nobody.
// Reading needs no signature, as /metrics does not: the port is loopback unless told otherwise.
// Changing (kick, drain, log level) needs the operator's signature and leaves an audit record.
// Dies: on a bug only; the node spawns a new one.
#pragma once

#include "actors/inspect/views.hpp"

namespace shoal {

using inspector_actor = caf::typed_actor<caf::reacts_to<atom::call, api_call>,
    caf::replies_to<atom::status>::with<std::string>>;

struct inspector_state {
  static inline const char* name = "inspector";

  explicit inspector_state(inspector_actor::pointer) {}

  void serve(const api_call& call);

  std::unique_ptr<inspect::context> view;
  std::uint64_t served = 0;
};

struct inspector_options {
  services_ptr services;
  actor_registry* actors = nullptr; ///< not null
  inspect::node_sources node;
};

inspector_actor::behavior_type inspector(
    inspector_actor::stateful_pointer<inspector_state> self, inspector_options options);

} // namespace shoal
