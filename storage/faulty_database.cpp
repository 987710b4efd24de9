#include <mutex>
#include <optional>

#include "storage/database.hpp"

namespace shoal::storage {

namespace {

/// Keeps, for every unsynced change, what was there before; losing them is writing that back,
/// newest first.
class faulty_memory_database : public faulty_database {
public:
  ec write(const write_batch& batch, bool sync) override {
    auto guard = std::lock_guard{mutex_};
    if (failure_ != ec::none)
      return failure_;
    if (!sync)
      for (const auto& row : batch.rows())
        remember(row.key);
    auto result = rows_->write(batch, sync);
    if (sync)
      before_.clear();
    return result;
  }

  lookup get(std::string_view key, std::string& value) override { return rows_->get(key, value); }

  lookup try_get(std::string_view key, std::string& value) override {
    {
      auto guard = std::lock_guard{mutex_};
      if (cold_)
        return lookup::unknown;
    }
    return rows_->try_get(key, value);
  }

  ec scan(std::string_view from, std::string_view to,
      const std::function<bool(std::string_view, std::string_view)>& row) override {
    return rows_->scan(from, to, row);
  }

  std::unique_ptr<database_view> snapshot() override { return rows_->snapshot(); }

  std::uint64_t approximate_size() override { return rows_->approximate_size(); }

  void lose_unsynced() override {
    auto guard = std::lock_guard{mutex_};
    auto undo = write_batch{};
    for (; !before_.empty(); before_.pop_back()) {
      auto& [key, value] = before_.back();
      if (value)
        undo.put(std::move(key), std::move(*value));
      else
        undo.erase(std::move(key));
    }
    rows_->write(undo, true);
  }

  void fail_writes(ec code) override {
    auto guard = std::lock_guard{mutex_};
    failure_ = code;
  }

  bool flip_bit(std::string_view key, std::size_t bit) override {
    auto guard = std::lock_guard{mutex_};
    auto value = std::string{};
    if (rows_->get(key, value) != lookup::found || value.empty())
      return false;
    auto& byte = value[(bit / 8) % value.size()];
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1u << (bit % 8)));
    auto damage = write_batch{};
    damage.put(std::string{key}, std::move(value));
    return rows_->write(damage, true) == ec::none;
  }

  void cold_cache(bool on) override {
    auto guard = std::lock_guard{mutex_};
    cold_ = on;
  }

private:
  struct change {
    std::string key;
    std::optional<std::string> value;
  };

  void remember(const std::string& key) {
    auto value = std::string{};
    if (rows_->get(key, value) == lookup::found)
      before_.push_back({key, std::move(value)});
    else
      before_.push_back({key, std::nullopt});
  }

  std::mutex mutex_;
  std::unique_ptr<database> rows_ = make_memory_database();
  std::vector<change> before_;
  ec failure_ = ec::none;
  bool cold_ = false;
};

} // namespace

std::unique_ptr<faulty_database> make_faulty_database() {
  return std::make_unique<faulty_memory_database>();
}

} // namespace shoal::storage
