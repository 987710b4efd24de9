// The verifier: asks a tenant's HTTP endpoint whether a session is valid (the original's
// `com.antcloud.session.validate`).
//
//   POST url   {"instanceId": app, "userId": user, "sessionId": token}
//   200        {"resultCode":"OK","success":true,"result":{"sid":"…","valid":true}}
//
// Spawned by: the node, detached (libcurl waits for strangers).  Monitors: nobody.  Dies: at
// shutdown. Bounded: one request at a time, `verifier_timeout` each, answers of at most 64 KiB,
// http and https only, no redirects; a
// request that waited in the queue for longer than that is answered `verifier_unavailable` without
// being asked.

#pragma once

#include "actors/services.hpp"

namespace shoal {

verifier_actor::behavior_type verifier(verifier_actor::pointer self, services_ptr services);

/// The verdict that an endpoint's answer means. Pure.
ec verdict_of(long http_status, const std::string& body);

} // namespace shoal
