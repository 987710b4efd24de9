// The gateway's door for devices: a Call frame becomes a call of the one pipeline, its answer a
// CallResult. What the connection is stands above what the call says of itself: app,
// workspace, device and user are the connection's.
#pragma once

#include "actors/gateway/worker.hpp"
#include "protocol/tls/device_calls.hpp"

namespace shoal::gateway {

/// Carries out one call on the loop that `by` works on; answers once.
void serve_device_call(worker& by, tls::device_call&& x, const tls::call_responder& answer);

} // namespace shoal::gateway
