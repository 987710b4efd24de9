// shoal-replica-sim: runs many simulated histories of the replication rules, or one again.
#include <chrono>
#include <iostream>

#include <CLI/CLI.hpp>

#include "tests/cluster/replica_simulation.hpp"

using namespace shoal::cluster;

namespace {

struct settings {
  simulation_plan plan;
  std::uint64_t replay = 0;
  std::string mutation;
  std::size_t trace = 120;
  bool all = false;
};

/// Prints the last events of a history; 1 if it broke a rule.
int replay(std::uint64_t seed, const settings& s) {
  auto result = simulate(simulation_options{seed, s.plan.rules, s.trace});
  for (const auto& line : result.trace)
    std::cout << line << '\n';
  std::cout << "seed " << seed << ": " << to_string(result.counts) << '\n';
  if (result.broken)
    std::cout << "seed " << seed << " breaks a rule: " << result.broken->rule << ": "
              << result.broken->what << '\n';
  return result.broken ? 1 : 0;
}

int run(const settings& s) {
  auto begin = std::chrono::steady_clock::now();
  auto summary = simulate(s.plan);
  auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::cout << summary.histories << " histories from seed " << s.plan.first_seed << " in "
            << seconds << " s: " << to_string(summary.counts) << '\n';
  for (const auto& [rule, n] : summary.broken)
    std::cout << n << " histories break a rule: " << rule << '\n';
  return summary.first_broken ? replay(*summary.first_broken, s) : 0;
}

} // namespace

int main(int argc, char** argv) {
  auto s = settings{};
  auto app = CLI::App{"Simulated histories of the replication rules. Exit code 1 if one breaks a "
                      "rule, after its seed and its last events."};
  auto names = std::vector<std::string>{};
  for (const auto& x : replica_mutations())
    names.push_back(x.name);
  app.add_option("--histories", s.plan.histories, "How many, one per seed")->capture_default_str();
  app.add_option("--seed", s.plan.first_seed, "The first seed")->capture_default_str();
  app.add_option("--replay", s.replay, "Run this seed only and print its last events");
  app.add_option("--mutation", s.mutation, "Run with this deliberate bug")
      ->check(CLI::IsMember(names));
  app.add_flag("--all", s.all, "Do not stop at the first history that breaks a rule");
  app.add_option("--trace", s.trace, "How many of the last events are printed")
      ->capture_default_str();
  app.add_option("--threads", s.plan.threads, "Histories side by side")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  CLI11_PARSE(app, argc, argv);
  for (const auto& x : replica_mutations())
    if (x.name == s.mutation)
      s.plan.rules = x.rules;
  s.plan.stop_at_first = !s.all;
  return s.replay != 0 ? replay(s.replay, s) : run(s);
}
