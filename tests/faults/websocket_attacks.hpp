// Attacks of devices in WebSockets: on a connection of their own, and in tunnels through HTTP/2
// (RFC 8441), where one connection carries many of them and must outlive each.
#pragma once

#include <vector>

#include "tests/faults/web_attacks.hpp"

namespace shoal::faults {

std::vector<attack> websocket_attacks();
std::vector<attack> tunnel_attacks();

} // namespace shoal::faults
