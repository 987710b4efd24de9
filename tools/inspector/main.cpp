#include <csignal>
#include <iostream>

#include <unistd.h>

#include "tools/inspector/command_line.hpp"
#include "tools/terminal/interrupt.hpp"

int main(int argc, char** argv) {
  shoal::catch_interrupts();
  std::signal(SIGPIPE, SIG_IGN);
  using namespace shoal::inspector;
  return run_command_line(
      {argv + 1, argv + argc}, {std::cout, std::cerr, process_environment(), make_http_caller,
                                   shoal::wait_uninterrupted, ::isatty(STDOUT_FILENO) == 1});
}
