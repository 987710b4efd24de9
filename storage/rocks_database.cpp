#include "storage/rocks_database.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include "storage/heap.hpp"
#include "storage/keys.hpp"
#include "storage/quiet_watch.hpp"
#include "storage/rocks_layout.hpp"
#include "storage/rocks_logs.hpp"
#include "storage/rocks_watch.hpp"

namespace shoal::storage {

namespace {

constexpr unsigned format_version = 1;

// What RocksDB adds per row to a batch: type, family and two lengths.
constexpr std::size_t row_overhead = 12;
constexpr std::size_t batch_overhead = 18 + wal_mark_bytes;

// Memory is given back after 3, 9, 21 … seconds of silence, the last time after 13 minutes: by then
// connections have ended and streams have left the memory.
constexpr int quiet_rounds = 8;

rocksdb::Slice slice(std::string_view x) { return {x.data(), x.size()}; }
std::string_view view(const rocksdb::Slice& x) { return {x.data(), x.size()}; }

class rocks_database : public database {
public:
  using handles = std::vector<rocksdb::ColumnFamilyHandle*>;

  rocks_database(std::unique_ptr<rocksdb::DB> db, handles families,
      std::shared_ptr<trouble_listener> listener, std::shared_ptr<log_inspector> inspector,
      const rocks_options& options, const rocks_seams& seams)
      : inspector_{std::move(inspector)}, db_{std::move(db)}, families_{std::move(families)},
        listener_{std::move(listener)}, space_{*db_->GetEnv(), db_->GetName(),
                                            options.reserve_bytes, seams.resume_pause},
        resume_pause_{seams.resume_pause}, quiet_bytes_{seams.quiet_bytes},
        stop_when_damaged_{options.stop_when_damaged}, log_{options.log} {
    auto identity = std::string{};
    if (db_->GetDbIdentity(identity).ok())
      marks_.use(wal_tag_of(identity));
    quiet_ = std::make_unique<quiet_watch>(seams.quiet_pause, quiet_rounds, [this] {
      put_last_mark();
      flush_memory();
      give_memory_back(); // also that of connections and streams
    });
  }

  ~rocks_database() override {
    quiet_.reset();
    for (auto* family : families_)
      db_->DestroyColumnFamilyHandle(family);
    db_->Close();
  }

  ec write(const write_batch& batch, bool sync) override {
    if (batch.empty())
      return sync ? sync_log() : ec::none;
    auto bytes = batch.bytes() + row_overhead * batch.rows().size() + batch_overhead;
    auto native = rocksdb::WriteBatch{bytes};
    marks_.begin(native);
    for (const auto& row : batch.rows()) {
      auto* family = handle_of(row.key);
      auto status = row.erase ? native.Delete(family, slice(row.key))
                              : native.Put(family, slice(row.key), slice(row.value));
      if (!status.ok())
        return result_of(status);
    }
    return apply(native, sync);
  }

  lookup get(std::string_view key, std::string& value) override {
    return get(key, value, rocksdb::ReadOptions{});
  }

  lookup try_get(std::string_view key, std::string& value) override {
    auto options = rocksdb::ReadOptions{};
    options.read_tier = rocksdb::kBlockCacheTier;
    auto found = get(key, value, options);
    // Of a table that is not open right now RocksDB says "found", and leaves the value empty.
    return found == lookup::found && value.empty() ? lookup::unknown : found;
  }

  ec scan(std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& row) override {
    return scan(from, to, row, rocksdb::ReadOptions{});
  }

  std::unique_ptr<database_view> snapshot() override { return std::make_unique<view_at>(*this); }

  std::uint64_t approximate_size() override {
    auto total = std::uint64_t{0};
    for (auto* family : families_)
      for (const auto* property :
          {"rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables"}) {
        auto x = std::uint64_t{0};
        if (db_->GetIntProperty(family, property, &x))
          total += x;
      }
    return total;
  }

private:
  rocksdb::ColumnFamilyHandle* handle_of(std::string_view key) const {
    return families_[static_cast<std::size_t>(family_of(key))];
  }

  ec apply(rocksdb::WriteBatch& batch, bool sync) {
    auto options = rocksdb::WriteOptions{};
    options.sync = sync;
    auto code = use_log([&] { return db_->Write(options, &batch); });
    if (code == ec::none)
      marks_.wrote(batch, sync);
    return code;
  }

  ec sync_log() {
    auto written = marks_.written();
    auto code = use_log([&] { return db_->FlushWAL(true); });
    if (code == ec::none)
      marks_.synced(written);
    return code;
  }

  /// Nothing was written behind what was synced last, so nothing says that it was. Never waits.
  void put_last_mark() {
    auto guard = std::shared_lock{log_mutex_};
    if (!space_.enough() || listener_->trouble != ec::none || log_failure_ != ec::none ||
        !marks_.take_due())
      return;
    auto batch = marks_.last_word();
    auto options = rocksdb::WriteOptions{};
    options.sync = options.no_slowdown = true;
    auto status = db_->Write(options, &batch);
    if (status.ok())
      return;
    marks_.unsaid();
    if (!status.IsIncomplete())
      log_failure_ = result_of(status);
  }

