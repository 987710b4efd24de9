#include <mutex>

#include "storage/commit_round.hpp"

namespace shoal::storage {

namespace {

class inline_committer : public commit_log {
public:
  explicit inline_committer(database& db) : db_{db}, round_{db} {}

  bool submit(log_entry&& entry) override {
    auto bytes = entry.rows.bytes();
    auto entries = std::vector<log_entry>{};
    entries.push_back(std::move(entry));
    auto outcome = round_.run(std::move(entries), false);
    auto guard = std::lock_guard{mutex_};
    ++stats_.rounds;
    ++stats_.entries;
    stats_.bytes += bytes;
    stats_.sync_microseconds += static_cast<std::uint64_t>(outcome.write_time.count());
    stats_.failed_rounds += outcome.code != ec::none;
    return true;
  }

  void flush() override { db_.write({}, true); }

  commit_log_stats stats() const override {
    auto guard = std::lock_guard{mutex_};
    return stats_;
  }

private:
  database& db_;
  commit_round round_;
  mutable std::mutex mutex_;
  commit_log_stats stats_;
};

} // namespace

std::unique_ptr<commit_log> make_inline_committer(database& db) {
  return std::make_unique<inline_committer>(db);
}

} // namespace shoal::storage
