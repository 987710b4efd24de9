#include "storage/rocks_watch.hpp"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

#include <rocksdb/db.h>

namespace shoal::storage {

line_logger::line_logger(std::function<void(std::string_view)> line)
    : rocksdb::Logger{rocksdb::WARN_LEVEL}, line_{std::move(line)} {}

void line_logger::Logv(const char* format, va_list arguments) {
  if (!line_)
    return;
  auto text = std::array<char, 512>{};
  auto size = std::vsnprintf(text.data(), text.size(), format, arguments);
  if (size > 0)
    line_({text.data(), std::min(static_cast<std::size_t>(size), text.size() - 1)});
}

void trouble_listener::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) {
  trouble = result_of(*status);
}

void trouble_listener::OnErrorRecoveryBegin(
    rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) {
  *auto_recovery = false;
}

void trouble_listener::OnMemTableSealed(const rocksdb::MemTableInfo& info) {
  if (info.cf_name == rocksdb::kDefaultColumnFamilyName)
    rows_sealed = true;
}

free_space::free_space(
    rocksdb::Env& env, std::string folder, std::uint64_t reserve, std::chrono::milliseconds pause)
    : env_{env}, folder_{std::move(folder)}, reserve_{reserve}, pause_{pause} {}

bool free_space::enough() {
  auto now = std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count();
  auto due = next_look_.load();
  if (now < due || !next_look_.compare_exchange_strong(due, now + pause_.count()))
    return enough_;
  auto left = std::uint64_t{0};
  // Where the system cannot tell, the engine will.
  enough_ = !env_.GetFreeSpace(folder_, &left).ok() || left >= reserve_;
  return enough_;
}

ec result_of(const rocksdb::Status& status) {
  if (status.ok())
    return ec::none;
  return status.IsNoSpace() ? ec::storage_full : ec::storage_failed;
}

} // namespace shoal::storage
