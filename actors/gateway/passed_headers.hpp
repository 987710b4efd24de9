// Which headers of a request a backend gets to see, and which of an answer its client.
//
// Not passed: what belongs to one connection (RFC 9110, 7.6.1: the known ones, and whatever a
// Connection field names), what the gateway reads or writes itself, and what a client could only
// say to be taken for somebody else, or somewhere else: Forwarded, X-Real-IP, all X-Forwarded-…; or
// to steer an Envoy in front of the backend, which takes what comes from here for ours: X-Envoy-….
// "_" counts as "-": some backends see no difference.
#pragma once

#include <string_view>

#include "actors/gateway/call.hpp"

namespace shoal::gateway {

/// Of a request: not the backend's business.
bool is_kept_back(std::string_view name);

/// Of an answer: belongs to the connection, or is written anew. Connection itself is left to
/// `drop_nominated`.
bool is_of_the_answers_hop(std::string_view name);

/// Removes Connection and the fields that it names.
void drop_nominated(header_list& fields);

} // namespace shoal::gateway
