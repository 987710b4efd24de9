// From argv to an exit code: 0 done, 1 asked and refused, 2 bad usage, 3 server not reachable.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "tools/shoalctl/command.hpp"
#include "tools/shoalctl/settings.hpp"

namespace shoal::ctl {

struct surroundings {
  std::ostream& out; ///< data
  std::ostream& err; ///< words
  environment env;
  std::function<std::unique_ptr<caller>(const settings&)> connect;
  /// Sleeps; false: the user has had enough.
  std::function<bool(std::chrono::milliseconds)> wait = nullptr;
  bool terminal = false; ///< `out` is one
};

int run_command_line(std::vector<std::string> args, const surroundings& around);

/// A bash completion script, made from the table of commands.
std::string bash_completion();

} // namespace shoal::ctl
