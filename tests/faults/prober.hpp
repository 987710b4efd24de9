// Asks every partition all the time whether it serves: appends to a device of its own in each, and
// measures how long after an event the first one that began later was acknowledged.
//
// One thread for each partition, asleep unless asked. A caller as in real life: an idempotency key,
// one second for an answer, then the same again 20 ms later at the next node. Every probe is an op
// of the history, to be read back like all others.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "protocol/ids.hpp"
#include "tests/faults/history.hpp"
#include "tests/faults/server.hpp"

namespace shoal::faults {

class prober {
public:
  /// The app must be the cluster's first, and have the biz OWN (workload.hpp).
  prober(std::vector<endpoint> nodes, const test_app& app, std::uint16_t partitions, history& run);
  ~prober();
  prober(const prober&) = delete;
  prober& operator=(const prober&) = delete;

  /// The event happens now; ask the nodes that are `usable` to a caller.
  void begin(std::vector<std::size_t> usable);
  /// Seconds from `begin` to the first acknowledged op, by partition; those that stayed silent for
  /// `patience_ms` are missing. What they asked stays asked: it is over before the next `begin`.
  std::map<std::uint16_t, double> wait(int patience_ms);
  /// `begin` and `wait` for a cluster to which nothing happens.
  std::map<std::uint16_t, double> round(std::vector<std::size_t> usable, int patience_ms);
  /// Answers that were not an id since `begin`, by what they said.
  std::map<std::string, std::uint64_t> refusals() const;

private:
  void live(std::uint16_t partition, std::stop_token stop);
  bool ask(std::uint16_t partition, std::vector<api_caller>& callers, std::uint64_t round,
      std::size_t nth, const std::string& body, const std::string& stream,
      const std::string& payload);

  const test_app& app_;
  history& history_;
  std::vector<endpoint> nodes_;
  std::vector<std::string> devices_; ///< one whose home is that partition

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t round_ = 0;
  bool asking_ = false;
  std::vector<std::size_t> usable_;
  std::chrono::steady_clock::time_point began_;
  std::map<std::uint16_t, double> served_;
  std::size_t busy_ = 0;
  std::map<std::string, std::uint64_t> refusals_;
  std::vector<std::jthread> threads_;
};

} // namespace shoal::faults
