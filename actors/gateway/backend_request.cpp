#include "actors/gateway/backend_request.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <nlohmann/json.hpp>

#include "actors/gateway/authorizer.hpp"
#include "actors/gateway/deadline.hpp"
#include "actors/gateway/header_rules.hpp"
#include "actors/gateway/local_backend.hpp"
#include "actors/gateway/passed_headers.hpp"
#include "actors/gateway/path_check.hpp"
#include "actors/gateway/path_params.hpp"
#include "protocol/mgw/json_text.hpp"
#include "protocol/percent.hpp"

namespace shoal::gateway {
namespace {

using mgw::failure;
using mgw::result;

failure malformed(std::string_view what) { return {result::malformed_request, std::string{what}}; }

/// The text of a JSON value as it stands in a path or query: strings without quotes.
std::optional<std::string> plain_text(std::string_view json) {
  if (json.starts_with('"')) {
    auto x = nlohmann::json::parse(json, nullptr, false);
    if (!x.is_string())
      return {};
    return x.get<std::string>();
  }
  return std::string{json};
}

/// Values by parameter, out of the call's first argument.
class arguments {
public:
  /// `names`: of the parameters, in their order.
  std::optional<failure> read(const call& x, const std::vector<std::string_view>& names) {
    auto elements = mgw::json_elements(x.what.data);
    if (!elements)
      return malformed("requestData is no JSON array");
    if (elements->empty())
      return {};
    // One object names its members; anything else is positional.
    if (elements->size() == 1 && elements->front().starts_with('{')) {
      members_ = mgw::json_members(elements->front()).value_or(members{});
      return {};
    }
    for (auto i = std::size_t{0}; i < std::min(elements->size(), names.size()); ++i)
      members_.push_back({names[i], (*elements)[i]});
    return {};
  }

  /// JSON text; nothing if the call does not have it and the definition has no default.
  std::optional<std::string_view> value(const api_param& p) const {
    if (auto found = find(p.name))
      return found;
    if (!p.default_value.empty())
      return p.default_value.text;
    return {};
  }

private:
  using members = std::vector<mgw::json_member>;

  std::optional<std::string_view> find(std::string_view name) const {
    for (auto& x : members_)
      if (x.name == name)
        return x.value;
    return {};
  }

