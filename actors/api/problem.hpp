// Errors as RFC 9457 problem documents, with the stable code and number of protocol/codes.hpp.
#pragma once

#include <string_view>

#include "protocol/codes.hpp"
#include "protocol/http/message.hpp"

namespace shoal::api {

/// {"type","title","status","detail","code","number"}; `clock_skew` also has "server_time_ms",
/// codes that ask for a later attempt have a Retry-After header.
http::response problem(ec code, std::string_view detail, std::int64_t now_ms);

/// Appends {"code":…,"number":…,"detail":…} to a JSON text, for items of a batch.
void append_error(std::string& out, ec code, std::string_view detail);

/// Appends a JSON string literal; bytes that are not UTF-8 become U+FFFD.
void append_quoted(std::string& out, std::string_view text);

} // namespace shoal::api
