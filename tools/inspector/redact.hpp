// Takes secrets out of what is sent to strangers. Shoal does not put any there; this is the second
// lock on that door, for what operators write into names, labels and log lines.
#pragma once

#include <string>

#include "tools/inspector/command.hpp"

namespace shoal::inspector {

/// Values of fields whose names say that they are secret, PEM blocks, authorization headers and
/// signed tokens become "(removed)".
json redacted(const json& x);
std::string redacted(std::string text);

} // namespace shoal::inspector
