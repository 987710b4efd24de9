// What definitions of one world say about each other: an API's group must exist, nothing that is in
// use may go. Pure; the sentences name the field.
#pragma once

#include <string>

#include "actors/gateway/registry.hpp"

namespace shoal::gateway {

/// "" if everything that it refers to is in the world.
std::string missing_for(const world& in, const api_definition& x);
std::string missing_for(const world& in, const authorizer_rule& x);

/// "" if nobody refers to it any more, else who does. Looks at all APIs for most kinds.
std::string user_of(const world& in, entry_kind kind, std::string_view name);

} // namespace shoal::gateway
