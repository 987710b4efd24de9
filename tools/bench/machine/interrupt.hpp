// Ctrl-C ends a run in order: servers are ended and data folders removed.
#pragma once

#include <csignal>
#include <initializer_list>

namespace shoal::bench {

inline volatile std::sig_atomic_t interrupt_seen = 0;

inline void catch_interrupts() {
  for (auto x : {SIGINT, SIGTERM})
    std::signal(x, [](int) { interrupt_seen = 1; });
  std::signal(SIGPIPE, SIG_IGN); // a server that ends is an error of that run, not the end of all
}

inline bool interrupted() { return interrupt_seen != 0; }

} // namespace shoal::bench
