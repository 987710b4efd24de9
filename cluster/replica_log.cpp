#include "cluster/replica_log.hpp"

#include <algorithm>

namespace shoal::cluster {

void replica_log::reset(const log_position& base, std::vector<epoch_run> runs, std::uint64_t last,
    const std::vector<std::uint32_t>& sizes) {
  *this = replica_log{sizes_.step()};
  base_ = base;
  runs_ = std::move(runs);
  last_ = durable_ = last;
  for (auto lsn = base.lsn; auto bytes : sizes)
    sizes_.append(++lsn, bytes);
}

log_position replica_log::last() const {
  return runs_.empty() ? base_ : log_position{runs_.back().epoch, last_};
}

std::optional<std::uint64_t> replica_log::epoch_at(std::uint64_t lsn) const {
  if (lsn == base_.lsn)
    return base_.epoch;
  if (lsn < base_.lsn || lsn > last_)
    return std::nullopt;
  auto after = std::upper_bound(runs_.begin(), runs_.end(), lsn,
      [](std::uint64_t x, const epoch_run& run) { return x < run.first; });
  return std::prev(after)->epoch;
}

std::uint64_t replica_log::last_not_after(std::uint64_t lsn, std::uint64_t epoch) const {
  lsn = std::min(lsn, last_);
  for (auto run = runs_.rbegin(); run != runs_.rend() && run->epoch > epoch; ++run)
    lsn = std::min(lsn, run->first - 1);
  return std::max(lsn, base_.lsn);
}

void replica_log::append(const log_record& record, std::uint64_t ticket) {
  if (runs_.empty() || runs_.back().epoch != record.epoch)
    runs_.push_back({record.epoch, record.lsn});
  last_ = record.lsn;
  tail_.push_back(record);
  tail_bytes_ += record.bytes();
  sizes_.append(record.lsn, record.bytes());
  mark(ticket);
}

void replica_log::truncate_after(std::uint64_t lsn, std::uint64_t ticket) {
  sizes_.truncate_after(lsn);
  last_ = lsn;
  while (!runs_.empty() && runs_.back().first > lsn)
    runs_.pop_back();
  while (!tail_.empty() && tail_.back().lsn > lsn) {
    tail_bytes_ -= tail_.back().bytes();
    tail_.pop_back();
  }
  // What is under way may still be written, and is cut afterwards.
  durable_ = std::min(durable_, lsn);
  for (auto& x : pending_)
    x.last = std::min(x.last, lsn);
  mark(ticket);
}

void replica_log::restart_at(const log_position& base, std::uint64_t ticket) {
  sizes_.clear();
  base_ = base;
  runs_.clear();
  tail_.clear();
  tail_bytes_ = 0;
  last_ = base.lsn;
  durable_ = 0;
  for (auto& x : pending_)
    x.last = 0;
  mark(ticket);
}

void replica_log::mark(std::uint64_t ticket) {
  if (!pending_.empty() && pending_.back().ticket == ticket)
    pending_.back().last = last_;
  else
    pending_.push_back({ticket, last_});
}

void replica_log::persisted(std::uint64_t ticket) {
  while (!pending_.empty() && pending_.front().ticket <= ticket) {
    durable_ = std::max(durable_, pending_.front().last);
    pending_.pop_front();
  }
}

void replica_log::trim(std::uint64_t lsn) {
  auto epoch = epoch_at(lsn);
  if (!epoch)
    return;
  base_ = {*epoch, lsn};
  sizes_.trim(lsn);
  auto covered = [&](std::size_t i) {
    auto end = i + 1 < runs_.size() ? runs_[i + 1].first : last_ + 1;
    return end <= lsn + 1;
  };
  auto n = std::size_t{0};
  while (n < runs_.size() && covered(n))
    ++n;
  runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(n));
  if (!runs_.empty())
    runs_.front().first = std::max(runs_.front().first, lsn + 1);
  while (!tail_.empty() && tail_.front().lsn <= lsn) {
    tail_bytes_ -= tail_.front().bytes();
    tail_.pop_front();
  }
}

void replica_log::shrink(std::size_t memory_bytes, std::uint64_t keep) {
  while (tail_bytes_ > memory_bytes && tail_.front().lsn <= std::min(durable_, keep)) {
    tail_bytes_ -= tail_.front().bytes();
    tail_.pop_front();
  }
}

bool replica_log::read(record_source& source, std::uint64_t from, std::uint64_t to,
    std::size_t max_bytes, std::vector<log_record>& out) const {
  auto in_memory = tail_.empty() ? last_ + 1 : tail_.front().lsn;
  to = std::min(to, last_);
  if (from > to || from <= base_.lsn)
    return true;
  if (from < in_memory)
    return source.read(from, std::min(to, in_memory - 1), max_bytes, out);
  auto bytes = std::size_t{0};
  for (auto i = from - in_memory; i < tail_.size() && tail_[i].lsn <= to; ++i) {
    bytes += tail_[i].bytes();
    if (bytes > max_bytes && !out.empty())
      break;
    out.push_back(tail_[i]);
  }
  return true;
}

} // namespace shoal::cluster
