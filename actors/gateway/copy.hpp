// Which definitions of one world a copy puts into another: the APIs that are named, or all of them,
// with what they refer to. Pure; what comes out is a document as bundle.hpp has it, and goes the
// way of an import.
//
// A copy takes what is alike everywhere and leaves what makes a workspace that workspace: where
// backends are (a group that is there stays as it is), whether an API is online (a new one is as it
// was), secrets, and settings. Other APIs that a copied one calls, an aggregate its steps or a rule
// its authorizer, must be named as well or be there.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "actors/gateway/registry.hpp"

namespace shoal::gateway {

struct copy_request {
  std::vector<std::string> operations; ///< none: all, which are then `max_edits` at most
  bool groups = false;                 ///< replaces groups that are there, too
};

/// Throws bad_field: "operations[1]".
nlohmann::json copied(const world& from, const world& to, const copy_request& what);

} // namespace shoal::gateway
