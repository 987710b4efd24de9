// Error answers of the HTTP API: RFC 9457 problem documents with Shoal's stable `code`, and the
// phrases of statuses.
#pragma once

#include <string_view>

#include "protocol/codes.hpp"
#include "protocol/http/message.hpp"

namespace shoal::http {

/// "Not Found"; "Unknown" for a status that Shoal does not use.
std::string_view reason_phrase(int status);

/// {"type":"about:blank","title":"Bad
/// Request","status":400,"code":"invalid_argument","detail":"…"}. `detail` is for people; left out
/// if empty.
response problem(int status, ec code, std::string_view detail = {});

} // namespace shoal::http
