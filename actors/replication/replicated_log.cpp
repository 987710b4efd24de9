#include "actors/replication/replicated_log.hpp"

#include "storage/replica_table.hpp"

namespace shoal {

namespace {

void answer(std::vector<std::function<void(ec)>>& waiting, ec code) {
  for (auto& done : waiting)
    done(code);
}

} // namespace

ec replicated_log::submit(
    storage::write_batch rows, std::uint64_t failures_seen, std::function<void(ec)> done) {
  auto bytes = storage::encode_rows(rows); // on the caller's thread: there are several of them
  {
    std::lock_guard lock{mutex_};
    if (stopped_)
      return ec::moving;
    if (failures_seen != failures_)
      return ec::storage_failed;
    if (queued_bytes_ > 0 && queued_bytes_ + bytes.size() > opt_.queue_bytes)
      return ec::overloaded;
    queued_bytes_ += bytes.size();
    queue_.push_back({std::move(bytes), std::move(done)});
    if (std::exchange(poked_, true))
      return ec::none;
  }
  poke_();
  return ec::none;
}

void replicated_log::submit_lazy(storage::write_batch rows) {
  auto bytes = storage::encode_rows(rows);
  std::lock_guard lock{mutex_};
  if (!stopped_ && lazy_.size() + bytes.size() <= opt_.queue_bytes)
    lazy_ += bytes;
}

std::uint64_t replicated_log::failures() const {
  std::lock_guard lock{mutex_};
  return failures_;
}

std::uint64_t replicated_log::next_lsn() const {
  std::lock_guard lock{mutex_};
  return last_lsn_ + 1;
}

bool replicated_log::take(gathered& out, bool with_lazy) {
  std::lock_guard lock{mutex_};
  poked_ = false;
  out = {};
  if (queue_.empty() && (!with_lazy || lazy_.empty()))
    return false;
  auto payload = std::exchange(lazy_, {});
  while (!queue_.empty()) {
    auto& x = queue_.front();
    if (!out.waiting.empty() && payload.size() + x.rows.size() > opt_.record_bytes)
      break;
    queued_bytes_ -= x.rows.size();
    payload += x.rows;
    out.waiting.push_back(std::move(x.done));
    queue_.pop_front();
  }
  out.payload = std::make_shared<const std::string>(std::move(payload));
  poked_ = !queue_.empty(); // the replica comes back for the rest by itself
  return true;
}

void replicated_log::proposed(std::uint64_t lsn, std::vector<std::function<void(ec)>> waiting) {
  std::lock_guard lock{mutex_};
  last_lsn_ = lsn;
  if (!waiting.empty())
    under_way_[lsn] = std::move(waiting);
}

void replicated_log::applied(std::uint64_t lsn) {
  std::vector<std::function<void(ec)>> waiting;
  {
    std::lock_guard lock{mutex_};
    auto end = under_way_.upper_bound(lsn);
    for (auto i = under_way_.begin(); i != end; ++i)
      for (auto& done : i->second)
        waiting.push_back(std::move(done));
    under_way_.erase(under_way_.begin(), end);
  }
  answer(waiting, ec::none);
}

void replicated_log::stop() {
  std::vector<std::function<void(ec)>> unknown, unsent;
  {
    std::lock_guard lock{mutex_};
    stopped_ = true;
    ++failures_;
    for (auto& [lsn, waiting] : under_way_)
      for (auto& done : waiting)
        unknown.push_back(std::move(done));
    under_way_.clear();
    drain_queue(unsent);
  }
  answer(unknown, ec::outcome_unknown);
  answer(unsent, ec::moving);
}

void replicated_log::drain_queue(std::vector<std::function<void(ec)>>& out) {
  for (auto& x : queue_)
    out.push_back(std::move(x.done));
  queue_.clear();
  queued_bytes_ = 0;
  lazy_.clear();
  poked_ = false;
}

} // namespace shoal
