#include "actors/node/operator_key.hpp"

#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "actors/log.hpp"

namespace shoal {

namespace fs = std::filesystem;

namespace {

/// A file that only its owner may read. The key is stored for good by then: a power cut must not
/// take the only copy of its secret.
bool write_private(const fs::path& file, const std::string& text) {
  constexpr auto owner_only = 0600;
  auto fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, owner_only);
  if (fd < 0)
    return false;
  auto line = text + '\n';
  auto done = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
              ::fsync(fd) == 0;
  return ::close(fd) == 0 && done;
}

bool sync_folder(const std::string& folder) {
  auto fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  auto done = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0)
    ::close(fd);
  return done;
}

} // namespace

bool write_operator_key(const std::string& data_dir, const key_config& key) {
  auto failed = std::error_code{};
  fs::create_directories(data_dir, failed);
  if (write_private(fs::path{data_dir} / "operator.secret", key.secret) &&
      write_private(fs::path{data_dir} / "operator.key", key.id) && sync_folder(data_dir))
    return true;
  log::error("the operator key cannot be written", {{"folder", data_dir}});
  return false;
}

} // namespace shoal
