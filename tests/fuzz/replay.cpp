// Runs a fuzz target over every file of a folder, and over each file's beginnings.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "tests/fuzz/target.hpp"

namespace {

constexpr std::size_t beginnings = 64; // per file, spread over its length

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " FOLDER\n";
    return 2;
  }
  auto files = 0;
  for (auto& entry : std::filesystem::directory_iterator{argv[1]}) {
    auto in = std::ifstream{entry.path(), std::ios::binary};
    auto bytes = std::string{std::istreambuf_iterator<char>{in}, {}};
    auto step = bytes.size() / beginnings + 1;
    for (std::size_t n = 0; n < bytes.size(); n += step)
      run(bytes.substr(0, n));
    run(bytes);
    ++files;
  }
  std::cout << files << " seeds\n";
  return files > 0 ? 0 : 1;
}
