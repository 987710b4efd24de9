// A folder of its own for one test, gone with it.
#pragma once

#include <filesystem>
#include <string>

#include <unistd.h>

#include "tests/support/temp_dir.hpp"

namespace shoal::storage {

class scratch_folder {
public:
  const std::string& path() const { return path_; }

private:
  /// In memory if possible: what syncing costs on the disk below is not what these tests are about.
  static std::filesystem::path place() {
    auto memory = std::filesystem::path{"/dev/shm"};
    return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
  }

  test::temp_dir folder_{place()};
  std::string path_ = folder_.path().string();
};

} // namespace shoal::storage
