#include "storage/rocks_logs.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "storage/keys.hpp"
#include "storage/lost_records.hpp"

namespace shoal::storage {

namespace {

constexpr std::size_t sequence_bytes = 8; // at the begin of a batch, little endian

std::uint64_t last_of(const rocksdb::WriteBatch& batch) {
  auto& bytes = batch.Data();
  auto begin = std::uint64_t{0};
  for (auto i = sequence_bytes; i-- > 0;)
    begin = begin << 8 | static_cast<unsigned char>(bytes[i]);
  return begin + static_cast<std::uint64_t>(batch.Count()) - 1;
}

void raise(std::atomic<std::uint64_t>& x, std::uint64_t to) {
  for (auto now = x.load(); now < to && !x.compare_exchange_weak(now, to);) {
  }
}

/// Numbers of the logs in the folder, in order.
std::vector<std::uint64_t> logs_in(rocksdb::Env& env, const std::string& folder) {
  auto names = std::vector<std::string>{};
  auto out = std::vector<std::uint64_t>{};
  if (!env.GetChildren(folder, &names).ok())
    return out;
  for (const auto& name : names) {
    auto number = std::uint64_t{0};
    auto end = name.data() + name.size();
    auto [rest, error] = std::from_chars(name.data(), end, number);
    if (error == std::errc{} && std::string_view{rest, end} == ".log")
      out.push_back(number);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string log_name(const std::string& folder, std::uint64_t number) {
  auto digits = std::to_string(number);
  return folder + '/' + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits +
         ".log";
}

void sync_folder(rocksdb::Env& env, const std::string& folder) {
  auto handle = std::unique_ptr<rocksdb::Directory>{};
  if (env.NewDirectory(folder, &handle).ok())
    handle->Fsync();
}

} // namespace

// -- marks ----------------------------------------------------------------------------------------

void sync_marks::begin(rocksdb::WriteBatch& batch) const {
  if (tag_ != 0)
    batch.PutLogData(encode_wal_mark({tag_, synced_}));
}

void sync_marks::wrote(const rocksdb::WriteBatch& batch, bool with_sync) {
  auto last = last_of(batch);
  raise(written_, last);
  if (with_sync)
    synced(last);
}

void sync_marks::synced(std::uint64_t upto) {
  raise(synced_, upto);
  due_ = tag_ != 0;
}

rocksdb::WriteBatch sync_marks::last_word() const {
  auto out = rocksdb::WriteBatch{};
  begin(out);
  out.Delete(identity_key("mark"));
  return out;
}

// -- the look at the start ------------------------------------------------------------------------

log_inspector::log_inspector(rocksdb::Env& env, std::string folder)
    : env_{env}, folder_{std::move(folder)} {}

void log_inspector::ColumnFamilyLogNumberMap(const std::map<std::uint32_t, std::uint64_t>& needed,
    const std::map<std::string, std::uint32_t>&) {
  if (needed.empty())
    return;
  auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  auto found = look(std::min_element(needed.begin(), needed.end(), less)->second);
  if (!found.lost)
    return;
  lost_ = "the log of the store is damaged: change " + std::to_string(found.proven) +
          " and all before it were durable, what can be read ends at change " +
          std::to_string(found.reached);
  rocksdb::WriteStringToFile(&env_, lost_, file(), true);
  sync_folder(env_, folder_);
}

/// Logs older than `oldest` are in tables and wait to be deleted.
wal_finding log_inspector::look(std::uint64_t oldest) const {
  auto identity = std::string{};
  if (!rocksdb::ReadFileToString(&env_, folder_ + "/IDENTITY", &identity).ok())
    return {};
  auto check = wal_check{wal_tag_of(identity)};
  auto buffer = std::vector<char>(wal_check::block_bytes);
  for (auto number : logs_in(env_, folder_)) {
    auto log = std::unique_ptr<rocksdb::SequentialFile>{};
    if (number < oldest ||
        !env_.NewSequentialFile(log_name(folder_, number), &log, rocksdb::EnvOptions{}).ok())
      continue;
    check.add([&](std::string_view& block) {
      auto read = rocksdb::Slice{};
      auto ok = log->Read(buffer.size(), &read, buffer.data()).ok();
      block = {read.data(), read.size()};
      return ok && !block.empty();
    });
  }
  return check.result();
}

ec log_inspector::keep(database& db) {
  auto exists = env_.FileExists(file()).ok();
  if (exists && lost_.empty())
    rocksdb::ReadFileToString(&env_, file(), &lost_);
  if (exists && lost_.empty()) // a crash came before it was written
    lost_ = "the log of the store was damaged";
  if (lost_.empty())
    return ec::none;
  auto code = set_lost_records(db, lost_);
  if (code != ec::none || !exists)
    return code;
  env_.DeleteFile(file());
  sync_folder(env_, folder_); // or a power cut brings back what is dealt with by then
  return code;
}

} // namespace shoal::storage
