// Does this call belong to the part of the traffic that moves to another group, or to tagged
// instances? Pure. The same user gets the same answer each time, on every node.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

/// Where a caller says that it is: over HTTP in this header, on a device connection in Hello.
constexpr std::string_view region_header = "Region";

/// By "complete", else by client version (a bound that must hold) and then by user, device, region
/// or percentage.
bool is_moved(const migrate_rule& rule, const call& x);

/// The instances that have all of `tags`, or (not `having`) all others; without tags all.
struct tagged_part {
  const std::map<std::string, std::string>* tags = nullptr;
  bool having = true;

  bool has(const std::map<std::string, std::string>& of_instance) const;
};

/// Which instances of its group a call is for. While a part of the calls moves to tagged instances
/// of the API's own group, the others stay away from these.
tagged_part part_for(const migrate_rule& rule, std::string_view own_group, bool moved);

/// Who is calling, for everything that should be the same for the same caller: the user, else the
/// device, else the address.
std::uint64_t caller_hash(const call& x);

/// "1.10.2" is after "1.9". Parts that are no numbers count as text. <0, 0, >0.
int compare_versions(std::string_view a, std::string_view b);

} // namespace shoal::gateway
