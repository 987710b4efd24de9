#include "tests/cluster/replica_simulation.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "tests/cluster/simulated_world.hpp"

namespace shoal::cluster {

simulation_result simulate(const simulation_options& options) {
  return simulated_world{options}.run();
}

simulation_summary simulate(const simulation_plan& plan) {
  auto next = std::atomic{plan.first_seed};
  auto stop = std::atomic{false};
  auto mutex = std::mutex{};
  auto total = simulation_summary{};
  auto work = [&] {
    auto end = plan.first_seed + plan.histories;
    for (auto seed = next++; seed < end && !stop; seed = next++) {
      auto result = simulate(simulation_options{seed, plan.rules, 0});
      auto guard = std::lock_guard{mutex};
      ++total.histories;
      total.counts.add(result.counts);
      if (!result.broken)
        continue;
      ++total.broken[result.broken->rule];
      total.first_broken = std::min(total.first_broken.value_or(seed), seed);
      stop = plan.stop_at_first;
    }
  };
  auto threads = std::vector<std::thread>{};
  for (auto i = 1u; i < plan.threads; ++i)
    threads.emplace_back(work);
  work();
  for (auto& x : threads)
    x.join();
  return total;
}

const std::vector<named_mutation>& replica_mutations() {
  static const auto all = [] {
    auto out = std::vector<named_mutation>{};
    auto without = [&](std::string name, bool replica_rules::*rule) {
      auto rules = replica_rules{};
      rules.*rule = false;
      out.push_back({std::move(name), rules});
    };
    without("no-epoch-check", &replica_rules::followers_check_epochs);
    without("commit-old-epochs", &replica_rules::commit_own_epoch_only);
    without("adopt-longest-log", &replica_rules::adopt_newest_log);
    without("answer-before-sync", &replica_rules::sync_before_answer);
    without("serve-before-start", &replica_rules::epoch_start_before_serve);
    without("forget-promises", &replica_rules::promises_are_durable);
    without("ignore-previous-set", &replica_rules::fence_previous_set);
    without("lead-epoch-twice", &replica_rules::lead_an_epoch_once);
    without("no-continuity-check", &replica_rules::followers_check_previous);
    without("damaged-votes", &replica_rules::damaged_keep_quiet);
    without("empty-disk-is-new", &replica_rules::empty_disk_is_damage);
    return out;
  }();
  return all;
}

namespace {

struct count {
  const char* name;
  std::uint64_t simulation_counts::*value;
};

constexpr count all_counts[] = {
    {"events", &simulation_counts::events},
    {"messages", &simulation_counts::messages},
    {"lost", &simulation_counts::lost_messages},
    {"acknowledged", &simulation_counts::acknowledged},
    {"unknown", &simulation_counts::unknown},
    {"refused", &simulation_counts::refused},
    {"views", &simulation_counts::views},
    {"epochs served", &simulation_counts::epochs_served},
    {"member changes", &simulation_counts::member_changes},
    {"hand-overs", &simulation_counts::hand_overs},
    {"crashes", &simulation_counts::crashes},
    {"pauses", &simulation_counts::pauses},
    {"cuts", &simulation_counts::cuts},
    {"clock jumps", &simulation_counts::clock_jumps},
    {"slow disks", &simulation_counts::slow_disks},
    {"meta store outages", &simulation_counts::meta_outages},
    {"damages", &simulation_counts::damages},
    {"quarantines", &simulation_counts::quarantines},
    {"checkpoints", &simulation_counts::checkpoints},
    {"truncations", &simulation_counts::truncations},
    {"suspensions", &simulation_counts::suspensions},
    {"fetched logs", &simulation_counts::fetches},
};

} // namespace

void simulation_counts::add(const simulation_counts& x) {
  for (const auto& c : all_counts)
    this->*c.value += x.*c.value;
}

std::string to_string(const simulation_counts& x) {
  auto out = std::string{};
  for (const auto& c : all_counts)
    out += (out.empty() ? "" : ", ") + std::string{c.name} + " " + std::to_string(x.*c.value);
  return out;
}

} // namespace shoal::cluster
