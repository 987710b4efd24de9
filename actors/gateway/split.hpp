// Does this call belong to the part of the traffic that moves to another group, or to tagged
// instances? Pure. The same user gets the same answer each time, on every node.
#pragma once

#include <string_view>

#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

/// By "complete", else by client version (a bound that must hold) and then by user, device, region
/// (header `Region`) or percentage.
bool is_moved(const migrate_rule& rule, const call& x);

/// Who is calling, for everything that should be the same for the same caller: the user, else the
/// device, else the address.
std::uint64_t caller_hash(const call& x);

/// "1.10.2" is after "1.9". Parts that are no numbers count as text. <0, 0, >0.
int compare_versions(std::string_view a, std::string_view b);

} // namespace shoal::gateway
