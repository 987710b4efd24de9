#include "protocol/outbox.hpp"

#include <algorithm>
#include <utility>

namespace shoal {
namespace {

/// From this size on a record of its own costs less than copying.
constexpr std::size_t alone_from = 8 * 1024;

/// Sent items are removed from the front in runs of at least this many.
constexpr std::uint32_t sweep_from = 64;

} // namespace

void outbox::push(shared_bytes x) {
  if (!x || x->empty())
    return;
  bytes_ += x->size();
  items_.push_back(std::move(x));
}

std::string_view outbox::next(std::span<char> scratch) const {
  auto first = rest(head_);
  if (first.size() >= alone_from || head_ + 1 == items_.size())
    return first;
  auto used = std::size_t{0};
  for (auto i = std::size_t{head_}; i < items_.size() && used < scratch.size(); ++i) {
    auto piece = rest(i).substr(0, scratch.size() - used);
    std::ranges::copy(piece, scratch.begin() + static_cast<std::ptrdiff_t>(used));
    used += piece.size();
  }
  return {scratch.data(), used};
}

void outbox::pop(std::size_t n) {
  bytes_ -= n;
  if (bytes_ == 0) {
    items_ = {};
    head_ = 0;
    offset_ = 0;
    return;
  }
  while (n >= rest(head_).size()) {
    n -= rest(head_).size();
    items_[head_++].reset();
    offset_ = 0;
  }
  offset_ += n;
  if (head_ >= sweep_from && head_ * 2 >= items_.size()) {
    items_.erase(items_.begin(), items_.begin() + head_);
    head_ = 0;
  }
}

void outbox::keep_only(std::size_t n) {
  auto kept = std::size_t{0};
  auto end = std::size_t{head_};
  // A message that has begun to leave must leave whole, or the peer loses the frame boundary.
  while (end < items_.size() && (kept < n || (end == head_ && offset_ != 0)))
    kept += rest(end++).size();
  items_.resize(end);
  bytes_ = kept;
  if (bytes_ == 0)
    pop(0);
}

std::string_view outbox::rest(std::size_t i) const {
  return std::string_view{*items_[i]}.substr(i == head_ ? offset_ : 0);
}

} // namespace shoal
