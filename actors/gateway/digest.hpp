// One line per call for the digest log: when, what, who, with which outcome and how long. Pure.
// README.md, "Digest", lists the fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/gateway/call.hpp"

namespace shoal::gateway {

struct digest_facts {
  std::int64_t at_ms = 0; ///< Unix time of the answer
  std::int64_t cost_us = 0;
  std::int64_t backend_us = -1; ///< -1: no backend was called
  std::string_view system;      ///< the group
  std::string_view trace_id;
  mgw::result code = mgw::result::success;
  std::size_t request_bytes = 0, response_bytes = 0;
};

/// Appends a line. Values cannot forge another: separators and control characters become '_'.
void append_digest(std::string& out, const call& x, const digest_facts& facts);

} // namespace shoal::gateway
