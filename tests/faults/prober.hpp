// Asks every partition all the time whether it serves: appends to a device of its own in each, and
// measures how long after an event the first one that began later was acknowledged.
//
// One thread for each partition, asleep unless asked. A caller as in real life: an idempotency key,
// one second for an answer, then the same again 20 ms later at the next node. Every probe is an op
// of the history, to be read back like all others. While it watches, it asks for one op after the
// other, and measures the pauses between acknowledgements.
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

/// How a partition served while it was watched.
struct service {
  std::uint64_t acknowledged = 0;
  double silent_s = 0;  ///< longest time without an acknowledgement
  double refused_s = 0; ///< longest time from the start of a call that failed to an acknowledgement
};

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
  /// From now on one op after the other in every partition, each at the next of these nodes.
  void watch(std::vector<std::size_t> usable);
  /// How every partition served since `watch`. What they asked last is over before the next
  /// `begin`.
  std::vector<service> end_watch();
  /// Answers that were not an id since `begin`, by what they said.
  std::map<std::string, std::uint64_t> refusals() const;

private:
  using time_point = std::chrono::steady_clock::time_point;

  /// What one partition's thread asks for at the moment.
  struct probe {
    std::uint16_t partition = 0;
    std::uint64_t round = 0, nth = 0; ///< nth: whom to ask next
    std::string stream, payload, body;
  };

  void start(std::vector<std::size_t> usable, bool again);
  void live(std::uint16_t partition, std::stop_token stop);
  bool append(probe& x, std::vector<api_caller>& callers, const std::stop_token& stop);
  bool ask(probe& x, std::vector<api_caller>& callers);
  void count(std::uint16_t partition, time_point asked, bool acknowledged);

  const test_app& app_;
  history& history_;
  std::vector<endpoint> nodes_;
  std::vector<std::string> devices_; ///< one whose home is that partition

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t round_ = 0;
  bool asking_ = false, again_ = false;
  std::vector<std::size_t> usable_;
  time_point began_;
  std::map<std::uint16_t, double> served_;
  std::vector<service> services_;
  std::vector<time_point> heard_;                  ///< the last acknowledgement
  std::vector<std::optional<time_point>> refused_; ///< since when
  std::size_t busy_ = 0;
  std::atomic<std::uint64_t> made_ = 0; ///< payloads: each is another one
  std::map<std::string, std::uint64_t> refusals_;
  std::vector<std::jthread> threads_;
};

} // namespace shoal::faults
