#include "actors/gateway/authorizer.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/gateway/header_rules.hpp"
#include "protocol/mgw/json_text.hpp"
#include "protocol/signing.hpp"

namespace shoal::gateway {
namespace {

constexpr std::size_t max_principal = 32; // headers, and 4 KiB of each value
constexpr std::size_t max_value = 4096;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
}

/// What frames the request to the backend is not the authorizer's to say.
bool is_framing(std::string_view name) {
  for (auto x : {"host", "content-length", "content-type", "transfer-encoding", "connection", "te",
           "upgrade", "expect", "trailer"})
    if (http::same_name(x, name))
      return true;
  return false;
}

} // namespace

std::string_view cookie_of(const header_list& headers, std::string_view name) {
  auto rest = header_of(headers, "Cookie");
  while (!rest.empty()) {
    auto part = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    while (part.starts_with(' '))
      part.remove_prefix(1);
    if (part.substr(0, part.find('=')) == name)
      return part.substr(std::min(part.size(), name.size() + 1));
  }
  return {};
}

std::optional<identity> identity_of(const authorizer_rule& rule, const header_list& headers) {
  auto out = identity{};
  for (auto& x : rule.sources) {
    auto value =
        x.location == param_place::cookie ? cookie_of(headers, x.name) : header_of(headers, x.name);
    if (value.empty())
      return {};
    out.emplace_back(x.name, value);
  }
  return out;
}

call question_of(const authorizer_rule& rule, const call& about, const identity& who) {
  auto body = std::string{"[{\"_requestBody\":{\"operationType\":"};
  mgw::append_json_string(body, about.what.operation);
  body.append(",\"context\":{");
  for (auto i = std::size_t{0}; i < who.size(); ++i) {
    body.append(i == 0 ? "" : ",");
    mgw::append_json_string(body, who[i].first);
    body.append(":");
    mgw::append_json_string(body, who[i].second);
  }
  body.append("}}}]");
  auto out = call{};
  out.by = entrance::inside;
  out.what.operation = rule.operation;
  out.what.app = about.what.app;
  out.what.workspace = about.what.workspace;
  out.what.user = about.what.user;
  out.what.device = about.what.device;
  out.proven = about.proven;
  out.what.data = std::move(body);
  out.ip = about.ip;
  out.trace_id = about.trace_id;
  return out;
}

verdict verdict_of(const mgw::answer& x) {
  auto out = verdict{};
  auto said = nlohmann::json::parse(x.result_data, nullptr, false);
  if (!said.is_object())
    return out;
  if (auto status = said.find("resultStatus"); status != said.end() && *status == 2000)
    out.code = mgw::result::not_logged_in;
  auto authorized = said.find("authorized");
  if (x.code != mgw::result::success || authorized == said.end() || *authorized != true)
    return out;
  out.code = mgw::result::success;
  auto principal = said.find("principal");
  if (principal == said.end() || !principal->is_object())
    return out;
  for (auto& [name, value] : principal->items()) {
    auto text = value.is_string() ? value.get<std::string>() : value.dump();
    if (out.principal.size() < max_principal && is_name(name) && !is_framing(name) &&
        text.size() <= max_value && fits_one_line(text))
      out.principal.emplace_back(name, std::move(text));
  }
  return out;
}

std::string proven_user(const call& x, const header_list& principal) {
  if (auto said = header_of(principal, "UserId"); !said.empty())
    return std::string{said};
  return x.proven ? x.what.user : std::string{};
}

std::string proven_device(const call& x, const header_list& principal) {
  if (auto said = header_of(principal, "Did"); !said.empty())
    return std::string{said};
  return x.proven ? x.what.device : std::string{};
}

std::string authorizer_key(const authorizer_rule& rule, app_no in, const identity& who) {
  auto text = to_string(in) + "\n" + rule.name + "\n" + std::to_string(rule.revision);
  for (auto& [name, value] : who)
    text.append("\n").append(std::to_string(value.size())).append(":").append(value);
  return sha256(text);
}

const header_list* principal_cache::find(const std::string& key, std::int64_t now_ms) const {
  auto found = known_.find(key);
  return found == known_.end() || now_ms >= found->second.until_ms ? nullptr
                                                                   : &found->second.principal;
}

void principal_cache::keep(const std::string& key, const authorizer_rule& rule,
    const header_list& principal, std::int64_t now_ms) {
  if (!rule.cache || rule.cache_ttl_s == 0)
    return;
  if (known_.size() >= capacity_)
    std::erase_if(known_, [&](auto& x) { return now_ms >= x.second.until_ms; });
  if (known_.size() >= capacity_)
    known_.clear();
  known_[key] = {principal, now_ms + std::int64_t{1000} * rule.cache_ttl_s};
}

} // namespace shoal::gateway
