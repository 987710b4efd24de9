#include "tools/terminal/environment.hpp"

#include <cstdlib>

namespace shoal::terminal {

environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    auto value = std::getenv(std::string{name}.c_str());
    return value ? std::optional<std::string>{value} : std::nullopt;
  };
}

} // namespace shoal::terminal
