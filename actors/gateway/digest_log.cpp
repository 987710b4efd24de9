#include "actors/gateway/digest_log.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace shoal::gateway {

namespace fs = std::filesystem;

void digest_log::add(std::string&& lines) {
  auto guard = std::lock_guard{mutex_};
  if (waiting_.size() + lines.size() > options_.max_waiting)
    dropped_ += lines.size();
  else if (waiting_.empty())
    waiting_ = std::move(lines);
  else
    waiting_ += lines;
}

std::string digest_log::write() {
  auto lines = std::string{};
  {
    auto guard = std::lock_guard{mutex_};
    lines.swap(waiting_);
  }
  if (lines.empty())
    return {};
  auto flaw = file_ ? std::string{} : open();
  if (flaw.empty() && size_ != 0 && size_ + lines.size() > options_.max_bytes) {
    rotate();
    flaw = open();
  }
  if (flaw.empty() && (std::fwrite(lines.data(), 1, lines.size(), file_.get()) != lines.size() ||
                          std::fflush(file_.get()) != 0)) {
    flaw = options_.file + ": " + std::generic_category().message(errno);
    file_.reset();
  }
  if (!flaw.empty()) {
    auto guard = std::lock_guard{mutex_};
    dropped_ += lines.size();
    return flaw;
  }
  size_ += lines.size();
  written_ += lines.size();
  return {};
}

std::uint64_t digest_log::dropped_bytes() const {
  auto guard = std::lock_guard{mutex_};
  return dropped_;
}

std::string digest_log::open() {
  file_.reset(std::fopen(options_.file.c_str(), "ae"));
  if (!file_)
    return options_.file + ": " + std::generic_category().message(errno);
  auto error = std::error_code{};
  auto size = fs::file_size(options_.file, error);
  size_ = error ? 0 : static_cast<std::size_t>(size);
  return {};
}

void digest_log::rotate() {
  file_.reset();
  auto name = [&](unsigned i) { return options_.file + "." + std::to_string(i); };
  auto error = std::error_code{};
  for (auto i = options_.keep; i > 1; --i)
    fs::rename(name(i - 1), name(i), error); // one that is missing is no trouble
  if (options_.keep > 0)
    fs::rename(options_.file, name(1), error);
  else
    fs::remove(options_.file, error);
}

} // namespace shoal::gateway
