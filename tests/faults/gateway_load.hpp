// Calls through the gateway while bad things happen to the nodes: a backend in this process, an
// idempotent operation in front of it, and clients of all kinds that retry once.
//
//   gateway_caller (HTTP/1.1, HTTP/2, device) ──> any node ──> the backend, which takes a moment
//
// Defines what it needs when it is made: through the first node, for the app and no other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/faults/gateway_caller.hpp"
#include "tests/support/loopback_server.hpp"

namespace shoal::faults {

/// Answers every request with its body after a few milliseconds, so that some are always under way.
class echo_backend {
public:
  /// `host`: where nodes reach this process.
  explicit echo_backend(const std::string& host) : server_{[this](int fd) { serve(fd); }, host} {}

  std::string address() const { return server_.address(); }

private:
  void serve(int fd) const;

  test::loopback_server server_;
};

class gateway_load {
public:
  gateway_load(const std::vector<endpoint>& nodes, const std::string& own_host, const test_app& app,
      const std::string& name, std::uint64_t seed);

  struct outcome {
    std::uint64_t calls = 0, repeated = 0;
    std::vector<std::string> errors; ///< that clients have seen, and what makes the run worthless
  };

  /// Ends with the calls under way.
  outcome finish();

private:
  void define(const endpoint& at, const test_app& app) const;

  echo_backend backend_; // outlives the callers
  std::vector<std::unique_ptr<gateway_caller>> callers_;
  std::vector<std::string> names_;
};

} // namespace shoal::faults
