// How long a call may take, as HTTP says it: one header with the milliseconds that are left. A
// caller names how long it waits; a backend hears how long it is waited for, and need not do what
// nobody will see. Pure.
//
// There is no standard, so the name is Envoy's, in both directions: proxies and backends know it
// already, a duration needs no common clock, and gateways in a row understand each other. gRPC has
// its own, grpc-timeout (grpc_call.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "actors/gateway/call.hpp"

namespace shoal::gateway {

constexpr std::string_view deadline_header = "X-Envoy-Expected-Rq-Timeout-Ms";

/// What a caller says; 0: nothing. None if it cannot be read, or is said twice and differently.
std::optional<std::uint32_t> stated_patience_ms(const header_list& from);

} // namespace shoal::gateway
