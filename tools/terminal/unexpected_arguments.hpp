// What a command line had too much, for people. CLI11 lists it back to front.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace shoal::terminal {

/// "unexpected: --methd GET" of what `app` did not take from `args`, in the order it was given.
inline std::string unexpected_arguments(const CLI::App& app, const std::vector<std::string>& args) {
  auto left = app.remaining(true);
  auto out = std::string{"unexpected:"};
  for (const auto& x : args)
    if (auto i = std::ranges::find(left, x); i != left.end()) {
      left.erase(i);
      out += " " + x;
    }
  for (const auto& x : left) // as CLI11 took it apart
    out += " " + x;
  return out;
}

} // namespace shoal::terminal
