// A folder of one test, removed with it.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include <stdlib.h>

namespace shoal::test {

class temp_dir {
public:
  explicit temp_dir(const std::filesystem::path& below = std::filesystem::temp_directory_path()) {
    auto name = (below / "shoal-XXXXXX").string();
    if (!::mkdtemp(name.data()))
      throw std::runtime_error{"cannot make a temporary folder"};
    path_ = name;
  }
  ~temp_dir() {
    auto error = std::error_code{};
    std::filesystem::remove_all(path_, error);
  }
  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;

  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

} // namespace shoal::test
