// From argv to an exit code: 0 done, 1 asked and refused, 2 bad usage, 3 a node did not answer
// (what the others said is shown). `check` has codes of its own, for monitoring.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "tools/inspector/session.hpp"
#include "tools/inspector/settings.hpp"

namespace shoal::inspector {

struct surroundings {
  std::ostream& out; ///< data
  std::ostream& err; ///< words
  environment env;
  std::function<std::unique_ptr<caller>()> connect;
  std::function<bool(std::chrono::milliseconds)> wait; ///< false: interrupted
  bool terminal = false;
};

int run_command_line(std::vector<std::string> args, const surroundings& around);

/// A bash completion script, made from the table of commands.
std::string bash_completion();

} // namespace shoal::inspector
