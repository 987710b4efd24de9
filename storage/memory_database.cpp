#include <map>
#include <mutex>
#include <shared_mutex>

#include "storage/database.hpp"

namespace shoal::storage {

namespace {

using row_map = std::map<std::string, std::string, std::less<>>;

class memory_view : public database_view {
public:
  explicit memory_view(row_map rows) : rows_{std::move(rows)} {}

  lookup get(std::string_view key, std::string& value) override {
    auto i = rows_.find(key);
    if (i == rows_.end())
      return lookup::missing;
    value = i->second;
    return lookup::found;
  }

  ec scan(std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& row) override {
    for (auto i = rows_.lower_bound(from); i != rows_.end() && (to.empty() || i->first < to); ++i)
      if (!row(i->first, i->second))
        break;
    return ec::none;
  }

private:
  row_map rows_;
};

/// `scan` works on one row at a time and holds no lock while the caller looks at it, so a caller
/// may write meanwhile.
class memory_database : public database {
public:
  ec write(const write_batch& batch, bool) override {
    auto guard = std::unique_lock{mutex_};
    for (const auto& row : batch.rows()) {
      forget(row.key);
      if (!row.erase) {
        size_ += row.key.size() + row.value.size();
        rows_.insert_or_assign(row.key, row.value);
      }
    }
    return ec::none;
  }

  lookup get(std::string_view key, std::string& value) override {
    auto guard = std::shared_lock{mutex_};
    auto i = rows_.find(key);
    if (i == rows_.end())
      return lookup::missing;
    value = i->second;
    return lookup::found;
  }

  lookup try_get(std::string_view key, std::string& value) override { return get(key, value); }

  ec scan(std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& row) override {
    auto key = std::string{from};
    auto value = std::string{};
    while (next_row(key, to, value) && row(key, value))
      key.push_back('\0'); // the smallest key after this one
    return ec::none;
  }

  std::unique_ptr<database_view> snapshot() override {
    auto guard = std::shared_lock{mutex_};
    return std::make_unique<memory_view>(rows_);
  }

  std::uint64_t approximate_size() override {
    auto guard = std::shared_lock{mutex_};
    return size_;
  }

private:
  void forget(std::string_view key) {
    auto i = rows_.find(key);
    if (i == rows_.end())
      return;
    size_ -= i->first.size() + i->second.size();
    rows_.erase(i);
  }

  /// Moves `key` to the first row at or after it.
  bool next_row(std::string& key, std::string_view to, std::string& value) {
    auto guard = std::shared_lock{mutex_};
    auto i = rows_.lower_bound(key);
    if (i == rows_.end() || (!to.empty() && i->first >= to))
      return false;
    key = i->first;
    value = i->second;
    return true;
  }

  std::shared_mutex mutex_;
  row_map rows_;
  std::uint64_t size_ = 0;
};

} // namespace

std::unique_ptr<database> make_memory_database() { return std::make_unique<memory_database>(); }

} // namespace shoal::storage
