// Where shoalctl finds its server: flags, else the environment, else ~/.config/shoal/shoalctl.toml.
#pragma once

#include <string>

#include "tools/terminal/environment.hpp"

namespace shoal::ctl {

using terminal::environment;
using terminal::process_environment;

struct settings {
  std::string url = "https://localhost:8443";
  std::string key, secret, ca, app;
  bool insecure = false; ///< do not verify the server's certificate
};

/// Settings of file and environment; flags are laid over them by the command line. Throws
/// `bad_usage` for a file that cannot be read as TOML or has keys that nobody knows. A missing
/// default file is fine, a missing named one is not.
settings load_settings(const environment& env, const std::string& named_file);

} // namespace shoal::ctl
