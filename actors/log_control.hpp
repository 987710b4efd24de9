// What an operator may do with the log of a running node. What is logged, and how, is log.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace shoal::log {

/// trace, debug, info, warn, error, off.
bool known_level(std::string_view level);

/// Changes the level; false, and nothing happens, if it is none of these.
bool set_level(std::string_view level);

/// The last warnings and errors as they were written, oldest first.
std::vector<std::string> recent_warnings();

} // namespace shoal::log
