// Where a call comes from, out of what its connection and its headers say. Pure. Views of what is
// given.
#pragma once

#include <string_view>
#include <utility>

namespace shoal::gateway {

/// "127.0.0.1:5312" -> "127.0.0.1", "[::1]:80" -> "::1".
std::string_view without_port(std::string_view peer);

/// Of an X-Forwarded-For: the first address that is not a balancer's, which is the last one, for
/// ours has seen it itself.
std::string_view last_forwarded(std::string_view list);

/// Trace and parent id of a W3C traceparent; empty if it is none.
std::pair<std::string_view, std::string_view> read_traceparent(std::string_view text);

} // namespace shoal::gateway