  /// A database in trouble (disk full, I/O error) refuses writes, or stops compacting, until it is
  /// asked to go on.
  template <class Action>
  ec use_log(Action action) {
    if (damaged_)
      return ec::storage_failed;
    if (!space_.enough())
      return ec::storage_full;
    if (listener_->trouble != ec::none || log_failure_ != ec::none)
      resume();
    auto code = try_log(action);
    if (code != ec::none && resume())
      code = try_log(action);
    quiet_->wrote();
    return code;
  }

  /// Gives the memory of rows back that nobody has asked to write for a while; a start after a
  /// crash has less to read again, too. Does not wait: RocksDB may do so for ever when the disk
  /// runs full.
  void flush_memory() {
    auto held = std::uint64_t{0};
    for (auto* family : families_)
      if (auto x = std::uint64_t{0};
          db_->GetIntProperty(family, "rocksdb.cur-size-active-mem-table", &x))
        held += x;
    if (held < quiet_bytes_ || listener_->trouble != ec::none || log_failure_ != ec::none ||
        !space_.enough())
      return;
    auto options = rocksdb::FlushOptions{};
    options.wait = false;
    db_->Flush(options, families_); // a failure is heard by the listener, and met by the next write
  }

  /// A log file that failed once is never touched again before RocksDB has left it: it would write
  /// behind the hole (or, with assertions, end the process).
  template <class Action>
  ec try_log(Action action) {
    auto guard = std::shared_lock{log_mutex_};
    if (log_failure_ != ec::none)
      return log_failure_;
    if (listener_->rows_sealed.exchange(false))
      put_ballast();
    auto code = result_of(action());
    if (code != ec::none)
      log_failure_ = code;
    return code;
  }

  /// True if the database works again. Flushes what is in memory and leaves the failed log file.
  /// Asks only if there is space: RocksDB can wait for ever for a flush that fails meanwhile.
  bool resume() {
    auto guard = std::unique_lock{log_mutex_};
    if (listener_->trouble == ec::none && log_failure_ == ec::none)
      return true;
    if (!space_.enough())
      return false;
    auto now = std::chrono::steady_clock::now();
    if (now < next_resume_)
      return false;
    next_resume_ = now + resume_pause_;
    listener_->trouble = ec::none;
    auto status = db_->Resume();
    if (status.ok())
      log_failure_ = ec::none;
    else
      listener_->trouble = result_of(status);
    return status.ok();
  }

  /// `Resume` leaves the failed log file only if there is something in memory to flush. So there
  /// always is: the erasure of a row that never exists, which needs no log.
  void put_ballast() {
    auto options = rocksdb::WriteOptions{};
    options.disableWAL = true;
    if (!db_->Delete(options, identity_key("ballast")).ok())
      listener_->rows_sealed = true;
  }

  class view_at : public database_view {
  public:
    explicit view_at(rocks_database& db) : db_{db} { options_.snapshot = db.db_->GetSnapshot(); }
    ~view_at() override { db_.db_->ReleaseSnapshot(options_.snapshot); }

    lookup get(std::string_view key, std::string& value) override {
      return db_.get(key, value, options_);
    }
    ec scan(std::string_view from, std::string_view to,
        const std::function<bool(std::string_view, std::string_view)>& row) override {
      return db_.scan(from, to, row, options_);
    }

  private:
    rocks_database& db_;
    rocksdb::ReadOptions options_;
  };

  lookup get(std::string_view key, std::string& value, const rocksdb::ReadOptions& options) {
    auto status = db_->Get(options, handle_of(key), slice(key), &value);
    if (status.ok())
      return lookup::found;
    if (status.IsNotFound())
      return lookup::missing;
    note_damage(status);
    return status.IsIncomplete() ? lookup::unknown : lookup::failed;
  }

  /// What compaction meets stops the engine anyway; what is only read would go on failing here.
  void note_damage(const rocksdb::Status& status) {
    if (!status.IsCorruption() || !stop_when_damaged_ || damaged_.exchange(true) || !log_)
      return;
    log_("damaged, takes no more writes: " + status.ToString());
  }

  ec scan(std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& row,
      const rocksdb::ReadOptions& options) {
    for (const auto& part : split_by_family(from, to)) {
      auto more = true;
      auto status = scan(part, row, options, more);
      note_damage(status);
      if (!status.ok())
        return result_of(status);
      if (!more)
        break;
    }
    return ec::none;
  }

