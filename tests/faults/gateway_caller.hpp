// A client of the gateway as the documentation wants clients: it calls an idempotent operation
// through any node, and once more at another one when its connection broke or no answer came. An
// answer is never asked for again: one that is no success, or another call's, is an error seen.
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/gateway_wire.hpp"

namespace shoal::faults {

/// How one call went. `error` is empty if the client has what it asked for.
struct call_fate {
  bool repeated = false;
  std::string error;
};

/// Calls at the first, and at the second if need be.
call_fate call_politely(gateway_wire& first, gateway_wire& second, const std::string& body);

class gateway_caller {
public:
  /// One wire for each node, used from this object's thread only.
  gateway_caller(std::vector<gateway_wire_ptr> wires, std::string name, std::uint64_t seed);

  /// Ends with the call under way.
  void finish();

  // When finished.
  std::uint64_t calls() const { return calls_; }
  std::uint64_t repeated() const { return repeated_; }
  const std::vector<std::string>& errors() const { return errors_; }

private:
  void live(const std::stop_token& stop);

  std::vector<gateway_wire_ptr> wires_;
  std::string name_;
  std::uint64_t seed_, calls_ = 0, repeated_ = 0;
  std::vector<std::string> errors_;
  std::jthread thread_;
};

} // namespace shoal::faults