  members members_;
};

struct parts {
  std::string method, path, query, content_type;
  std::string cookies;
  header_list headers;
  std::string_view body;
  std::string made_body; // what `body` points to if it was not in the call
  std::vector<std::pair<std::string, std::string>> path_values;
};

void add_query(std::string& query, std::string_view name, std::string_view value) {
  if (!query.empty())
    query += '&';
  query.append(percent_encoded(name)).append("=").append(percent_encoded(value));
}

std::optional<failure> place_in_path(const std::string& name, std::string_view text, parts& into) {
  auto value = percent_encoded(text);
  if (auto flaw = path_flaw(value); !flaw.empty())
    return malformed(std::string{name}.append(": ").append(flaw));
  into.path_values.emplace_back(name, std::move(value));
  return {};
}

std::optional<failure> place(const api_param& p, std::string_view json, parts& into) {
  if (p.location == param_place::body) {
    into.made_body.append(into.made_body.empty() ? "{" : ",");
    mgw::append_json_string(into.made_body, p.name);
    into.made_body.append(":").append(json);
    return {};
  }
  auto text = plain_text(json);
  if (!text)
    return malformed(p.name);
  switch (p.location) {
  case param_place::path:
    return place_in_path(p.name, *text, into);
  case param_place::query:
    add_query(into.query, p.name, *text);
    break;
  case param_place::header:
    if (!fits_one_line(*text))
      return malformed(p.name);
    into.headers.emplace_back(p.name, std::move(*text));
    break;
  case param_place::cookie:
    into.cookies.append(into.cookies.empty() ? "" : "; ");
    into.cookies.append(p.name).append("=").append(percent_encoded(*text));
    break;
  case param_place::body:
    break;
  }
  return {};
}

std::optional<failure> map_param(const arguments& given, const api_param& p, parts& into) {
  if (auto value = given.value(p))
    return place(p, *value, into);
  return p.required ? std::optional{malformed(p.name + " is missing")} : std::nullopt;
}

std::optional<failure> map_params(const call& x, const api_definition& api, parts& into) {
  const auto implied = implied_params(api);
  if (api.params.empty() && implied.empty())
    return {};
  auto lists = std::array{&api.params, &implied};
  auto names = std::vector<std::string_view>{};
  for (auto* list : lists)
    for (auto& p : *list)
      names.push_back(p.name);
  auto given = arguments{};
  if (auto flaw = given.read(x, names))
    return flaw;
  for (auto* list : lists)
    for (auto& p : *list)
      if (auto flaw = map_param(given, p, into))
        return flaw;
  if (!into.made_body.empty()) {
    into.made_body += '}';
    into.body = into.made_body;
  }
  return {};
}

/// "/orders/{id}" with the values of the call. Names that nobody filled in are refused. Looked at
/// once more as a whole: a value that is harmless may be none beside the text around it.
std::optional<failure> fill_path(std::string_view pattern, parts& into) {
  auto prefix = into.path.size();
  while (!pattern.empty()) {
    auto open = pattern.find('{');
    into.path.append(pattern.substr(0, open));
    if (open == std::string_view::npos)
      break;
    auto close = pattern.find('}', open);
    auto name = pattern.substr(open + 1, close - open - 1);
    if (name.ends_with('*'))
      name.remove_suffix(1);
    auto found = std::ranges::find(
        into.path_values, name, [](auto& p) { return std::string_view{p.first}; });
    if (found == into.path_values.end() || found->second.empty())
      return malformed(std::string{name} + " is missing");
    into.path.append(found->second);
    pattern.remove_prefix(close == std::string_view::npos ? pattern.size() : close + 1);
  }
  auto flaw = path_flaw(std::string_view{into.path}.substr(prefix));
  return flaw.empty() ? std::nullopt : std::optional{malformed(flaw)};
}

std::optional<failure> by_operation(const call& x, const api_definition& api, parts& into) {
  into.method = !api.backend.method.empty() ? api.backend.method
                : !api.method.empty()       ? api.method
                                            : "POST";
  auto has_body = into.method != "GET" && into.method != "HEAD" && into.method != "DELETE";
  if (x.what.format == mgw::data_format::json) {
    into.content_type = "application/json";
    if (has_body) {
      auto body = mgw::request_body(x.what.data);
      if (!body)
        return malformed("requestData is no JSON array");
      into.body = *body;
    }
    if (auto flaw = map_params(x, api, into))
      return flaw;
    if (!has_body)
      into.body = {};
  } else if (has_body) {
    into.content_type = header_of(x.headers, "Content-Type");
    if (into.content_type.empty())
      into.content_type = x.what.format == mgw::data_format::protobuf ? "application/protobuf"
                                                                      : "application/octet-stream";
    into.body = x.what.data;
  }
  auto& pattern = !api.backend.path.empty() ? api.backend.path : api.path;
  return fill_path(pattern.empty() ? std::string_view{"/"} : std::string_view{pattern}, into);
}

std::optional<failure> by_path(const call& x, const api_definition& api, parts& into) {
  into.method = api.backend.method.empty() ? x.method : api.backend.method;
  into.content_type = header_of(x.headers, "Content-Type");
  into.body = x.what.data;
  into.query = x.query;
  if (api.backend.path.empty()) {
    into.path.append(x.path);
    return {};
  }
  for (auto& [name, value] : rest_params(api.path, x.path))
    into.path_values.emplace_back(name, value);
  return fill_path(api.backend.path, into);
}

std::optional<failure> by_grpc(const call& x, const backend_wish& wish, parts& into) {
  into.method = "POST";
  into.path.append(grpc_path(wish.api));
  into.content_type = "application/grpc";
  into.headers = {{"TE", "trailers"}, {"grpc-timeout", grpc_timeout(wish.left)}};
  auto flaw = write_grpc_message(x, *wish.types, into.made_body);
  into.body = into.made_body;
  return flaw;
}

void add(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty() && fits_one_line(value))
    out.append(name).append(": ").append(value).append("\r\n");
}

void write_number(std::string& out, std::size_t n) {
  auto digits = std::array<char, 24>{};
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
  out.append(digits.data(), end);
}

/// gRPC has it as grpc-timeout. Definitions may say something else under its name, or nothing.
template <class Add>
void put_deadline(const backend_wish& wish, Add put) {
  if (wish.left.count() <= 0 || wish.group.set.kind == backend_kind::grpc ||
      is_ruled(wish.api.headers, header_place::request, deadline_header))
    return;
  auto digits = std::array<char, 24>{};
  auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), wish.left.count()).ptr;
  put(deadline_header, std::string_view{digits.data(), end});
}

/// What the gateway itself says about the call. An authorizer knows better who is calling than the
/// client.
template <class Add>
void each_of_ours(const call& x, const backend_wish& wish, Add put) {
  auto unless_said = [&](std::string_view name, std::string_view value) {
    if (wish.principal.empty() || header_of(wish.principal, name).empty())
      put(name, value);
  };
  put("X-Forwarded-For", x.ip);
  put("traceparent", wish.traceparent);
  put("Operation-Type", wish.api.operation);
  put("AppId", x.what.app);
  put("WorkspaceId", x.what.workspace);
  unless_said("UserId", x.what.user);
  unless_said("Did", x.what.device);
  for (auto& [name, value] : wish.principal)
    put(name, value);
  put_deadline(wish, put);
}

