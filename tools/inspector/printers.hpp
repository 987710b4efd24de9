// How data looks: a table, more of a table, JSON, YAML, or names only.
#pragma once

#include <string>

#include "tools/inspector/command.hpp"
#include "tools/terminal/table.hpp"

namespace shoal::inspector {

std::string print_json(const json& x);
std::string print_yaml(const json& x);

/// Rows of objects become a table, one object becomes "field  value" lines. Units are chosen for
/// people by a field's ending (_us, _ms, _s, bytes); control characters are shown as '?', so that
/// data cannot talk to the terminal.
std::string print_table(const json& x, const command& of, const canvas& on);

/// One line per row that other commands take: "n1/17", or what names the row.
std::string print_names(const json& x, const command& of);

/// A value as a table shows it.
std::string cell_text(std::string_view field, const json& value);

using terminal::aligned;
using terminal::harmless;

/// All names and texts in it.
json harmless(const json& x);

/// A field that may be missing: then null.
const json& part(const json& of, const char* field);

std::string red(std::string text, const canvas& on);
std::string faint(std::string text, const canvas& on);

/// "1.4 ms", "3m 12s", "24.5 KB".
std::string time_text(double us);
std::string bytes_text(double bytes);

} // namespace shoal::inspector
