#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "tools/sdk/cpp/positions.hpp"

namespace shoal {

namespace {

// The file: this line, then one line "epoch id biz user" per stream (user may be empty), then the
// number of streams.
constexpr auto first_line = "shoal positions 1";

bool parse(std::istream& in, std::map<std::pair<std::string, std::string>, position>& out) {
  auto line = std::string{};
  if (!std::getline(in, line) || line != first_line)
    return false;
  while (std::getline(in, line)) {
    auto fields = std::istringstream{line};
    auto at = position{};
    auto biz = std::string{};
    auto user = std::string{};
    if (line.starts_with("end ")) {
      return line == "end " + std::to_string(out.size());
    }
    if (!(fields >> at.epoch >> at.id >> biz))
      return false;
    fields >> user;
    out[{user, biz}] = at;
  }
  return false;
}

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw std::system_error{errno, std::generic_category(), what + " " + path};
}

void write_whole(const std::string& path, const std::string& text, bool sync) {
  auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    fail("cannot write", path);
  auto ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
            (!sync || ::fdatasync(fd) == 0);
  auto error = errno;
  ::close(fd);
  errno = error;
  if (!ok)
    fail("cannot write", path);
}

void sync_folder_of(const std::string& path) {
  auto slash = path.rfind('/');
  auto folder = slash == std::string::npos ? std::string{"."} : path.substr(0, slash + 1);
  auto fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    fail("cannot open", folder);
  auto ok = ::fsync(fd) == 0;
  ::close(fd);
  if (!ok)
    fail("cannot sync", folder);
}

} // namespace

file_positions::file_positions(std::string path, durability how)
    : path_{std::move(path)}, how_{how} {
  auto in = std::ifstream{path_};
  if (!in) {
    if (::access(path_.c_str(), F_OK) == 0)
      throw std::runtime_error{"cannot read " + path_};
    return;
  }
  if (parse(in, entries_))
    return;
  entries_.clear();
  started_over_ = true;
  if (std::rename(path_.c_str(), (path_ + ".damaged").c_str()) != 0)
    fail("cannot move", path_);
}

void file_positions::save(const std::string& user, const std::string& biz, position at) {
  memory_positions::save(user, biz, at);
  dirty_ = true;
}

void file_positions::forget(const std::string& user, const std::string& biz) {
  memory_positions::forget(user, biz);
  dirty_ = true;
}

void file_positions::flush() {
  if (!dirty_)
    return;
  auto text = std::ostringstream{};
  text << first_line << '\n';
  for (auto& [key, at] : entries_)
    text << at.epoch << ' ' << at.id << ' ' << key.second << ' ' << key.first << '\n';
  text << "end " << entries_.size() << '\n';
  auto fresh = path_ + ".new";
  write_whole(fresh, text.str(), how_ == durability::power);
  if (std::rename(fresh.c_str(), path_.c_str()) != 0)
    fail("cannot replace", path_);
  if (how_ == durability::power)
    sync_folder_of(path_);
  dirty_ = false;
}

} // namespace shoal
