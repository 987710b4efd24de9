// One client of the gateway at one node: a kept connection that is made again when it broke, on
// which an idempotent operation is called. One interface, three ways in: HTTP/1.1, HTTP/2, and
// `Call` frames of a device connection. A kept connection that the node has ended meanwhile is
// noticed before the next call, as by any client library: that is no failed call. Not thread-safe.
// Every wait ends after `wire_patience_s`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tests/faults/server.hpp"

namespace shoal::faults {

/// The operation that gateway_load.hpp defines: its backend answers with the body that it got.
inline constexpr std::string_view echo_operation = "faults.echo";

inline constexpr auto wire_patience_s = 6;

class gateway_wire {
public:
  /// What became of a call: no answer, or one with the gateway's code.
  struct answer {
    unsigned code = 0; ///< 1000: success; the status of HTTP if the gateway did not answer; 0: none
    std::string body;

    bool came() const { return code != 0; }
  };

  virtual ~gateway_wire() = default;
  virtual answer call(const std::string& body) = 0;
};
using gateway_wire_ptr = std::unique_ptr<gateway_wire>;

/// At the node `at`; `name` tells devices apart, which no two wires may share.
using wire_maker = std::function<gateway_wire_ptr(
    const endpoint& at, const test_app& app, const std::string& name)>;

gateway_wire_ptr wire_over_http_1(const endpoint& at, const test_app& app, const std::string& name);
gateway_wire_ptr wire_over_http_2(const endpoint& at, const test_app& app, const std::string& name);
gateway_wire_ptr wire_of_device(const endpoint& at, const test_app& app, const std::string& name);

} // namespace shoal::faults
