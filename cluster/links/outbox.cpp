#include "cluster/links/outbox.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "cluster/links/wire.hpp"

namespace shoal::cluster::links {
namespace {

constexpr std::size_t bytes_per_turn = 32 * 1024;

tag tag_of(std::size_t kind, bool last) {
  return static_cast<tag>(static_cast<std::size_t>(last ? tag::last : tag::part) + kind);
}

} // namespace

outbox::push_result outbox::push(traffic kind, std::string&& body) {
  auto cost = frame_cost(body.size());
  auto lock = std::lock_guard{mutex_};
  auto& x = lanes_[static_cast<std::size_t>(kind)];
  if (!open_ || x.pushed - x.taken + cost > window_)
    return push_result::refused;
  x.pushed += cost;
  x.fresh.push_back(std::move(body));
  return std::exchange(awake_, true) ? push_result::queued : push_result::queued_first;
}

void outbox::open(std::size_t window) {
  close();
  auto lock = std::lock_guard{mutex_};
  open_ = true;
  window_ = window;
}

void outbox::close() {
  auto lock = std::lock_guard{mutex_};
  open_ = awake_ = false;
  for (auto& x : lanes_)
    x = lane{};
}

void outbox::collect() {
  auto lock = std::lock_guard{mutex_};
  awake_ = false;
  for (auto& x : lanes_) {
    if (x.leaving.empty())
      x.leaving.swap(x.fresh);
    std::move(x.fresh.begin(), x.fresh.end(), std::back_inserter(x.leaving));
    x.fresh.clear();
  }
}

outbox::lane* outbox::next_lane() {
  if (!lanes_[0].leaving.empty())
    return &lanes_[0];
  if (turn_left_ > 0 && !lanes_[turn_].leaving.empty())
    return &lanes_[turn_];
  for (auto i = std::size_t{1}; i < traffic_kinds; ++i) {
    turn_ = turn_ % (traffic_kinds - 1) + 1;
    if (!lanes_[turn_].leaving.empty()) {
      turn_left_ = bytes_per_turn;
      return &lanes_[turn_];
    }
  }
  return nullptr;
}

void outbox::append_part(std::string& to, lane& from) {
  auto& frame = from.leaving.front();
  auto size = std::min(frame.size() - from.offset, max_record);
  auto last = from.offset + size == frame.size();
  auto kind = static_cast<std::size_t>(&from - lanes_.data());
  append_record(to, tag_of(kind, last), std::string_view{frame}.substr(from.offset, size));
  if (kind == turn_)
    turn_left_ -= std::min(turn_left_, size + record_header);
  from.offset += size;
  if (!last)
    return;
  from.leaving.pop_front();
  from.offset = 0;
}

bool outbox::fill(std::string& to, std::size_t limit) {
  collect();
  auto some = false;
  while (to.size() < limit) {
    auto* from = next_lane();
    if (!from)
      break;
    append_part(to, *from);
    some = true;
  }
  return some;
}

bool outbox::taken(traffic kind, std::uint64_t total) {
  auto lock = std::lock_guard{mutex_};
  auto& x = lanes_[static_cast<std::size_t>(kind)];
  if (total < x.taken || total > x.pushed)
    return false;
  x.taken = total;
  return true;
}

std::uint64_t outbox::in_flight() const {
  auto lock = std::lock_guard{mutex_};
  auto out = std::uint64_t{0};
  for (auto& x : lanes_)
    out += x.pushed - x.taken;
  return out;
}

} // namespace shoal::cluster::links
