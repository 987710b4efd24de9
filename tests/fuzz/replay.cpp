// Runs a fuzz target without a fuzzer.
//
//   shoal-replay-TARGET FOLDER                    every file of the folder, and its beginnings
//   shoal-replay-TARGET FOLDER SECONDS [NUMBER]   inputs made of them, as many as the time allows
//
// The number of the first input is printed; the same number makes the same inputs. Without one, it
// is SHOAL_FUZZ_SEED or chosen anew. An input that ends the program, or that takes longer than ten
// seconds, is left in the file that the last line names.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "tests/fuzz/mutator.hpp"
#include "tests/fuzz/target.hpp"

// A sanitizer's finding is an abort like every other.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }

namespace {

constexpr std::size_t beginnings = 64; // per file, spread over its length
constexpr unsigned patience_s = 10;

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::vector<std::string> files_of(const char* folder) {
  auto names = std::vector<std::filesystem::path>{};
  for (auto& entry : std::filesystem::directory_iterator{folder})
    names.push_back(entry.path());
  std::ranges::sort(names); // the order of a folder is another one on another machine
  auto out = std::vector<std::string>{};
  for (auto& name : names) {
    auto in = std::ifstream{name, std::ios::binary};
    out.emplace_back(std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{});
  }
  return out;
}

// -- what is left behind by an input that ends the program ----------------------------------------

const std::string* at_work = nullptr;
char finding[256];

/// Only what a signal handler may call.
void leave_behind(int signal) {
  if (at_work != nullptr) {
    auto file = open(finding, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    auto kept = file >= 0 && write(file, at_work->data(), at_work->size()) >= 0;
    auto say = [](const char* text) { return write(STDERR_FILENO, text, strlen(text)) >= 0; };
    if (kept && say(signal == SIGALRM ? "too slow, the input is in " : "the input is in "))
      say(finding) && say("\n");
  }
  std::signal(signal, SIG_DFL);
  raise(signal);
}

void watch() {
  for (auto x : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) {
    struct sigaction now = {};
    if (sigaction(x, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) // else a sanitizer's
      std::signal(x, leave_behind);
  }
}

int mutate(const std::vector<std::string>& seeds, std::chrono::seconds time, std::uint64_t first) {
  std::cout << "first input " << first << std::endl;
  auto make = shoal::fuzz::mutator{seeds};
  auto number = first;
  watch();
  for (auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;
       ++number) {
    auto bytes = make.make(number);
    std::snprintf(finding, sizeof finding, "finding-%s-%llu", program_invocation_short_name,
        static_cast<unsigned long long>(number));
    at_work = &bytes;
    alarm(patience_s);
    run(bytes);
    at_work = nullptr;
  }
  alarm(0);
  std::cout << number - first << " inputs, nothing found\n";
  return 0;
}

std::uint64_t first_input(const char* given) {
  if (given == nullptr)
    given = std::getenv("SHOAL_FUZZ_SEED");
  return given != nullptr && *given != '\0' ? std::stoull(given) : std::random_device{}();
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::cerr << "usage: " << argv[0] << " FOLDER [SECONDS [NUMBER]]\n";
    return 2;
  }
  auto seeds = files_of(argv[1]);
  if (seeds.empty()) {
    std::cerr << argv[1] << " has no seeds\n";
    return 1;
  }
  if (argc > 2)
    return mutate(
        seeds, std::chrono::seconds{std::stoi(argv[2])}, first_input(argc > 3 ? argv[3] : nullptr));
  for (auto& bytes : seeds) {
    auto step = bytes.size() / beginnings + 1;
    for (std::size_t n = 0; n < bytes.size(); n += step)
      run(bytes.substr(0, n));
    run(bytes);
  }
  std::cout << seeds.size() << " seeds\n";
  return 0;
}
