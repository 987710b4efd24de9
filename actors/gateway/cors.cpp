#include "actors/gateway/cors.hpp"

#include <algorithm>

namespace shoal::gateway {
namespace {

constexpr std::string_view call_headers =
    "Operation-Type, AppId, WorkspaceId, Version, Content-Type, Ts, Sign, SignType, Nonce, Crypt, "
    "UserId, Did, SessionId, Uuid, TrackId, ProductId, ProductVersion, Channel, ClientOS, Region, "
    "X-Envoy-Expected-Rq-Timeout-Ms";

std::string joined(const std::vector<std::string>& list) {
  auto out = std::string{};
  for (auto& x : list)
    out.append(out.empty() ? "" : ", ").append(x);
  return out;
}

bool is_any(const cors_rule& rule) {
  return std::ranges::find(rule.origins, "*") != rule.origins.end();
}

void allow(const cors_rule& rule, std::string_view origin, header_list& to) {
  auto any = is_any(rule) && !rule.credentials;
  to.emplace_back("Access-Control-Allow-Origin", any ? "*" : origin);
  if (!any)
    to.emplace_back("Vary", "Origin");
  if (rule.credentials)
    to.emplace_back("Access-Control-Allow-Credentials", "true");
}

} // namespace

bool may_call(const cors_rule& rule, std::string_view origin) {
  return rule.origins.empty() || is_any(rule) ||
         std::ranges::find(rule.origins, origin) != rule.origins.end();
}

void add_cors_headers(const cors_rule& rule, std::string_view origin, header_list& to) {
  if (rule.origins.empty())
    return;
  allow(rule, origin, to);
  to.emplace_back("Access-Control-Expose-Headers", "Result-Status, Tips, Memo, ETag");
}

http::response preflight_answer(const cors_rule& rule, std::string_view origin) {
  if (rule.origins.empty() || !may_call(rule, origin)) {
    auto out = answer_of(mgw::result::cors_preflight);
    out.status = http_status_of(out.what.code);
    return to_response(std::move(out), mgw::rpc_version::v2);
  }
  auto out = http::response{204, "", {}, ""};
  allow(rule, origin, out.headers);
  out.headers.emplace_back("Access-Control-Allow-Methods", joined(rule.methods));
  out.headers.emplace_back("Access-Control-Allow-Headers",
      rule.headers.empty() ? std::string{call_headers} : joined(rule.headers));
  out.headers.emplace_back("Access-Control-Max-Age", std::to_string(rule.max_age_s));
  return out;
}

} // namespace shoal::gateway
