// The parameters that an API has without saying so: a name in braces, in the path that its backend
// gets, is one that must be given, unless a parameter of that name is defined for the path.
#pragma once

#include <vector>

#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

/// In the order of the path; each name once.
std::vector<api_param> implied_params(const api_definition& x);

} // namespace shoal::gateway