/// What the client sent along, and what the rules and parameters of the definition make of it.
template <class Add>
void each_of_the_callers(const call& x, const backend_wish& wish, const parts& p, Add put) {
  auto replaces = !wish.api.headers.empty() || !wish.principal.empty();
  auto replaced = [&](std::string_view name) {
    return replaces && (is_ruled(wish.api.headers, header_place::request, name) ||
                           !header_of(wish.principal, name).empty());
  };
  for (auto& [name, value] : x.headers)
    if (!is_kept_back(name) && !replaced(name))
      put(name, value);
  for (auto& [name, value] : p.headers)
    put(name, value);
  auto cookies = std::string{header_of(x.headers, "Cookie")};
  if (!p.cookies.empty())
    cookies.append(cookies.empty() ? "" : "; ").append(p.cookies);
  put("Cookie", cookies);
}

void write_head(const call& x, const backend_wish& wish, const parts& p, std::string& out) {
  out.reserve(512 + p.path.size() + p.query.size() + p.body.size() + x.headers.size() * 48);
  out.append(p.method).append(" ").append(p.path);
  if (!p.query.empty())
    out.append("?").append(p.query);
  out.append(" HTTP/1.1\r\n");
  auto put = [&](std::string_view name, std::string_view value) { add(out, name, value); };
  put("Host", wish.group.set.host.empty() ? wish.host : std::string_view{wish.group.set.host});
  if (!p.body.empty() || (p.method != "GET" && p.method != "HEAD" && p.method != "DELETE")) {
    put("Content-Type", p.content_type);
    out.append("Content-Length: ");
    write_number(out, p.body.size());
    out.append("\r\n");
  }
  each_of_ours(x, wish, put);
  each_of_the_callers(x, wish, p, put);
}

/// Everything that does not depend on how the backend is reached.
std::optional<failure> assemble(const call& x, const backend_wish& wish, parts& p) {
  p.path = wish.group.set.path_prefix;
  auto grpc = wish.group.set.kind == backend_kind::grpc;
  auto flaw = grpc          ? by_grpc(x, wish, p)
              : x.is_rest() ? by_path(x, wish.api, p)
                            : by_operation(x, wish.api, p);
  if (!flaw && wish.conversion)
    flaw = wish.conversion->write_body(p.body, p.made_body);
  if (flaw)
    return flaw;
  if (!grpc && !wish.api.backend.content_type.empty())
    p.content_type = wish.api.backend.content_type;
  if (!grpc && !wish.api.backend.charset.empty() &&
      p.content_type.find("charset") == std::string::npos)
    p.content_type.append("; charset=").append(wish.api.backend.charset);
  apply_rules(
      wish.api.headers, header_place::request, rule_values::of(x, wish.traceparent), p.headers);
  return {};
}

} // namespace

std::optional<failure> write_backend_request(
    const call& x, const backend_wish& wish, backend_bytes& into) {
  auto p = parts{};
  if (auto flaw = assemble(x, wish, p))
    return flaw;
  into.bytes.clear();
  write_head(x, wish, p, into.bytes);
  if (wish.group.signer) {
    auto signed_request = mgw::backend_request{p.method, p.path, p.query, p.content_type, {}};
    if (!p.body.empty())
      signed_request.body = p.body;
    add(into.bytes, "X-Mgs-Proxy-Signature", wish.group.signer->sign(signed_request));
    add(into.bytes, "X-Mgs-Proxy-Signature-Secret-Key", wish.group.signer->key_id());
  }
  into.bytes.append("\r\n").append(p.body);
  into.is_head = p.method == "HEAD";
  into.idempotent = p.method != "POST" && p.method != "PATCH";
  return {};
}

std::optional<failure> write_local_request(
    const call& x, const backend_wish& wish, local_request& into) {
  auto p = parts{};
  if (auto flaw = assemble(x, wish, p))
    return flaw;
  into.operation = wish.api.operation;
  into.app = x.what.app;
  into.workspace = x.what.workspace;
  into.user = proven_user(x, wish.principal);
  into.device = proven_device(x, wish.principal);
  into.principal = wish.principal;
  into.body = p.body;
  into.method = std::move(p.method);
  into.path = std::move(p.path);
  into.query = std::move(p.query);
  into.content_type = std::move(p.content_type);
  into.ip = x.ip;
  into.traceparent = wish.traceparent;
  each_of_the_callers(x, wish, p, [&](std::string_view name, std::string_view value) {
    if (!value.empty() && fits_one_line(value))
      into.headers.emplace_back(name, value);
  });
  return {};
}

} // namespace shoal::gateway
