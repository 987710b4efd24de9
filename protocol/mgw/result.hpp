// How a gateway call ends: the result codes that clients of the mobile gateway know, and the answer
// that carries them. README.md has the same table for client authors.
//
// HTTP's status is 200 whenever the gateway understood that it was called; the code tells the rest.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocol/http/message.hpp"

namespace shoal::mgw {

/// Never renumbered. 1001-5999 and 7xxx are the gateway's; from 6001 on a backend's own codes.
enum class result : std::uint16_t {
  success = 1000,
  access_denied = 1001,     // also: bad mock data, no resultStatus in it
  limit_exceeded = 1002,    // busy; clients show `tips`
  unauthorized = 1005,      // the API's authorizer said no
  not_logged_in = 2000,     // the login is over; clients log in again
  operation_missing = 3000, // unknown operation, or not online in this app and workspace
  request_data_empty = 3001,
  malformed_request = 3002,
  decryption_failed = 3003, // one answer for every way in which it can fail
  backend_timeout = 4001,
  backend_failed = 4002,
  backend_unknown_host = 4003,
  unknown_error = 5000,
  target_service_missing = 6000,
  key_missing = 7000, // the app has no key of the kind that was used
  signature_incomplete = 7001,
  signature_mismatch = 7002,
  timestamp_outside_window = 7003,
  timestamp_missing = 7007,
  signature_missing = 7014,
  cors_preflight = 8002, // a browser's question, or an origin that may not call
};

struct result_info {
  result code;
  std::string_view name; ///< "limit_exceeded": metrics, logs, configuration
  std::string_view tips; ///< what a person is shown unless the API has a text of its own
};

/// Every code, ascending.
std::span<const result_info> all_results();

/// "backend_timeout"; "backend_code" from 6001 to 6999; "unknown" for what no table has.
std::string_view to_string(result code);

/// Empty for `success` and for codes that no table has.
std::string_view default_tips(result code);

/// "1.0": everything is in the body. "2.0": code, tips and memo are headers, and the body of a
/// success is the bare result.
enum class rpc_version : std::uint8_t { v1, v2 };

enum class result_form : std::uint8_t {
  json,  ///< `result` is one JSON value; whoever fills it has checked that
  text,  ///< any UTF-8; becomes a JSON string in an envelope
  bytes, ///< protobuf or another type; becomes base64 in an envelope
};

struct answer {
  result code = result::success;
  std::string tips = {}; ///< for people; empty: the code's default
  std::string memo = {}; ///< for developers: which field, which step. Never a secret
  std::string result_data = {};
  result_form form = result_form::json;
  std::string content_type = "application/json"; ///< of a bare result
};

/// {"resultStatus":1002,"tips":"…","result":…}; `result` is left out when there is none.
std::string envelope(const answer& x);

/// The HTTP answer. `Result-Status` is always there; `Tips` and `Memo` when not empty,
/// percent-encoded UTF-8, cut at 1 KiB.
http::response make_response(answer x, rpc_version version);

} // namespace shoal::mgw
