#include "actors/gateway/passed_headers.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace shoal::gateway {
namespace {

constexpr char plain(char c) {
  if (c == '_')
    return '-';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr auto forwarded = std::string_view{"x-forwarded-"}, envoy = std::string_view{"x-envoy-"};

/// `name` is `known`, which is in lower case.
bool is(std::string_view name, std::string_view known) {
  return std::ranges::equal(name, known, {}, plain);
}

std::string lower(std::string_view text) {
  auto out = std::string{text};
  std::ranges::transform(out, out.begin(), plain);
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr auto space = " \t";
  auto begin = std::min(text.find_first_not_of(space), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(space) + 1);
}

/// By length first: this is asked for every header of every call.
bool is_known(std::string_view name) {
  auto any = [&](auto... names) { return (is(name, names) || ...); };
  switch (name.size()) {
  case 2:
    return any("te", "ts");
  case 3:
    return any("did");
  case 4:
    return any("host", "sign");
  case 5:
    return any("appid", "crypt", "nonce");
  case 6:
    return any("cookie", "expect", "userid");
  case 7:
    return any("trailer", "upgrade", "version");
  case 8:
    return any("signtype");
  case 9:
    return any("forwarded", "sign-type", "x-real-ip");
  case 10:
    return any("connection", "keep-alive");
  case 11:
    return any("traceparent", "workspaceid");
  case 12:
    return any("content-type", "grpc-timeout");
  case 13:
    return any("grpc-encoding", "if-none-match");
  case 14:
    return any("content-length", "http2-settings", "operation-type");
  case 15:
    return any("accept-encoding");
  case 16:
    return any("proxy-connection");
  case 17:
    return any("transfer-encoding");
  case 18:
    return any("proxy-authenticate");
  case 19:
    return any("proxy-authorization");
  case 21:
    return any("x-mgs-proxy-signature");
  case 32:
    return any("x-mgs-proxy-signature-secret-key");
  default:
    return false;
  }
}

/// A set and not a list that is searched: both the names and the fields can be a thousand.
std::set<std::string> nominated(const header_list& fields) {
  auto out = std::set<std::string>{};
  for (auto& [field, value] : fields) {
    if (!is(field, "connection"))
      continue;
    auto list = std::string_view{value};
    while (!list.empty()) {
      auto part = list.substr(0, list.find(','));
      list.remove_prefix(std::min(list.size(), part.size() + 1));
      auto name = trimmed(part);
      if (!name.empty() && !is(name, "keep-alive") && !is(name, "close"))
        out.insert(lower(name));
    }
  }
  return out;
}

} // namespace

bool is_kept_back(std::string_view name) {
  auto begins_with = [&](std::string_view family) {
    return name.size() > family.size() && is(name.substr(0, family.size()), family);
  };
  return is_known(name) || begins_with(forwarded) || begins_with(envoy);
}

bool is_of_the_answers_hop(std::string_view name) {
  constexpr auto hop = std::array<std::string_view, 14>{"te", "date", "tips", "memo", "trailer",
      "upgrade", "keep-alive", "content-type", "result-status", "content-length",
      "proxy-connection", "transfer-encoding", "proxy-authenticate", "proxy-authentication-info"};
  return std::ranges::any_of(
      hop, [&](auto x) { return x.size() == name.size() && http::same_name(x, name); });
}

void drop_nominated(header_list& fields) {
  auto names = nominated(fields);
  std::erase_if(fields, [&](auto& x) {
    return is(x.first, "connection") || (!names.empty() && names.contains(lower(x.first)));
  });
}

} // namespace shoal::gateway
