// What is done to gateways on the open Internet by HTTP/1.1, HTTP/2 and WebSocket, and an honest
// caller of the gateway beside it. Used by the scenario `rude_web` (does everything hold?) and by
// the program `shoal-web-attacks` (how much does the honest caller notice?).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/faults/server.hpp"

namespace shoal::faults {

/// Defines two APIs of the app that answer without a backend: `small`, and `large` (32 KB).
void define_mocks(api_caller& admin, const test_app& app);

struct attack {
  std::string name;
  /// One connection, or a few: returns when the node has ended them, or after it has been held up
  /// for a moment where the attack is to hold it up. Throws if the node did what it must not.
  std::function<void(std::uint16_t port)> round;
};

/// The first is no attack: strangers who open a connection for one call each. What they cost is
/// what TLS handshakes cost, and the measure for the others.
std::vector<attack> web_attacks(const std::string& app);

struct attack_outcome {
  std::int64_t calls = 0, failed = 0; ///< of the honest caller
  std::int64_t p50_us = 0, p99_us = 0;
  std::int64_t rounds = 0;
  std::int64_t growth = 0; ///< bytes of the node's memory
  std::string wrong;       ///< what a round found that must not be; ends its thread
};

/// Two threads attack for that long at full speed, one honest caller asks on over one connection.
/// Returns when all rounds have ended. Without `what` nobody attacks.
attack_outcome endure(
    const server& node, const test_app& app, const attack* what, std::chrono::milliseconds time);

} // namespace shoal::faults
