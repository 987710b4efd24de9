#include <csignal>
#include <iostream>
#include <thread>

#include <curl/curl.h>
#include <unistd.h>

#include "tools/shoalctl/command_line.hpp"
#include "tools/shoalctl/http_caller.hpp"

namespace {

volatile std::sig_atomic_t enough = 0;

bool wait_for(std::chrono::milliseconds x) {
  std::signal(SIGINT, [](int) { enough = 1; });
  auto until = std::chrono::steady_clock::now() + x;
  while (enough == 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  return enough == 0;
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
