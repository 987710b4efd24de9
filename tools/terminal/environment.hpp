// The environment of a process, as a function: tests give another one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace shoal::terminal {

/// Looks up one environment variable.
using environment = std::function<std::optional<std::string>(std::string_view)>;

environment process_environment();

} // namespace shoal::terminal
