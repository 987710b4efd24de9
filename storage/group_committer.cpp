#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <pthread.h>

#include "storage/commit_round.hpp"

namespace shoal::storage {

namespace {

using clock = std::chrono::steady_clock;

// What an entry costs in memory besides its rows.
constexpr std::size_t entry_overhead = sizeof(log_entry) + 64;

std::size_t cost(const log_entry& entry) { return entry.rows.bytes() + entry_overhead; }

/// One queue for all partitions and both kinds of entries, so the order of `submit` is the order of
/// the log. A lazy entry alone does not start a round until its delay is over; one that is not lazy
/// takes everything before it along.
class group_committer : public commit_log {
public:
  group_committer(database& db, const commit_log_options& options)
      : db_{db}, options_{options}, writer_{[this] { run(); }} {
    pthread_setname_np(writer_.native_handle(), "shoal-log");
  }

  ~group_committer() override {
    {
      auto guard = std::lock_guard{mutex_};
      stopping_ = true;
    }
    work_.notify_one();
    writer_.join();
  }

  bool submit(log_entry&& entry) override {
    auto size = cost(entry);
    auto wake = false;
    {
      auto guard = std::lock_guard{mutex_};
      if (stopping_ || (queued_bytes_ > 0 && queued_bytes_ + size > options_.queue_bytes))
        return false;
      if (entry.when != durability::lazy)
        ++urgent_;
      else if (queue_.empty())
        lazy_deadline_ = clock::now() + options_.lazy_delay;
      queued_bytes_ += size;
      queue_.push_back(std::move(entry));
      ++submitted_;
      // A writer that waits out a lazy delay need not hear of more lazy entries.
      wake = waiting_ && (urgent_ > 0 || queue_.size() == 1 || must_run());
    }
    if (wake)
      work_.notify_one();
    return true;
  }

  void flush() override {
    auto guard = std::unique_lock{mutex_};
    auto target = submitted_;
    flush_target_ = std::max(flush_target_, target);
    work_.notify_one();
    progress_.wait(guard, [&] { return synced_ >= target; });
  }

  commit_log_stats stats() const override {
    auto guard = std::lock_guard{mutex_};
    auto out = stats_;
    out.queued_bytes = queued_bytes_;
    out.synced = synced_rounds_.read();
    return out;
  }

private:
  // Under mutex_: whether a round must start now, whatever the lazy delay.
  bool must_run() const {
    return stopping_ || urgent_ > 0 || flush_target_ > synced_ ||
           queued_bytes_ >= options_.round_bytes;
  }

  void wait_for_work(std::unique_lock<std::mutex>& guard) {
    waiting_ = true;
    while (!must_run()) {
      if (queue_.empty())
        work_.wait(guard);
      else if (work_.wait_until(guard, lazy_deadline_) == std::cv_status::timeout)
        break;
    }
    waiting_ = false;
  }

  /// Takes the front of the queue, as much as one sync may cover. Under mutex_.
  void take_round(std::vector<log_entry>& round) {
    auto bytes = std::size_t{0};
    while (!queue_.empty()) {
      auto& entry = queue_.front();
      auto size = cost(entry);
      if (!round.empty() && bytes + size > options_.round_bytes)
        break;
      bytes += size;
      stats_.bytes += entry.rows.bytes();
      urgent_ -= entry.when == durability::lazy ? 0 : 1;
      round.push_back(std::move(entry));
      queue_.pop_front();
    }
    queued_bytes_ -= bytes;
    lazy_deadline_ = clock::now(); // of what stays behind: it has waited already
  }

  /// Under mutex_, which is released while the disk works.
  void run_round(std::vector<log_entry>& round, std::unique_lock<std::mutex>& guard) {
    take_round(round);
    auto wants_sync = [](const log_entry& x) { return x.when == durability::synced; };
    auto sync =
        stopping_ || flush_target_ > synced_ || std::any_of(round.begin(), round.end(), wants_sync);
    guard.unlock();
    auto entries = round.size();
    auto outcome = round_.run(std::move(round), sync);
    round.clear();
    guard.lock();
    if (sync)
      synced_rounds_.add(outcome.write_time);
    ++stats_.rounds;
    stats_.entries += entries;
    stats_.failed_rounds += outcome.code != ec::none;
    stats_.sync_microseconds += static_cast<std::uint64_t>(outcome.write_time.count());
    finished_ += entries;
    if (sync)
      synced_ = finished_;
    progress_.notify_all();
  }

  void run() {
    auto round = std::vector<log_entry>{};
    auto guard = std::unique_lock{mutex_};
    for (;;) {
      wait_for_work(guard);
      if (stopping_ && synced_ == submitted_)
        return;
      run_round(round, guard);
    }
  }

  database& db_;
  const commit_log_options options_;
  commit_round round_{db_};
  duration_histogram synced_rounds_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable progress_;
  std::deque<log_entry> queue_;
  std::size_t queued_bytes_ = 0;
  std::size_t urgent_ = 0; ///< entries in the queue that are not lazy
  clock::time_point lazy_deadline_;
  // Counts of entries: handed in, answered, covered by a sync, to be covered because somebody
  // waits.
  std::uint64_t submitted_ = 0, finished_ = 0, synced_ = 0, flush_target_ = 0;
  bool waiting_ = false, stopping_ = false;
  commit_log_stats stats_;
  std::thread writer_; ///< last: it uses everything above
};

} // namespace

std::unique_ptr<commit_log> make_group_committer(database& db, const commit_log_options& options) {
  return std::make_unique<group_committer>(db, options);
}

} // namespace shoal::storage
