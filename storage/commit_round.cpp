#include "storage/commit_round.hpp"

#include <algorithm>
#include <set>

#include "storage/keys.hpp"
#include "storage/records.hpp"

namespace shoal::storage {

namespace {

bool is_soon(const log_entry& x) { return x.when == durability::soon; }

} // namespace

round_outcome commit_round::run(std::vector<log_entry>&& entries, bool sync) {
  auto wants_sync = [](const log_entry& x) { return x.when == durability::synced; };
  sync = sync || std::any_of(entries.begin(), entries.end(), wants_sync);
  if (!sync)
    return write(entries, false);
  auto ahead = take_ahead(entries);
  auto out = ahead.empty() ? round_outcome{} : write(ahead, false);
  auto rest = write(entries, true);
  out.write_time += rest.write_time;
  if (out.code == ec::none)
    out.code = rest.code;
  return out;
}

/// The entries that shall not wait for a sync, without those that would overtake another of their
/// partition.
std::vector<log_entry> commit_round::take_ahead(std::vector<log_entry>& entries) {
  auto ahead = std::vector<log_entry>{}, rest = std::vector<log_entry>{};
  if (std::none_of(entries.begin(), entries.end(), is_soon))
    return ahead;
  auto stays = std::set<partition_no>{};
  for (auto& entry : entries) {
    auto waits = !is_soon(entry) || stays.count(entry.partition) != 0;
    if (waits)
      stays.insert(entry.partition);
    (waits ? rest : ahead).push_back(std::move(entry));
  }
  entries = std::move(rest);
  return ahead;
}

round_outcome commit_round::write(std::vector<log_entry>& entries, bool sync) {
  auto batch = write_batch{};
  auto places = std::map<partition_no, log_place>{};
  auto verdicts = std::vector<ec>{};
  verdicts.reserve(entries.size());
  for (auto& entry : entries) {
    verdicts.push_back(gap_before(entry));
    if (verdicts.back() != ec::none)
      continue;
    if (entry.lsn != 0)
      places[entry.partition] = {entry.epoch, entry.lsn};
    batch.append(std::move(entry.rows));
  }
  for (const auto& [partition, place] : places) {
    auto key = log_place_key(partition);
    auto value = encode(place, key);
    batch.put(std::move(key), std::move(value));
  }
  auto begin = std::chrono::steady_clock::now();
  auto code = batch.empty() && !sync ? ec::none : db_.write(batch, sync);
  auto end = std::chrono::steady_clock::now();
  // All failures are known before the first answer: an answer may bring the next entry.
  for (std::size_t i = 0; code != ec::none && i < entries.size(); ++i)
    if (verdicts[i] == ec::none) {
      verdicts[i] = code;
      remember_failure(entries[i], code);
    }
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].done)
      entries[i].done(verdicts[i]);
  return {code, std::chrono::duration_cast<std::chrono::microseconds>(end - begin)};
}

ec commit_round::gap_before(const log_entry& entry) {
  if (failures_.empty() || entry.lsn == 0)
    return ec::none;
  auto i = failures_.find(entry.partition);
  if (i == failures_.end())
    return ec::none;
  const auto& missing = i->second;
  if (entry.epoch < missing.epoch || (entry.epoch == missing.epoch && entry.lsn > missing.lsn))
    return missing.code;
  failures_.erase(i);
  return ec::none;
}

void commit_round::remember_failure(const log_entry& entry, ec code) {
  // emplace: the first failed entry of a partition has its lowest lsn.
  if (entry.lsn != 0)
    failures_.emplace(entry.partition, failure{entry.epoch, entry.lsn, code});
}

} // namespace shoal::storage
