// One seed, one history: a few replicas with simulated disks, links, clocks and a meta store, two
// controllers that change views, clients, and faults. Then the faults stop, and the cluster must
// become live and complete again. replica_checker.hpp says what must hold.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/replica.hpp"
#include "tests/cluster/replica_checker.hpp"

namespace shoal::cluster {

struct simulation_options {
  std::uint64_t seed = 1;
  replica_rules rules;
  std::size_t trace = 0; ///< keep that many of the last events, as text
};

/// What a history was made of, to see that the simulation does what it claims.
struct simulation_counts {
  std::uint64_t events = 0, messages = 0, lost_messages = 0;
  std::uint64_t acknowledged = 0, unknown = 0, refused = 0;
  std::uint64_t views = 0, epochs_served = 0, member_changes = 0, hand_overs = 0;
  std::uint64_t crashes = 0, pauses = 0, cuts = 0, clock_jumps = 0, slow_disks = 0;
  std::uint64_t meta_outages = 0, damages = 0, quarantines = 0, checkpoints = 0, truncations = 0;
  std::uint64_t suspensions = 0, fetches = 0;

  void add(const simulation_counts& x);
};

std::string to_string(const simulation_counts& x);

struct simulation_result {
  std::optional<broken_rule> broken;
  std::vector<std::string> trace;
  simulation_counts counts;
};

simulation_result simulate(const simulation_options& options);

struct simulation_summary {
  std::uint64_t histories = 0;
  std::optional<std::uint64_t> first_broken;   ///< seed
  std::map<std::string, std::uint64_t> broken; ///< rule -> histories
  simulation_counts counts;
};

struct simulation_plan {
  std::uint64_t first_seed = 1;
  std::uint64_t histories = 2000;
  replica_rules rules;
  bool stop_at_first = true;
  unsigned threads = 1;
};

simulation_summary simulate(const simulation_plan& plan);

struct named_mutation {
  std::string name;
  replica_rules rules;
};

/// The deliberate bugs that the simulation must find.
const std::vector<named_mutation>& replica_mutations();

} // namespace shoal::cluster
