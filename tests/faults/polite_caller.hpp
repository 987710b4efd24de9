// A caller that does what the documentation asks of callers, and no more: a call that failed is
// repeated once, with the same key, at another node. Counts what still failed. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/history.hpp"
#include "tests/faults/server.hpp"

namespace shoal::faults {

class polite_caller {
public:
  polite_caller(const std::vector<endpoint>& nodes, const test_app& app, std::string name,
      std::uint64_t seed, history& run);
  /// Ends with the call under way.
  void finish();

  std::uint64_t calls() const { return calls_; }
  std::uint64_t repeated() const { return repeated_; }
  /// Of all calls: until there was an answer, or none could come any more.
  double slowest_s() const { return slowest_s_; }
  const std::vector<std::string>& failures() const { return failures_; }

private:
  void live(std::stop_token stop);
  bool call(std::size_t node, const std::string& body, const std::string& payload);

  const test_app& app_;
  std::string name_, stream_, said_;
  history& history_;
  std::vector<api_caller> callers_; ///< one for each node
  std::uint64_t seed_, calls_ = 0, repeated_ = 0;
  double slowest_s_ = 0;
  std::vector<std::string> failures_;
  std::jthread thread_;
};

} // namespace shoal::faults
