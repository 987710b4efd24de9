#include "actors/gateway/limiter.hpp"

namespace shoal::gateway {
namespace {

constexpr std::int64_t sweep_every_ns = 100'000'000;

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
  if (pass(scope, rate::of(rule.limit, rule.interval_ms, rule.burst, share()), now_ns))
    return true;
  if (rule.mode == limit_mode::block)
    return false;
  observed_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool limiter::pass(std::uint64_t key, const rate& by, std::int64_t now_ns) {
  auto& in = shards_[key % shard_count];
  auto guard = std::lock_guard{in.mutex};
  auto found = in.gates.find(key);
  if (found == in.gates.end()) {
    if (in.gates.size() >= per_shard_ && now_ns - in.swept_ns >= sweep_every_ns) {
      in.swept_ns = now_ns;
      std::erase_if(in.gates, [&](auto& x) { return x.second.is_full(now_ns); });
    }
    if (in.gates.size() >= per_shard_)
      return by.spacing_ns != 0;
    found = in.gates.try_emplace(key).first;
  }
  return found->second.pass(by, now_ns);
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
