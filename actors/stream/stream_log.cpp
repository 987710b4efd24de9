#include "actors/stream/stream_log.hpp"

#include <algorithm>
#include <cassert>

namespace shoal {

namespace {

start_plan skip_to_newest(const start_question& q, start_plan plan) {
  if (q.newest_only == 0 || q.committed - plan.id <= q.newest_only)
    return plan;
  plan.id = q.committed - q.newest_only;
  if (plan.reset == reset_reason::none)
    plan.reset = reset_reason::newest_only;
  return plan;
}

/// The position of a device that this history knows something about.
std::optional<std::uint64_t> known_id(const start_question& q) {
  auto cursor = q.cursor && q.cursor->epoch == q.epoch ? std::optional{q.cursor->id} : std::nullopt;
  auto claimed = q.claimed ? std::optional{q.claimed->id} : std::nullopt;
  if (q.shared_cursor && cursor)
    return claimed ? std::max(*claimed, *cursor) : *cursor;
  return claimed ? claimed : cursor;
}

} // namespace

start_plan plan_start(const start_question& q) {
  if (q.claimed && q.claimed->epoch != q.epoch && *q.claimed != position{})
    return skip_to_newest(q, {q.floor, reset_reason::epoch});
  if (q.claimed && q.claimed->id > q.committed)
    return skip_to_newest(q, {q.floor, reset_reason::ahead});
  auto known = known_id(q);
  if (!known) // a new device: the backlog that is still kept, and it is owed no explanation
    return {skip_to_newest(q, {q.floor}).id, reset_reason::none};
  auto id = std::min(*known, q.committed);
  if (id < q.lost)
    return skip_to_newest(q, {q.floor, reset_reason::trimmed});
  auto moved = q.shared_cursor && q.claimed && q.claimed->id < id;
  // Ids up to the floor were expired or handled by everyone: skipping them loses nothing.
  return skip_to_newest(
      q, {std::max(id, q.floor), moved ? reset_reason::consumed_elsewhere : reset_reason::none});
}

storage::op_ptr stream_log::assign(storage::op_record op) {
  op.id = ++assigned_;
  auto ptr = std::make_shared<const storage::op_record>(std::move(op));
  if (!ptr->client_key.empty())
    pending_keys_[ptr->client_key] = ptr->id;
  pending_.push_back(ptr);
  return ptr;
}

std::uint64_t stream_log::pending_id(const std::string& client_key) const {
  auto i = pending_keys_.find(client_key);
  return i == pending_keys_.end() ? 0 : i->second;
}

op_batch_ptr stream_log::commit(std::uint64_t upto, std::int64_t accepted_us) {
  assert(upto > committed_ && upto <= assigned_);
  auto after = committed_;
  std::vector<storage::op_ptr> ops;
  while (!pending_.empty() && pending_.front()->id <= upto) {
    auto& op = pending_.front();
    if (!op->client_key.empty())
      pending_keys_.erase(op->client_key);
    tail_bytes_ += op->payload.size();
    tail_.push_back(op);
    ops.push_back(std::move(op));
    pending_.pop_front();
  }
  committed_ = upto;
  return std::make_shared<const op_batch>(biz_, epoch_, after, upto, std::move(ops), accepted_us);
}

void stream_log::take_back(std::uint64_t first) {
  while (!pending_.empty() && pending_.back()->id >= first) {
    auto& op = pending_.back();
    if (auto i = pending_keys_.find(op->client_key);
        i != pending_keys_.end() && i->second == op->id)
      pending_keys_.erase(i);
    pending_.pop_back();
  }
  assigned_ = std::min(assigned_, first - 1);
}

void stream_log::roll_back() {
  assigned_ = committed_;
  pending_.clear();
  pending_keys_.clear();
}

void stream_log::trimmed(std::uint64_t floor, std::uint64_t lost) {
  floor_ = std::max(floor_, floor);
  lost_ = std::max(lost_, lost);
  while (!tail_.empty() && tail_.front()->id <= floor_) {
    tail_bytes_ -= tail_.front()->payload.size();
    tail_.pop_front();
  }
}

op_batch_ptr stream_log::read_tail(
    std::uint64_t after, std::uint32_t max_ops, std::uint32_t max_bytes) const {
  auto reaches_back = after >= committed_ || (!tail_.empty() && after + 1 >= tail_.front()->id);
  if (!reaches_back)
    return nullptr;
  std::vector<storage::op_ptr> ops;
  auto upto = std::max(after, committed_);
  if (after < committed_) {
    std::size_t bytes = 0;
    for (auto i = after + 1 - tail_.front()->id; i < tail_.size() && ops.size() < max_ops; ++i) {
      bytes += tail_[i]->payload.size();
      if (!ops.empty() && bytes > max_bytes)
        break;
      ops.push_back(tail_[i]);
    }
    upto = ops.back()->id;
  }
  return std::make_shared<const op_batch>(biz_, epoch_, after, upto, std::move(ops));
}

void stream_log::shrink_tail(std::size_t max_ops, std::size_t max_bytes) {
  while (!tail_.empty() && (tail_.size() > max_ops || tail_bytes_ > max_bytes)) {
    tail_bytes_ -= tail_.front()->payload.size();
    tail_.pop_front();
  }
  if (tail_.empty())
    tail_ = {}; // gives the memory back
}

} // namespace shoal