  rocksdb::Status scan(const scan_part& part,
      const std::function<bool(std::string_view, std::string_view)>& row,
      rocksdb::ReadOptions options, bool& more) {
    // What is scanned is read once: pages for a device that was away, rows that are due. In the
    // cache it would only push out rows that are asked for again.
    options.fill_cache = false;
    auto bound = slice(part.to);
    if (!part.to.empty())
      options.iterate_upper_bound = &bound;
    auto* family = families_[static_cast<std::size_t>(part.where)];
    auto i = std::unique_ptr<rocksdb::Iterator>{db_->NewIterator(options, family)};
    for (i->Seek(slice(part.from)); i->Valid(); i->Next())
      if (!row(view(i->key()), view(i->value()))) {
        more = false;
        return {};
      }
    return i->status();
  }

  std::shared_ptr<log_inspector> inspector_; ///< the engine keeps a pointer to it
  std::unique_ptr<rocksdb::DB> db_;
  handles families_;
  sync_marks marks_;
  std::shared_ptr<trouble_listener> listener_;
  free_space space_;
  std::chrono::milliseconds resume_pause_;
  std::shared_mutex log_mutex_; ///< shared: uses the log; exclusive: replaces it
  std::atomic<ec> log_failure_ = ec::none;
  std::chrono::steady_clock::time_point next_resume_;
  const std::uint64_t quiet_bytes_;
  const bool stop_when_damaged_;
  const std::function<void(std::string_view)> log_;
  std::atomic<bool> damaged_ = false;
  std::unique_ptr<quiet_watch> quiet_;
};

[[noreturn]] void refuse(const std::string& folder, const std::string& why) {
  throw std::runtime_error{"the data folder " + folder + ' ' + why};
}

[[noreturn]] void refuse_newer(const std::string& folder) {
  refuse(folder, "was written by a newer version of Shoal than this one, which reads format " +
                     std::to_string(format_version));
}

[[noreturn]] void refuse_open(const std::string& folder, const rocksdb::Status& status) {
  auto text = status.ToString();
  if (text.find("While lock file") != std::string::npos ||
      text.find("lock hold by current process") != std::string::npos)
    refuse(folder, "is in use by another process");
  refuse(folder, "cannot be opened: " + text);
}

void create_folder(const std::string& folder) {
  auto error = std::error_code{};
  std::filesystem::create_directories(folder, error);
  if (error)
    refuse(folder, "cannot be created: " + error.message());
}

/// A newer version may have added families; RocksDB would refuse them with a sentence that helps
/// nobody.
void check_families(const std::string& folder, const rocksdb::DBOptions& options,
    const std::vector<rocksdb::ColumnFamilyDescriptor>& known) {
  auto present = std::vector<std::string>{};
  if (!options.env->FileExists(folder + "/CURRENT").ok() ||
      !rocksdb::DB::ListColumnFamilies(options, folder, &present).ok())
    return; // new, or in a state that opening describes better
  for (const auto& name : present)
    if (std::none_of(known.begin(), known.end(), [&](auto& x) { return x.name == name; }))
      refuse_newer(folder);
}

void check_format(const std::string& folder, database& db) {
  auto key = identity_key("format");
  auto text = std::string{};
  switch (db.get(key, text)) {
  case lookup::found: {
    auto version = 0u;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc{} || end != text.data() + text.size() || version == 0)
      refuse(folder, "is damaged: its format row cannot be read");
    if (version > format_version)
      refuse_newer(folder);
    return;
  }
  case lookup::missing: {
    auto batch = write_batch{};
    batch.put(key, std::to_string(format_version));
    if (auto code = db.write(batch, true); code != ec::none)
      refuse(folder, "cannot be written: " + std::string{to_string(code)});
    return;
  }
  default:
    refuse(folder, "is damaged: its format row cannot be read");
  }
}

} // namespace

std::unique_ptr<database> open_rocks_database(
    const std::string& folder, const rocks_options& options, const rocks_seams& seams) {
  create_folder(folder);
  auto native = engine_options(options);
  auto listener = std::make_shared<trouble_listener>();
  native.listeners.push_back(listener);
  native.info_log = std::make_shared<line_logger>(options.log);
  if (seams.env != nullptr)
    native.env = seams.env;
  if (seams.open_files != 0)
    native.max_open_files = seams.open_files;
  auto inspector = std::make_shared<log_inspector>(*native.env, folder);
  native.wal_filter = inspector.get();
  auto known = family_descriptors(options);
  check_families(folder, native, known);
  auto families = rocks_database::handles{};
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(native, folder, known, &families, &db);
  if (!status.ok())
    refuse_open(folder, status);
  auto out = std::make_unique<rocks_database>(std::unique_ptr<rocksdb::DB>{db}, std::move(families),
      std::move(listener), inspector, options, seams);
  check_format(folder, *out);
  if (auto code = inspector->keep(*out); code != ec::none)
    refuse(folder, "cannot be written: " + std::string{to_string(code)});
  return out;
}

std::unique_ptr<database> open_rocks_database(
    const std::string& folder, const rocks_options& options) {
  return open_rocks_database(folder, options, rocks_seams{});
}

} // namespace shoal::storage
