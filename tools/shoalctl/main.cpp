#include <iostream>

#include <curl/curl.h>
#include <unistd.h>

#include "tools/shoalctl/command_line.hpp"
#include "tools/shoalctl/http_caller.hpp"
#include "tools/terminal/interrupt.hpp"

namespace {

bool wait_for(std::chrono::milliseconds x) {
  shoal::catch_interrupts(); // not before: a command that repeats nothing just ends
  return shoal::wait_uninterrupted(x);
}

} // namespace

int main(int argc, char** argv) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  using namespace shoal::ctl;
  return run_command_line(
      {argv + 1, argv + argc}, {std::cout, std::cerr, process_environment(),
                                   [](const settings& to) { return make_http_caller(to); },
                                   wait_for, ::isatty(STDOUT_FILENO) == 1});
}
