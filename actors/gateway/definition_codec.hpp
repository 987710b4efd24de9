// Definitions as JSON: in rows of the store, in calls of the server API, and in exported files. The
// fields are listed in definition_fields.hpp; here is how their values are written and read.
//
// What is equal to its default is left out of rows and files, so that most APIs take 200 bytes.
// Reading rows is lenient: an unknown field is a newer version's. Reading what people send is
// strict: unknown fields, wrong types and unknown words are refused with the place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "actors/gateway/definitions.hpp"

namespace shoal::gateway {

/// Stands for a secret that is there, in everything that is shown. Read again, it means "as it is".
inline constexpr std::string_view hidden = "(hidden)";

enum class shown : std::uint8_t {
  row,     ///< all, secrets too; no defaults
  full,    ///< secrets are hidden
  exported ///< secrets are hidden; no defaults, and nothing that is given by the registry
};

nlohmann::json to_json(const api_group& x, shown how);
nlohmann::json to_json(const api_definition& x, shown how);
nlohmann::json to_json(const authorizer_rule& x, shown how);
nlohmann::json to_json(const proto_definition& x, shown how);
nlohmann::json to_json(const app_settings& x, shown how);

/// Thrown for what cannot be read.
struct bad_field {
  std::string path; ///< "limits[0].mode"
  std::string sentence;
};

enum class reading : std::uint8_t {
  row,  ///< lenient, takes everything
  asked ///< strict; what the registry gives (ids, versions, times) is ignored, secrets that are
        ///< hidden stay as they are in `out`
};

// Fields that are given replace those of `out`; nested objects are merged, lists are replaced.
void read(const nlohmann::json& in, reading how, api_group& out);
void read(const nlohmann::json& in, reading how, api_definition& out);
void read(const nlohmann::json& in, reading how, authorizer_rule& out);
void read(const nlohmann::json& in, reading how, proto_definition& out);
void read(const nlohmann::json& in, reading how, app_settings& out);

std::string_view to_string(api_status x);
std::string_view to_string(api_kind x);
std::string_view to_string(backend_kind x);

} // namespace shoal::gateway
