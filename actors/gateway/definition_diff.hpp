// What differs between two definitions in JSON: one line per field, for people.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace shoal::gateway {

/// [{"field": "limits[0].limit", "before": 10, "after": 20}, …], in the order of the names. A value
/// that is missing on one side is left out. What only the registry gives (version, revision, times)
/// is not compared.
nlohmann::json differences(const nlohmann::json& before, const nlohmann::json& after);

/// The names before the first dot or bracket, each once.
std::vector<std::string> changed_fields(const nlohmann::json& differences);

} // namespace shoal::gateway
