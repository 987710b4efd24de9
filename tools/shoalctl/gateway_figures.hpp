// What nodes count about each API, out of the text that they give to Prometheus, and what that says
// about a stretch of time. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {

struct api_name {
  std::string app, workspace, operation;
  auto operator<=>(const api_name&) const = default;
};

struct api_counts {
  std::map<double, std::uint64_t> upto;        ///< seconds -> calls that took at most so long
  std::map<std::string, std::uint64_t> errors; ///< result code -> answers
  std::uint64_t calls = 0;
};

/// Of one node at one moment.
using node_counts = std::map<api_name, api_counts>;

/// Lines that are none of the gateway's, or not as expected, are read over.
node_counts read_metrics(std::string_view text);

/// What was added from `before` to `after`; a node that counts from 0 again has added what it says.
node_counts difference(const node_counts& before, const node_counts& after);

void add_up(node_counts& sum, const node_counts& more);

enum class top_order : std::uint8_t { rate, errors, p99, name };

/// One row per API that was called: rate, errors by code, p50 and p99 as the bound of a bucket of
/// the nodes' histograms (a call was at most that slow; null: above the last). `app` may be empty.
json top_rows(
    const node_counts& of, double seconds, const std::string& app, top_order by, std::size_t limit);

} // namespace shoal::ctl
