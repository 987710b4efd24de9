// How data looks: a table for people, JSON for programs.
#pragma once

#include <string>

#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {

std::string render_json(const json& x);

/// Rows of objects become a table, one object becomes "field  value" lines. Control characters are
/// shown as '?', so that data cannot talk to the terminal.
std::string render_table(const json& x, const command& of);

} // namespace shoal::ctl
