#include "tests/cluster/simulated_disk.hpp"

#include <algorithm>

namespace shoal::cluster {

std::uint64_t content_of(const log_record& x) {
  return x.payload ? stable_hash(*x.payload) : static_cast<std::uint64_t>(x.kind);
}

std::uint32_t simulated_checksum(const log_record& x) {
  return static_cast<std::uint32_t>(content_of(x) * 31 + x.epoch * 1'000'003 + x.lsn);
}

disk_operation simulated_disk::complete() {
  auto x = std::move(under_way_.front());
  under_way_.pop_front();
  carry_out(x, x.write.records.size(), x.apply.size());
  return x;
}

void simulated_disk::crash(seeded_random& random) {
  auto kept = random.below(under_way_.size() + 1);
  if (random.chance(0.5))
    kept = 0;
  for (; kept > 0; --kept)
    complete();
  if (!under_way_.empty() && random.chance(0.3)) {
    const auto& torn = under_way_.front();
    carry_out(
        torn, random.below(torn.write.records.size() + 1), random.below(torn.apply.size() + 1));
  }
  under_way_.clear();
}

void simulated_disk::carry_out(const disk_operation& x, std::size_t records, std::size_t applies) {
  const auto& w = x.write;
  epoch_ = std::max(epoch_, w.epoch.value_or(0));
  rejoin_ = w.rejoin.value_or(rejoin_);
  if (w.wipe) {
    base_ = {};
    records_.clear();
    rows_.clear();
    lost_ = false;
  }
  if (w.install) {
    base_ = *w.install;
    records_.clear();
    rows_ = x.rows;
  }
  if (w.truncate_after)
    while (!records_.empty() && records_.back().lsn > *w.truncate_after)
      records_.pop_back();
  records_.insert(
      records_.end(), w.records.begin(), w.records.begin() + static_cast<std::ptrdiff_t>(records));
  for (std::size_t i = 0; i < applies; ++i)
    rows_.push_back({x.apply[i].epoch, content_of(x.apply[i])});
  if (x.trim)
    while (!records_.empty() && records_.front().lsn <= *x.trim) {
      base_ = records_.front().position();
      records_.pop_front();
    }
}

durable_state simulated_disk::scan() const {
  auto out = durable_state{epoch_, rejoin_, base_, {}, {}, base_.lsn, rows_.size(), is_damaged()};
  for (const auto& x : records_) {
    if (out.runs.empty() || out.runs.back().epoch != x.epoch)
      out.runs.push_back({x.epoch, x.lsn});
    out.sizes.push_back(static_cast<std::uint32_t>(x.bytes()));
    out.last = x.lsn;
  }
  return out;
}

bool simulated_disk::read(
    std::uint64_t from, std::uint64_t to, std::size_t max_bytes, std::vector<log_record>& out) {
  auto bytes = std::size_t{0};
  for (auto lsn = from; lsn <= to; ++lsn) {
    if (lsn <= base_.lsn || lsn - base_.lsn > records_.size())
      return false;
    const auto& x = records_[lsn - base_.lsn - 1];
    bytes += x.bytes();
    if (bytes > max_bytes && !out.empty())
      return true;
    out.push_back(x);
  }
  return true;
}

log_position simulated_disk::applied() const {
  return rows_.empty() ? log_position{} : log_position{rows_.back().epoch, rows_.size()};
}

bool simulated_disk::flip(seeded_random& random) {
  if (records_.empty())
    return false;
  auto& x = records_[random.below(records_.size())];
  if (!x.payload)
    return false;
  x.payload = std::make_shared<const std::string>(*x.payload + "?");
  return true;
}

void simulated_disk::lose() {
  *this = {};
  lost_ = true;
}

bool simulated_disk::is_damaged() const {
  auto wrong = [](const log_record& x) { return simulated_checksum(x) != x.crc; };
  return lost_ || std::any_of(records_.begin(), records_.end(), wrong);
}

} // namespace shoal::cluster
