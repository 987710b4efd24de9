#include "actors/device/feed.hpp"

#include <algorithm>

#include "actors/stream/filter.hpp"

namespace shoal {

void feed::release(window& w) {
  for (auto& x : in_flight_)
    w.give_back(x.ops, x.bytes);
  in_flight_.clear();
}

void feed::start(position at, std::uint64_t latest, window& w) {
  release(w);
  live_ = true;
  pulling_ = false;
  valid_from_ms_ = retry_at_ms_ = 0;
  sent_ = at.epoch == epoch_ ? std::max(sent_, at.id) : at.id;
  epoch_ = at.epoch;
  acked_ = told_ = seen_ = at.id;
  latest_ = std::max(latest, at.id);
}

feed_output feed::take(const feed_ops& x, const device_info& device, moment now, window& w) {
  feed_output out;
  auto& batch = *x.batch;
  if (x.page)
    pulling_ = false;
  latest_ = std::max({latest_, x.latest, batch.upto});
  auto continues = batch.epoch == epoch_ && batch.after <= seen_ && batch.upto > seen_;
  if (!live_ || !continues || !w.open() || must_wait(now))
    return out;

  auto whole = batch.after == told_ && told_ == seen_;
  auto upto = batch.upto;
  std::uint32_t bytes = 0;
  for (auto& op : batch.ops) {
    if (op->id <= seen_)
      continue;
    auto when = validity_of(*op, now.wall_ms);
    if (when == validity::not_yet) {
      valid_from_ms_ = op->valid_from_ms;
      upto = op->id - 1;
      whole = false;
      break;
    }
    if (when == validity::expired || !filter_matches(op->filter, device)) {
      whole = false;
      continue;
    }
    auto size = static_cast<std::uint32_t>(op->payload.size());
    auto full =
        !out.part.empty() && (out.part.size() >= w.room_ops() || bytes + size > w.room_bytes());
    if (full) {
      upto = op->id - 1;
      whole = false;
      break;
    }
    bytes += size;
    out.part.push_back(op);
  }
  seen_ = std::max(seen_, upto);
  if (out.part.empty())
    return out;
  out.send = true;
  out.after = told_;
  out.upto = told_ = seen_;
  sent_ = std::max(sent_, told_);
  auto ops = static_cast<std::uint32_t>(out.part.size());
  w.take(ops, bytes);
  if (in_flight_.empty())
    progress_ms_ = now.steady_ms;
  in_flight_.push_back({told_, now.steady_ms, ops, bytes});
  if (whole) {
    out.whole = x.batch;
    out.part.clear();
  }
  return out;
}

bool feed::must_wait(moment now) const {
  return now.wall_ms < valid_from_ms_ || now.steady_ms < retry_at_ms_;
}

bool feed::wants_pull(const window& w, moment now) {
  if (must_wait(now))
    return false;
  valid_from_ms_ = retry_at_ms_ = 0;
  if (!live_ || pulling_ || seen_ >= latest_ || !w.open())
    return false;
  pulling_ = true;
  return true;
}

ec feed::acknowledge(std::uint64_t id, window& w, std::int64_t steady_ms) {
  if (id > std::max(told_, sent_))
    return ec::bad_position;
  told_ = std::max(told_, id);
  seen_ = std::max(seen_, id);
  latest_ = std::max(latest_, id);
  if (id <= acked_)
    return ec::none;
  acked_ = id;
  progress_ms_ = steady_ms;
  auto done =
      std::find_if(in_flight_.begin(), in_flight_.end(), [&](auto& x) { return x.upto > id; });
  for (auto i = in_flight_.begin(); i != done; ++i)
    w.give_back(i->ops, i->bytes);
  in_flight_.erase(in_flight_.begin(), done);
  return ec::none;
}

feed_output feed::tell(std::int64_t steady_ms) {
  feed_output out;
  if (!untold())
    return out;
  out.send = true;
  out.after = told_;
  out.upto = told_ = seen_;
  sent_ = std::max(sent_, told_);
  if (in_flight_.empty())
    progress_ms_ = steady_ms;
  in_flight_.push_back({told_, steady_ms, 0, 0});
  return out;
}

std::optional<std::int64_t> feed::oldest_unacked_ms() const {
  if (in_flight_.empty())
    return std::nullopt;
  return std::max(in_flight_.front().sent_ms, progress_ms_);
}

} // namespace shoal
