// Ctrl-C ends a run in order: servers are ended and data folders removed.
#pragma once

#include "tools/terminal/interrupt.hpp"

namespace shoal::bench {

using shoal::interrupted;

inline void catch_interrupts() {
  shoal::catch_interrupts({SIGINT, SIGTERM});
  std::signal(SIGPIPE, SIG_IGN); // a server that ends is an error of that run, not the end of all
}

} // namespace shoal::bench
