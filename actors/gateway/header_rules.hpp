// An API's rules for headers, of requests to its backend and of answers to its clients: set, add,
// remove, in their order; values may name what the gateway knows of the call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

/// "${user}", "${device}", "${trace_id}", "${ip}".
struct rule_values {
  std::string_view user, device, trace_id, ip;

  /// `traceparent`: "00-<trace>-<span>-01", or empty.
  static rule_values of(const call& x, std::string_view traceparent);
};

std::string filled(std::string_view value, const rule_values& from);

/// A rule sets or removes this header, so what came under its name does not stay.
bool is_ruled(const std::vector<header_rule>& rules, header_place where, std::string_view name);

/// Changes `headers` as the rules say. Values that would not fit one line are left out.
void apply_rules(const std::vector<header_rule>& rules, header_place where,
    const rule_values& values, header_list& headers);

bool fits_one_line(std::string_view text);

} // namespace shoal::gateway
