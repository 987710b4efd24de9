#include "actors/gateway/limiter.hpp"

#include <algorithm>

namespace shoal::gateway {
namespace {

constexpr std::int64_t sweep_every_ns = 100'000'000;

/// Busy rules of a shard that are told in one tick; more wait for the next.
constexpr std::size_t max_busy = 256;

std::uint64_t joined(std::uint64_t a, std::uint64_t b) {
  auto x = (a ^ (b + 0x9e3779b97f4a7c15ull + (a << 6) + (a >> 2))) * 0xbf58476d1ce4e5b9ull;
  return x ^ (x >> 31);
}

std::string_view subject_of(const limit_rule& rule, const call& x) {
  switch (rule.by) {
  case limit_by::all:
    break;
  case limit_by::user:
    return x.what.user;
  case limit_by::device:
    return x.what.device;
  case limit_by::ip:
    return x.ip;
  }
  return {};
}

} // namespace

const limit_rule* limiter::refusal_of(
    const call& x, const world& in, const api_definition& api, std::int64_t now_ns) {
  auto& settings = in.settings().set;
  if (!settings.limit)
    return nullptr;
  auto world_no = static_cast<std::uint64_t>(in.no());
  auto of_api = joined(world_no, std::uint64_t{api.id} + 1);
  auto number = std::uint64_t{0};
  for (auto& rule : api.limits)
    if (!holds(rule, joined(of_api, ++number), x, now_ns))
      return &rule;
  auto& usual = settings.default_limit;
  if (api.limits.empty() && usual && !holds(*usual, joined(of_api, 0), x, now_ns))
    return &*usual;
  auto& total = settings.total_limit;
  if (total && !holds(*total, joined(world_no, 0), x, now_ns))
    return &*total;
  return nullptr;
}

bool limiter::holds(
    const limit_rule& rule, std::uint64_t scope, const call& x, std::int64_t now_ns) {
  if (rule.mode == limit_mode::off)
    return true;
  if (auto subject = subject_of(rule, x); !subject.empty())
    scope = joined(scope, stable_hash(subject));
  if (pass(scope, rule, now_ns))
    return true;
  if (rule.mode == limit_mode::block)
    return false;
  observed_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool limiter::pass(std::uint64_t key, const limit_rule& rule, std::int64_t now_ns) {
  auto rate_for = [&](double share) {
    return rate::of(rule.limit, rule.interval_ms, rule.burst, share);
  };
  auto& in = shards_[key % shard_count];
  auto guard = std::lock_guard{in.mutex};
  auto* x = gate_of(in, key, now_ns);
  if (!x)
    return rule.limit != 0;
  auto share = x->own == shared_alike ? this->share() : static_cast<double>(x->own);
  auto by = rate_for(share);
  if (share != x->used) {
    x->bucket.move(rate_for(x->used), by, now_ns);
    x->used = share;
  }
  auto passes = x->bucket.pass(by, now_ns);
  if (this->share() != 1) // alone there is nobody to tell
    note(in, key, *x, !passes || x->own != shared_alike || x->bucket.is_busy(by, now_ns));
  return passes;
}

/// Null: there is no room for one more.
limiter::gate* limiter::gate_of(shard& in, std::uint64_t key, std::int64_t now_ns) {
  auto found = in.gates.find(key);
  if (found != in.gates.end())
    return &found->second;
  if (in.gates.size() >= per_shard_ && now_ns - in.swept_ns >= sweep_every_ns) {
    in.swept_ns = now_ns;
    std::erase_if(in.gates,
        [&](auto& x) { return x.second.own == shared_alike && x.second.bucket.is_full(now_ns); });
  }
  if (in.gates.size() >= per_shard_)
    return nullptr;
  auto& made = in.gates[key];
  made.used = share();
  return &made;
}

void limiter::note(shard& in, std::uint64_t key, gate& x, bool busy) {
  auto now = tick_.load(std::memory_order_relaxed);
  if (x.tick != now) {
    x.tick = now;
    x.asked = 0;
    x.listed = false;
  }
  ++x.asked;
  if (!busy || x.listed || in.busy.size() >= max_busy)
    return;
  x.listed = true;
  in.busy.push_back(key);
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> limiter::take_busy() {
  auto out = std::vector<std::pair<std::uint64_t, std::uint64_t>>{};
  for (auto& in : shards_) {
    auto guard = std::lock_guard{in.mutex};
    for (auto key : in.busy) {
      auto found = in.gates.find(key);
      if (found == in.gates.end())
        continue;
      out.emplace_back(key, found->second.asked);
      found->second.asked = 0;
      found->second.listed = false;
    }
    in.busy.clear();
  }
  tick_.fetch_add(1, std::memory_order_relaxed);
  return out;
}

void limiter::set_shares(const std::vector<std::pair<std::uint64_t, double>>& x) {
  auto put = [&](std::uint64_t key, float own) {
    auto& in = shards_[key % shard_count];
    auto guard = std::lock_guard{in.mutex};
    auto found = in.gates.find(key);
    if (found == in.gates.end() && own != shared_alike && in.gates.size() < per_shard_) {
      found = in.gates.try_emplace(key).first; // its first call may come later
      found->second.used = static_cast<double>(own);
    }
    if (found != in.gates.end())
      found->second.own = own;
  };
  auto named = std::vector<std::uint64_t>{};
  named.reserve(x.size());
  for (auto& [key, share] : x) {
    named.push_back(key);
    put(key, static_cast<float>(share));
  }
  std::ranges::sort(named);
  for (auto key : with_share_)
    if (!std::ranges::binary_search(named, key))
      put(key, shared_alike);
  with_share_ = std::move(named);
}

std::size_t limiter::size() const {
  auto sum = std::size_t{0};
  for (auto& x : shards_) {
    auto guard = std::lock_guard{x.mutex};
    sum += x.gates.size();
  }
  return sum;
}

} // namespace shoal::gateway
