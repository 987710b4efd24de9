// The scenarios: each does the same work with every contender and returns figures.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/bench/contenders/contender.hpp"
#include "tools/bench/options.hpp"

namespace shoal::bench {

enum class better : std::uint8_t { higher, lower };

struct figure {
  std::string metric, unit;
  double value = 0;
  better which = better::higher;
};
using figures = std::vector<figure>;

using teller = std::function<void(const std::string& contender, const figures& found)>;

struct scenario {
  std::string name, help;
  std::vector<std::string> peers; ///< that can do this
  std::string sizes;              ///< names of the options that matter, for the report
  std::function<figures(contender&, const surroundings&)> run;
  /// If set, what "floor" means here: no server, only the bare work.
  std::function<figures(const surroundings&)> bare;
  /// Instead of `run`: starts all servers itself, and tells the figures of each contender, "shoal"
  /// first. What was told before it throws counts.
  std::function<void(const surroundings&, const teller& tell)> whole = nullptr;
};

scenario idle_scenario();
scenario connect_scenario();
scenario broadcast_scenario();
scenario burst_scenario();
scenario sync_scenario();
scenario latency_scenario();
scenario replay_scenario();
scenario start_scenario();
scenario cluster_scenario();
scenario gateway_scenario();
scenario soak_scenario();
/// What `--part` chooses from.
std::vector<std::string> cluster_parts();

/// In the order in which they are run and reported.
std::vector<scenario> all_scenarios();

/// A payload of readable text, stamped or not.
std::string make_payload(std::size_t size);

/// The value below which `share` (0 … 1) of them lie. Sorts.
double percentile(std::vector<std::int64_t>& values, double share);
double median(std::vector<double> values);

} // namespace shoal::bench
