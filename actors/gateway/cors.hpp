// Which web pages may call an app (Fetch standard, "CORS protocol"). Pure.
#pragma once

#include <string_view>

#include "actors/gateway/call.hpp"
#include "actors/gateway/definitions.hpp"
#include "protocol/http/message.hpp"

namespace shoal::gateway {

/// Without `origins` there is no rule: pages are treated like everybody, and browsers keep answers
/// from those of other origins.
bool may_call(const cors_rule& rule, std::string_view origin);

/// What a browser wants to read beside the answer to a page that may call.
void add_cors_headers(const cors_rule& rule, std::string_view origin, header_list& to);

/// The answer to a browser's question: 204, or 403 with code 8002.
http::response preflight_answer(const cors_rule& rule, std::string_view origin);

} // namespace shoal::gateway
