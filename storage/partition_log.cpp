#include "storage/partition_log.hpp"

namespace shoal::storage {

ec partition_log::submit(
    write_batch rows, std::uint64_t failures_seen, std::function<void(ec)> done) {
  std::lock_guard lock{mutex_};
  if (failing_ != ec::none)
    return failing_;
  if (failures_seen != failures_)
    return ec::storage_failed;
  return queue(std::move(rows), false, std::move(done)) ? ec::none : ec::overloaded;
}

void partition_log::submit_lazy(write_batch rows) {
  std::lock_guard lock{mutex_};
  if (failing_ == ec::none)
    queue(std::move(rows), true, {});
}

bool partition_log::queue(write_batch rows, bool lazy, std::function<void(ec)> done) {
  log_entry entry;
  entry.partition = no_;
  entry.epoch = epoch_;
  entry.lsn = next_lsn_;
  entry.rows = std::move(rows);
  entry.lazy = lazy;
  entry.done = [self = shared_from_this(), lsn = next_lsn_, done = std::move(done)](ec code) {
    self->finished(lsn, code);
    if (done)
      done(code);
  };
  ++next_lsn_; // before: an inline committer answers inside `submit`
  ++under_way_;
  if (log_.submit(std::move(entry)))
    return true;
  --next_lsn_;
  --under_way_;
  return false;
}

void partition_log::finished(std::uint64_t lsn, ec code) {
  std::lock_guard lock{mutex_};
  --under_way_;
  if (code != ec::none && failing_ == ec::none) {
    failing_ = code;
    failed_lsn_ = lsn;
    ++failures_;
  }
  if (failing_ != ec::none && under_way_ == 0) {
    next_lsn_ = failed_lsn_; // every answer is in: the log ends before the first that failed
    failing_ = ec::none;
  }
}

std::uint64_t partition_log::failures() const {
  std::lock_guard lock{mutex_};
  return failures_;
}

std::uint64_t partition_log::next_lsn() const {
  std::lock_guard lock{mutex_};
  return next_lsn_;
}

} // namespace shoal::storage
