// A folder of its own for one test, gone with it.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include <stdlib.h>
#include <unistd.h>

namespace shoal::storage {

class scratch_folder {
public:
  scratch_folder() {
    auto name = (place() / "shoal-test-").string() + std::string(6, 'X');
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error{"cannot make a scratch folder"};
    path_ = name;
  }

  ~scratch_folder() {
    auto ignored = std::error_code{};
    std::filesystem::remove_all(path_, ignored);
  }

  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  const std::string& path() const { return path_; }

private:
  /// In memory if possible: what syncing costs on the disk below is not what these tests are about.
  static std::filesystem::path place() {
    auto memory = std::filesystem::path{"/dev/shm"};
    return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
  }

  std::string path_;
};

} // namespace shoal::storage
