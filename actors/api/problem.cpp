#include "actors/api/problem.hpp"

#include <nlohmann/json.hpp>

#include "protocol/http/problem.hpp"

namespace shoal::api {

using nlohmann::json;

namespace {

std::string_view default_detail(ec code) {
  switch (code) {
  case ec::clock_skew:
    return "the timestamp is outside the window; correct the clock with server_time_ms and sign "
           "again";
  case ec::nonce_replayed:
    return "this signed request was served before; sign again with a new nonce";
  case ec::bad_signature:
    return "the request is not signed, or its key, role or signature is not valid";
  case ec::forbidden:
    return "the key's role does not allow this";
  case ec::not_found:
    return "there is nothing here";
  case ec::overloaded:
    return "too many calls are in flight; try again shortly";
  case ec::outcome_unknown:
    return "no answer in time: the change may or may not have happened; repeat with the same "
           "idempotency key";
  case ec::moving:
    return "the data is moving to another node and nothing was stored; try again shortly";
  case ec::going_away:
    return "this node starts or stops";
  default:
    return "";
  }
}

bool plain(std::string_view text) {
  for (auto c : text)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e || c == '"' ||
        c == '\\')
      return false;
  return true;
}

} // namespace

http::response problem(ec code, std::string_view detail, std::int64_t now_ms) {
  auto out = http::response{};
  out.status = http_status(code);
  out.content_type = "application/problem+json";
  auto body = json{{"type", "about:blank"}, {"title", http::reason_phrase(out.status)},
      {"status", out.status}, {"detail", detail.empty() ? default_detail(code) : detail},
      {"code", to_string(code)}, {"number", static_cast<unsigned>(code)}};
  if (code == ec::clock_skew)
    body["server_time_ms"] = now_ms;
  if (disposition_of(code) == disposition::retry_later)
    out.headers.emplace_back("Retry-After", "1");
  if (out.status == 401)
    out.headers.emplace_back("WWW-Authenticate", "SHOAL1-HMAC-SHA256");
  out.body = body.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
  return out;
}

void append_error(std::string& out, ec code, std::string_view detail) {
  out.append("{\"code\":\"").append(to_string(code)).append("\",\"number\":");
  out.append(std::to_string(static_cast<unsigned>(code))).append(",\"detail\":");
  append_quoted(out, detail.empty() ? default_detail(code) : detail);
  out += '}';
}

void append_quoted(std::string& out, std::string_view text) {
  if (plain(text))
    out.append("\"").append(text).append("\"");
  else
    out += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace shoal::api
