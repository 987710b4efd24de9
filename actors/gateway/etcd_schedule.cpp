#include "actors/gateway/etcd_schedule.hpp"

#include <algorithm>

namespace shoal::gateway {

void etcd_schedule::follow(
    const std::map<std::string, std::uint32_t>& refresh_s, std::int64_t now_ms) {
  std::erase_if(entries_, [&](auto& x) { return !refresh_s.contains(x.first); });
  for (auto& [prefix, seconds] : refresh_s) {
    auto refresh_ms = std::int64_t{1'000} * std::max(1u, seconds);
    auto [at, is_new] = entries_.try_emplace(prefix, entry{refresh_ms, now_ms, 0});
    if (is_new)
      continue;
    at->second.refresh_ms = refresh_ms;
    at->second.due_ms = std::min(at->second.due_ms, now_ms + refresh_ms);
  }
}

std::map<std::string, etcd_schedule::entry>::const_iterator etcd_schedule::first() const {
  return std::ranges::min_element(entries_, {}, [](const auto& x) { return x.second.due_ms; });
}

const std::string* etcd_schedule::due(std::int64_t now_ms) const {
  auto x = first();
  if (x == entries_.end() || x->second.due_ms > now_ms || not_before_ms_ > now_ms)
    return nullptr;
  return &x->first;
}

std::int64_t etcd_schedule::idle_ms(std::int64_t now_ms, std::int64_t most_ms) const {
  auto x = first();
  if (x == entries_.end())
    return most_ms;
  auto next = std::max(x->second.due_ms, not_before_ms_);
  return std::clamp(next - now_ms, std::int64_t{0}, most_ms);
}

void etcd_schedule::put_off(const std::string& prefix, std::int64_t now_ms) {
  auto x = entries_.find(prefix);
  if (x == entries_.end())
    return;
  x->second.due_ms = now_ms + x->second.refresh_ms;
  x->second.asked_ms = now_ms;
}

void etcd_schedule::hurry(std::int64_t now_ms) {
  auto gap = std::max(hurry_ms, hurry_each_ms * static_cast<std::int64_t>(entries_.size()));
  for (auto& [prefix, x] : entries_)
    x.due_ms = std::min(x.due_ms, std::max(now_ms, x.asked_ms + gap));
}

void etcd_schedule::answered(const std::string& prefix, std::int64_t now_ms) {
  put_off(prefix, now_ms);
  failures_ = 0;
  not_before_ms_ = 0;
}

void etcd_schedule::failed(const std::string& prefix, std::int64_t now_ms) {
  put_off(prefix, now_ms);
  if (++failures_ < 2)
    return;
  auto doublings = std::min(failures_ - 2, 16u);
  not_before_ms_ = now_ms + std::min(first_pause_ms << doublings, longest_pause_ms);
}

} // namespace shoal::gateway
