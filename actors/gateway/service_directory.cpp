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

void service_directory::stamp(service_beat& x) const {
  auto guard = std::lock_guard{mutex_};
  auto of = services_.find({x.app, x.service});
  if (of == services_.end())
    return;
  if (auto found = of->second.find(x.where.address); found != of->second.end())
    x.said_ms = std::max(x.said_ms, found->second.said_ms + 1);
}

bool service_directory::has_room(const service_beat& x) const {
  auto of = services_.find({x.app, x.service});
  auto of_app = counts_.find(x.app);
  return (of == services_.end() || of->second.size() < max_instances) &&
         (of_app == counts_.end() || of_app->second < max_of_app) && count_ < max_all;
}

bool service_directory::take(const service_beat& x, std::int64_t now_ms) {
  auto guard = std::lock_guard{mutex_};
  auto of = services_.find({x.app, x.service});
  if (of != services_.end())
    if (auto found = of->second.find(x.where.address); found != of->second.end()) {
      if (x.said_ms >= found->second.said_ms) // else an older word, by way of another node
        found->second = {x.where, x.ttl_ms, x.said_ms, now_ms, x.leaves};
      return true;
    }
  if (x.leaves)
    return true; // it is not here
  if (!has_room(x))
    forget_the_gone(now_ms);
  if (!has_room(x))
    return false;
  services_[{x.app, x.service}].emplace(
      x.where.address, kept{x.where, x.ttl_ms, x.said_ms, now_ms, false});
  ++counts_[x.app];
  ++count_;
  return true;
}

/// Of those that did not say goodbye and were there until the last one was heard, more than half.
std::optional<std::int64_t> service_directory::silent_together_since(
    const instances& of, std::int64_t now_ms) {
  auto latest = std::int64_t{0};
  for (auto& [address, x] : of)
    if (!x.left)
      latest = std::max(latest, x.heard_ms);
  auto there = 0, silent = 0;
  for (auto& [address, x] : of) {
    if (x.left || latest - x.heard_ms > x.ttl_ms)
      continue; // gone before, and not with the others
    ++there;
    silent += now_ms - x.heard_ms > x.ttl_ms ? 1 : 0;
  }
  return silent * 2 > there ? std::optional{latest} : std::nullopt;
}

bool service_directory::serves(
    const kept& x, std::optional<std::int64_t> patient_since, std::int64_t now_ms) {
  auto is_patient = patient_since && *patient_since - x.heard_ms <= x.ttl_ms;
  auto time = std::int64_t{x.ttl_ms} * (is_patient ? patience : 1);
  return !x.left && now_ms - x.heard_ms <= time;
}

std::vector<upstream> service_directory::find(
    app_no app, const std::string& service, std::int64_t now_ms) const {
  auto out = std::vector<upstream>{};
  auto guard = std::lock_guard{mutex_};
  auto found = services_.find({app, service});
  if (found == services_.end())
    return out;
  auto patient = silent_together_since(found->second, now_ms);
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
    auto patient = silent_together_since(at->second, now_ms);
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
  forget_the_gone(now_ms);
}

void service_directory::forget_the_gone(std::int64_t now_ms) {
  for (auto& [name, of] : services_) {
    auto gone = std::erase_if(of, [&](auto& x) {
      return now_ms - x.second.heard_ms > patience * std::int64_t{x.second.ttl_ms};
    });
    count_ -= gone;
    counts_[name.first] -= gone;
  }
  std::erase_if(services_, [](auto& x) { return x.second.empty(); });
  std::erase_if(counts_, [](auto& x) { return x.second == 0; });
}

} // namespace shoal::gateway
