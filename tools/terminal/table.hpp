// Tables on a terminal: rows of cells, whose columns are aligned.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace shoal::terminal {

/// Text without characters that a terminal would act upon: each is shown as '?'.
std::string harmless(std::string text);

/// A field's name at the head of its column: "created_ms" is "CREATED MS".
std::string heading(std::string field);

/// The columns that are wanted, or else every field of the rows, in the order they come up.
std::vector<std::string> columns_of(
    const nlohmann::ordered_json& rows, std::vector<std::string> wanted);

/// Columns aligned, two blanks between them. Colors take no room.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

} // namespace shoal::terminal
