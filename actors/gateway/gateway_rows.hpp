// Definitions as rows of the store (storage/README.md, "Gateway"), and rows as a registry.
//
// A definition's value is JSON and a checksum, as the catalog's rows are (catalog_codec.hpp):
// readable in any dump, and a damaged row is noticed and named.
#pragma once

#include <string>
#include <string_view>

#include "actors/gateway/registry.hpp"
#include "storage/database.hpp"

namespace shoal::gateway {

storage::write_batch::row row_of(const world_name& in, const api_definition& x);
storage::write_batch::row row_of(const world_name& in, const api_group& x);
storage::write_batch::row row_of(const world_name& in, const authorizer_rule& x);
storage::write_batch::row row_of(const world_name& in, const proto_definition& x);
storage::write_batch::row row_of(const world_name& in, const app_settings& x);
std::string row_key_of(app_no in, entry_kind kind, std::string_view name);

/// What one definition's row says. One of the pointers is set.
struct entry {
  world_name in;
  entry_kind kind{};
  std::string name;
  std::shared_ptr<const app_settings> settings;
  std::shared_ptr<const api_group> group;
  std::shared_ptr<const api_definition> api;
  std::shared_ptr<const authorizer_rule> authorizer;
  std::shared_ptr<const proto_definition> proto;
};

/// The definition of this type in an entry; null if it is of another.
template <class T>
const T* definition_in(const entry& x) {
  if constexpr (std::is_same_v<T, app_settings>)
    return x.settings.get();
  else if constexpr (std::is_same_v<T, api_group>)
    return x.group.get();
  else if constexpr (std::is_same_v<T, api_definition>)
    return x.api.get();
  else if constexpr (std::is_same_v<T, authorizer_rule>)
    return x.authorizer.get();
  else
    return x.proto.get();
}

/// What the row with this key would define; false if it is no definition's.
bool read_row_key(std::string_view key, entry& out);

/// False if the row is damaged or no definition's.
bool read_row(std::string_view key, std::string_view value, entry& out);

/// The registry with what the entry says, prepared for use.
registry applied(const registry& to, const entry& x);

/// The same for rows, written and erased. False if one is damaged; then `to` is as it was.
bool apply_rows(registry& to, const storage::write_batch& rows);

/// A version of an API: who made it when, and what it was.
struct api_version {
  std::uint32_t version = 0;
  std::string by, note;
  std::int64_t time_ms = 0;
  api_ptr api;
};
storage::write_batch::row version_row(
    app_no in, const api_definition& x, std::string_view by, std::string_view note);
bool read_version_row(std::string_view key, std::string_view value, api_version& out);

/// Reads everything at start, before the first actor. Throws std::runtime_error that names a
/// damaged row: a node that does not know all APIs would refuse calls.
registry load_registry(storage::database& db);

} // namespace shoal::gateway
