#include "actors/gateway/service_directory.hpp"

#include <algorithm>

#include "actors/gateway/check_words.hpp"

namespace shoal::gateway {
namespace {

constexpr std::int64_t patience = 10; ///< times to live, when silence is likely ours
constexpr std::uint32_t min_ttl_ms = 1'000, max_ttl_ms = 600'000;

void check_beat(const service_beat& x) {
  using namespace check;
  must(valid_name(x.service), std::string{"service: "}.append(name_rule));
  must(valid_address(x.where.address), "the address must be host:port");
  range<std::uint32_t>("weight", x.where.weight, 0, 1'000);
  range<std::uint32_t>("ttl_ms", x.ttl_ms, min_ttl_ms, max_ttl_ms);
  must(x.where.tags.size() <= 16, "at most 16 tags");
  for (auto& [name, value] : x.where.tags)
    must(name.size() <= 64 && value.size() <= 64, "tags are at most 64 bytes each");
}

} // namespace

std::string problem_of(const service_beat& x) { return check::first_problem(check_beat, x); }

bool service_directory::take(const service_beat& x, std::int64_t now_ms) {
  auto guard = std::lock_guard{mutex_};
  auto& of = services_[{x.app, x.service}];
  auto found = of.find(x.where.address);
  if (found == of.end()) {
    if (of.size() >= max_instances || count_ >= max_all) {
      if (of.empty())
        services_.erase({x.app, x.service});
      return x.leaves;
    }
    found = of.emplace(x.where.address, kept{}).first;
    ++count_;
  } else if (x.said_ms < found->second.said_ms) {
    return true; // an older word, by way of another node
  }
  found->second = {x.where, x.ttl_ms, x.said_ms, now_ms, x.leaves};
  return true;
}

/// More than half of those that did not say goodbye.
bool service_directory::any_silence_is_ours(const instances& of, std::int64_t now_ms) {
  auto there = std::ranges::count_if(of, [](auto& x) { return !x.second.left; });
  auto silent = std::ranges::count_if(
      of, [&](auto& x) { return !x.second.left && now_ms - x.second.heard_ms > x.second.ttl_ms; });
  return silent * 2 > there;
}

bool service_directory::serves(const kept& x, bool patient, std::int64_t now_ms) {
  auto time = std::int64_t{x.ttl_ms} * (patient ? patience : 1);
  return !x.left && now_ms - x.heard_ms <= time;
}

std::vector<upstream> service_directory::find(
    app_no app, const std::string& service, std::int64_t now_ms) const {
  auto out = std::vector<upstream>{};
  auto guard = std::lock_guard{mutex_};
  auto found = services_.find({app, service});
  if (found == services_.end())
    return out;
  auto patient = any_silence_is_ours(found->second, now_ms);
  for (auto& [address, x] : found->second)
    if (serves(x, patient, now_ms))
      out.push_back(x.where);
  return out;
}

std::vector<service_instance> service_directory::list(app_no app, std::int64_t now_ms) const {
  auto out = std::vector<service_instance>{};
  auto guard = std::lock_guard{mutex_};
  for (auto at = services_.lower_bound({app, {}}); at != services_.end() && at->first.first == app;
       ++at) {
    auto patient = any_silence_is_ours(at->second, now_ms);
    for (auto& [address, x] : at->second)
      if (!x.left)
        out.push_back(
            {at->first.second, x.where, x.ttl_ms, now_ms - x.heard_ms, serves(x, patient, now_ms)});
  }
  return out;
}

std::vector<service_beat> service_directory::all(std::int64_t now_ms) const {
  auto out = std::vector<service_beat>{};
  auto guard = std::lock_guard{mutex_};
  for (auto& [name, of] : services_)
    for (auto& [address, x] : of)
      if (now_ms - x.heard_ms <= x.ttl_ms)
        out.push_back({name.first, name.second, x.where, x.ttl_ms, x.said_ms, x.left});
  return out;
}

void service_directory::sweep(std::int64_t now_ms) {
  auto guard = std::lock_guard{mutex_};
  for (auto& [name, of] : services_)
    count_ -= std::erase_if(of, [&](auto& x) {
      return now_ms - x.second.heard_ms > patience * std::int64_t{x.second.ttl_ms};
    });
  std::erase_if(services_, [](auto& x) { return x.second.empty(); });
}

} // namespace shoal::gateway
