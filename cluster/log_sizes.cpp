#include "cluster/log_sizes.hpp"

#include <algorithm>
#include <functional>

namespace shoal::cluster {

void log_sizes::append(std::uint64_t lsn, std::size_t bytes) {
  end_ += bytes;
  if (end_ - (marks_.empty() ? begin_ : marks_.back().end) >= step_)
    marks_.push_back({lsn, end_});
}

void log_sizes::truncate_after(std::uint64_t lsn) {
  while (!marks_.empty() && marks_.back().lsn > lsn)
    marks_.pop_back();
  end_ = marks_.empty() ? begin_ : marks_.back().end; // less than a step of it may be left
}

void log_sizes::trim(std::uint64_t lsn) {
  for (; !marks_.empty() && marks_.front().lsn <= lsn; marks_.pop_front())
    begin_ = marks_.front().end;
}

std::uint64_t log_sizes::last_before(std::size_t bytes) const {
  if (end_ - begin_ <= bytes || marks_.empty())
    return 0;
  auto fits = [&](const mark& x) { return end_ - x.end <= bytes; };
  auto first = std::ranges::partition_point(marks_, std::not_fn(fits));
  return first == marks_.end() ? marks_.back().lsn : first->lsn;
}

} // namespace shoal::cluster
