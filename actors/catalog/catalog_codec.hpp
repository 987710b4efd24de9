// Catalog entries as text: as rows of the database, and as the API shows them.
//
// A row's value is `json "\n" crc`, crc = CRC-32C over key and json in 8 hex digits: readable in
// any dump, and a damaged row is noticed and named. Unknown fields of a newer version are ignored,
// missing ones have their defaults.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "actors/catalog/catalog.hpp"
#include "storage/database.hpp"

namespace shoal {

std::string_view to_string(biz_scope x);
std::string_view to_string(biz_target x);
std::string_view to_string(user_auth::mode x);
std::string_view to_string(key_role x);
bool from_string(std::string_view text, biz_scope& out);
bool from_string(std::string_view text, biz_target& out);
bool from_string(std::string_view text, user_auth::mode& out);
bool from_string(std::string_view text, key_role& out);

enum class secrets : std::uint8_t { hide, show };

nlohmann::json to_json(const app_config& x, secrets how);
nlohmann::json to_json(const user_auth& x, secrets how);
nlohmann::json to_json(const biz_config& x);
nlohmann::json to_json(const key_config& x, secrets how);

/// Key and value of an entry's row.
storage::write_batch::row row_of(const app_config& x);
storage::write_batch::row row_of(const biz_config& x);
storage::write_batch::row row_of(const key_config& x);
std::string row_key_of(const key_config& x);

/// Adds the checksum; `open_row` checks and removes it, or returns false.
std::string seal_row(std::string_view key, std::string json_text);
bool open_row(std::string_view key, std::string_view value, std::string_view& json_text);

/// Reads one entry; false if it is damaged or says what cannot be.
bool read_row(std::string_view key, std::string_view value, app_ptr& out);
bool read_row(std::string_view key, std::string_view value, biz_ptr& out);
bool read_row(std::string_view key, std::string_view value, key_ptr& out);

/// Reads the whole catalog at start, before the first actor. Throws std::runtime_error that names a
/// damaged row: a node that does not know all its apps must not run (it would hand out their
/// numbers again).
catalog load_catalog(storage::database& db);

} // namespace shoal
