// Ctrl-C ends a program that repeats something in order: after what it is doing, with what it has.
#pragma once

#include <chrono>
#include <csignal>
#include <initializer_list>
#include <thread>

namespace shoal {

inline volatile std::sig_atomic_t interrupt_seen = 0;

/// From now on these signals no longer end the process at once.
inline void catch_interrupts(std::initializer_list<int> signals = {SIGINT}) {
  for (auto x : signals)
    std::signal(x, [](int) { interrupt_seen = 1; });
}

inline bool interrupted() { return interrupt_seen != 0; }

/// Waits for so long; false as soon as there was an interrupt.
inline bool wait_uninterrupted(std::chrono::milliseconds x) {
  auto until = std::chrono::steady_clock::now() + x;
  while (!interrupted() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  return !interrupted();
}

} // namespace shoal
