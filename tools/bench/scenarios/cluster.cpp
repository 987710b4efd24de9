// cluster: three nodes with three replicas, beside one node, on the same cores. `sync`, `latency`
// and `idle` are the scenarios of that name, with connections spread over all nodes; `crowd` is
// `idle` with more devices than a process may have files; `failover` and `costs` have files of
// their own.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "protocol/ids.hpp"
#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/crowd.hpp"
#include "tools/bench/machine/interrupt.hpp"
#include "tools/bench/names.hpp"
#include "tools/bench/scenarios/cluster_parts.hpp"

namespace shoal::bench {

namespace {

constexpr auto crowd_nodes = std::size_t{4};
constexpr auto crowd_settle_ms = 15'000; ///< as of `idle`
constexpr auto crowd_patience_s = 600;

struct part {
  std::string name;
  std::function<void(const surroundings&, const teller&)> run;
};

surroundings fresh(const surroundings& around, const std::string& name) {
  auto folder = around.folder + "/" + name;
  std::filesystem::create_directories(folder);
  return {around.wishes, folder, {}};
}

/// Starts the cluster in a folder of its own, and adds the end of its log to what it throws.
template <class Work>
auto with_cluster(const surroundings& around, const std::string& name, Work work,
    std::size_t nodes = cluster_nodes) {
  auto mine = fresh(around, name);
  auto who = shoal_cluster{mine, nodes};
  try {
    who.start();
    return work(who, mine);
  } catch (const std::exception& e) {
    throw std::runtime_error{e.what() + std::string{"; the log ends: "} + log_tail(mine.folder)};
  }
}

figures one_node(const surroundings& around, const scenario& s) {
  auto mine = fresh(around, "one-" + s.name);
  auto who = make_shoal(mine);
  who->start();
  return s.run(*who, mine);
}

double value_of(const figures& found, const std::string& metric) {
  auto i =
      std::find_if(found.begin(), found.end(), [&](const figure& x) { return x.metric == metric; });
  return i == found.end() ? 0 : i->value;
}

void compare_sync(const surroundings& around, const teller& tell) {
  auto s = sync_scenario();
  auto one = one_node(around, s);
  auto three = with_cluster(around, "sync",
      [&](shoal_cluster& who, const surroundings& mine) { return s.run(who, mine); });
  auto ratio = value_of(three, "ops_per_s") / value_of(one, "ops_per_s");
  tell("shoal", {{"throughput_vs_one_node", "x", ratio, better::higher}});
  tell("shoal", three);
  tell("one_node", one);
}

void compare_latency(const surroundings& around, const teller& tell) {
  auto wishes = around.wishes;
  wishes.rate = wishes.cluster_rate;
  auto slower = surroundings{wishes, around.folder, {}};
  auto s = latency_scenario();
  tell("shoal", with_cluster(slower, "latency", [&](shoal_cluster& who, const surroundings& mine) {
    return s.run(who, mine);
  }));
  tell("one_node", one_node(slower, s));
}

void measure_idle(const surroundings& around, const teller& tell) {
  auto wishes = around.wishes;
  wishes.devices = wishes.cluster_devices * cluster_nodes;
  auto more = surroundings{wishes, around.folder, {}};
  tell("shoal", with_cluster(more, "idle", [&](shoal_cluster& who, const surroundings& mine) {
    return idle_scenario().run(who, mine);
  }));
}

figures crowd_figures(shoal_cluster& who, const options& wishes) {
  auto n = wishes.crowd;
  auto t = tally{};
  auto loop = tls_loop{};
  who.prepare(loop, {.whom = audience::own,
                        .confirmed = true,
                        .users = n,
                        .payload = wishes.payload,
                        .in_flight = wishes.batch});
  let_settle(loop, crowd_settle_ms);
  auto before = who.memory();
  auto devices = crowd{who, wishes, n, crowd_patience_s};
  auto began = now_ns();
  devices.await_ready();
  auto ready = now_ns();
  auto senders = crew{loop, who, t, wishes, crowd_nodes};
  senders.publish_to_each(n, 1, make_payload(wishes.payload));
  devices.await_one_op_each();
  auto served = now_ns();
  let_settle(loop, crowd_settle_ms);
  auto after = who.memory();
  auto count = static_cast<double>(n);
  auto per_s = [&](std::int64_t ns) { return count * 1e9 / static_cast<double>(ns); };
  return {{"crowd_bytes_per_device", "bytes", static_cast<double>(after.rss - before.rss) / count,
              better::lower},
      {"crowd_logins_per_s", "logins/s", per_s(ready - began), better::higher},
      {"crowd_ops_per_s", "ops/s", per_s(served - ready), better::higher}};
}

/// More devices than one node should have, and one node more.
void measure_crowd(const surroundings& around, const teller& tell) {
  auto work = [](shoal_cluster& who, const surroundings& mine) {
    return crowd_figures(who, mine.wishes);
  };
  tell("shoal", with_cluster(around, "crowd", work, crowd_nodes));
}

void measure_failover(const surroundings& around, const teller& tell) {
  tell("shoal", with_cluster(around, "failover", [](shoal_cluster& who, const surroundings& mine) {
    return failover_figures(who, mine.wishes);
  }));
}

void measure_costs(const surroundings& around, const teller& tell) {
  tell("shoal", with_cluster(around, "costs", [](shoal_cluster& who, const surroundings& mine) {
    return cost_figures(who, mine.wishes);
  }));
}

std::vector<part> all_parts() {
  return {{"sync", compare_sync}, {"latency", compare_latency}, {"failover", measure_failover},
      {"idle", measure_idle}, {"costs", measure_costs}, {"crowd", measure_crowd}};
}

void whole(const surroundings& around, const teller& tell) {
  auto& chosen = around.wishes.parts;
  auto trouble = std::string{};
  for (auto& x : all_parts()) {
    if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), x.name) == chosen.end())
      continue;
    if (interrupted())
      throw std::runtime_error{"interrupted"};
    std::fprintf(stderr, "cluster: %s …\n", x.name.c_str());
    try {
      x.run(around, tell);
    } catch (const std::exception& e) { // the other parts still say something
      trouble += (trouble.empty() ? "" : "; ") + x.name + ": " + e.what();
    }
  }
  if (!trouble.empty())
    throw std::runtime_error{trouble};
}

} // namespace

scenario cluster_scenario() {
  return {"cluster", "three nodes with three replicas, beside one node", {},
      "users ops payload publishers batch cluster_rate callers seconds cluster_devices kills crowd",
      {}, {}, whole};
}

std::vector<std::string> cluster_parts() {
  auto result = std::vector<std::string>{};
  for (auto& x : all_parts())
    result.push_back(x.name);
  return result;
}

std::vector<std::size_t> users_in(std::uint16_t no, std::size_t n) {
  constexpr auto first_app = app_no{1};
  auto result = std::vector<std::size_t>{};
  for (auto i = std::size_t{0}; result.size() < n; ++i) {
    auto who = principal::user(numbered("u", i));
    if (partition_of(first_app, who, cluster_partitions) == partition_no{no})
      result.push_back(i);
  }
  return result;
}

} // namespace shoal::bench
