// What the inspector changes: kick a device, drain the node, set the log level. Signed with the
// operator's key as calls of the server API are, and recorded in the audit.
#pragma once

#include "actors/inspect/views.hpp"
#include "protocol/http/message.hpp"

namespace shoal::inspect {

json change(context& c, const http::request& request);

} // namespace shoal::inspect
