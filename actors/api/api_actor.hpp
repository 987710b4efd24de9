// The API actor: serves the HTTP API under /v1 (protocol/server_api.yaml).
//
// Spawned by: the node, one per core; requests are dealt out in turn.  Monitors: nobody.  Dies: on
// a bug only; the node spawns a new one, and the callers of the old one hear 500 because their
// responders go with it.
//
// Guarantees: every request is answered exactly once, within `limits.call_timeout` and a little;
// work in flight is bounded
// (`overloaded` beyond). What a caller hears as done is durable. Does not parse HTTP and knows no
// sockets.
#pragma once

#include "actors/api/api_state.hpp"

namespace shoal::api {

/// `services` needs `request_nonces` and `count`.
api_actor::behavior_type api(api_actor::stateful_pointer<api_state> self, services_ptr services);

} // namespace shoal::api
