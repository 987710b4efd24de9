#include <atomic>
#include <csignal>
#include <iostream>
#include <thread>

#include <unistd.h>

#include "tools/inspector/command_line.hpp"

namespace {

std::atomic<bool> interrupted{false};

bool wait_for(std::chrono::milliseconds x) {
  auto until = std::chrono::steady_clock::now() + x;
  while (!interrupted && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  return !interrupted;
}

} // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, [](int) { interrupted = true; });
  std::signal(SIGPIPE, SIG_IGN);
  using namespace shoal::inspector;
  return run_command_line(
      {argv + 1, argv + argc}, {std::cout, std::cerr, process_environment(), make_http_caller,
                                   wait_for, ::isatty(STDOUT_FILENO) == 1});
}
