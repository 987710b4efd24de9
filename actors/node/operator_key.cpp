#include "actors/node/operator_key.hpp"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "actors/log.hpp"

namespace shoal {

namespace fs = std::filesystem;

namespace {

bool write_private(const fs::path& file, const std::string& text) {
  auto old = ::umask(0077);
  std::ofstream out{file, std::ios::trunc};
  ::umask(old);
  return (out << text << '\n') && out.flush();
}

} // namespace

bool write_operator_key(const std::string& data_dir, const key_config& key) {
  auto failed = std::error_code{};
  fs::create_directories(data_dir, failed);
  if (write_private(fs::path{data_dir} / "operator.secret", key.secret) &&
      write_private(fs::path{data_dir} / "operator.key", key.id))
    return true;
  log::error("the operator key cannot be written", {{"folder", data_dir}});
  return false;
}

} // namespace shoal
