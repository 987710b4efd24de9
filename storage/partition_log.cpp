#include "storage/partition_log.hpp"

#include <mutex>

namespace shoal::storage {

namespace {

class local_partition_log : public partition_log,
                            public std::enable_shared_from_this<local_partition_log> {
public:
  local_partition_log(
      commit_log& log, partition_no no, std::uint64_t epoch, std::uint64_t applied_lsn)
      : log_{log}, no_{no}, epoch_{epoch}, next_lsn_{applied_lsn + 1} {}

  ec submit(write_batch rows, std::uint64_t failures_seen, std::function<void(ec)> done) override;
  void submit_lazy(write_batch rows) override;
  std::uint64_t failures() const override;
  std::uint64_t next_lsn() const override;

private:
  bool queue(write_batch rows, bool lazy, std::function<void(ec)> done);
  void finished(std::uint64_t lsn, ec code);

  commit_log& log_;
  const partition_no no_;
  const std::uint64_t epoch_;
  mutable std::recursive_mutex mutex_; // an inline committer answers inside `submit`
  std::uint64_t next_lsn_;
  std::uint64_t under_way_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t failed_lsn_ = 0;
  ec failing_ = ec::none;
};

ec local_partition_log::submit(
    write_batch rows, std::uint64_t failures_seen, std::function<void(ec)> done) {
  std::lock_guard lock{mutex_};
  if (failing_ != ec::none)
    return failing_;
  if (failures_seen != failures_)
    return ec::storage_failed;
  return queue(std::move(rows), false, std::move(done)) ? ec::none : ec::overloaded;
}

void local_partition_log::submit_lazy(write_batch rows) {
  std::lock_guard lock{mutex_};
  if (failing_ == ec::none)
    queue(std::move(rows), true, {});
}

bool local_partition_log::queue(write_batch rows, bool lazy, std::function<void(ec)> done) {
  log_entry entry;
  entry.partition = no_;
  entry.epoch = epoch_;
  entry.lsn = next_lsn_;
  entry.rows = std::move(rows);
  entry.when = lazy ? durability::lazy : durability::synced;
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

void local_partition_log::finished(std::uint64_t lsn, ec code) {
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

std::uint64_t local_partition_log::failures() const {
  std::lock_guard lock{mutex_};
  return failures_;
}

std::uint64_t local_partition_log::next_lsn() const {
  std::lock_guard lock{mutex_};
  return next_lsn_;
}

} // namespace

std::shared_ptr<partition_log> make_local_partition_log(
    commit_log& log, partition_no no, std::uint64_t epoch, std::uint64_t applied_lsn) {
  return std::make_shared<local_partition_log>(log, no, epoch, applied_lsn);
}

} // namespace shoal::storage
