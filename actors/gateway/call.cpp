#include "actors/gateway/call.hpp"

#include <algorithm>
#include <array>

namespace shoal::gateway {

std::string_view to_string(entrance x) {
  switch (x) {
  case entrance::http_1:
    return "http/1.1";
  case entrance::http_2:
    return "h2";
  case entrance::websocket:
    return "websocket";
  case entrance::device:
    return "device";
  case entrance::inside:
    return "inside";
  }
  return "";
}

std::string_view header_of(const header_list& from, std::string_view name) {
  for (auto& [key, value] : from)
    if (key.size() == name.size() && http::same_name(key, name))
      return value;
  return {};
}

std::string_view query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.substr(0, part.find('=')) == name)
      return part.substr(std::min(part.size(), name.size() + 1));
  }
  return {};
}

bool is_about_a_body(std::string_view header) {
  constexpr auto names =
      std::array<std::string_view, 4>{"Accept", "Content-Type", "Content-Length", "If-None-Match"};
  return std::ranges::any_of(names, [&](auto name) { return http::same_name(header, name); });
}

answer answer_of(mgw::result code, std::string memo) {
  auto out = answer{};
  out.what.code = code;
  out.what.memo = std::move(memo);
  return out;
}

int http_status_of(mgw::result code) {
  using mgw::result;
  switch (code) {
  case result::success:
    return 200;
  case result::access_denied:
  case result::unauthorized:
  case result::cors_preflight:
    return 403;
  case result::limit_exceeded:
    return 429;
  case result::not_logged_in:
    return 401;
  case result::operation_missing:
    return 404;
  case result::request_data_empty:
  case result::malformed_request:
  case result::decryption_failed:
    return 400;
  case result::backend_timeout:
    return 504;
  case result::backend_failed:
  case result::backend_unknown_host:
  case result::target_service_missing:
    return 502;
  case result::unknown_error:
    return 500;
  case result::key_missing:
  case result::signature_incomplete:
  case result::signature_mismatch:
  case result::timestamp_outside_window:
  case result::timestamp_missing:
  case result::signature_missing:
    return 401;
  }
  return 502; // a backend's own code
}

http::response to_response(answer&& x, mgw::rpc_version version) {
  auto bare = x.bare && !x.what.result_data.empty();
  auto body = std::string{};
  auto type = std::string{};
  if (bare) {
    body = std::move(x.what.result_data);
    type = std::move(x.what.content_type);
    x.what.result_data.clear();
  }
  if (!x.callback.empty())
    version = mgw::rpc_version::v1;
  auto out = mgw::make_response(std::move(x.what), version);
  out.status = x.status;
  if (!x.callback.empty()) {
    // The comment keeps the first bytes of the answer out of the caller's hands.
    out.body = "/**/" + x.callback + "(" + out.body + ");";
    out.content_type = "application/javascript";
  }
  if (bare || x.status == 204 || x.status == 304) {
    out.body = std::move(body);
    out.content_type = std::move(type);
  }
  out.headers.reserve(out.headers.size() + x.headers.size());
  std::ranges::move(x.headers, std::back_inserter(out.headers));
  return out;
}

} // namespace shoal::gateway
