#include "protocol/mgw/request.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/mgw/json_text.hpp"
#include "protocol/percent.hpp"

namespace shoal::mgw {
namespace {

constexpr std::string_view form_type = "application/x-www-form-urlencoded";

enum class shape : std::uint8_t { identifier, words, operation, signature, digits, script_name };

struct field {
  std::string_view header; ///< empty: never a header
  std::string_view form;
  std::string call::*where;
  shape looks = shape::identifier;
};

constexpr auto fields = std::array{
    field{"Operation-Type", "operationType", &call::operation, shape::operation},
    field{"AppId", "appId", &call::app},
    field{"WorkspaceId", "workspaceId", &call::workspace},
    field{"ProductId", "productId", &call::product_id},
    field{"ProductVersion", "productVersion", &call::product_version},
    field{"Channel", "channel", &call::channel},
    field{"ClientOS", "clientOS", &call::client_os, shape::words},
    field{"UserId", "userId", &call::user},
    field{"Did", "did", &call::device},
    field{"SessionId", "sessionId", &call::session},
    field{"Uuid", "uuid", &call::uuid},
    field{"TrackId", "trackId", &call::track},
    field{"Ts", "ts", &call::ts, shape::digits},
    field{"Sign", "sign", &call::sign, shape::signature},
    field{"SignType", "signType", &call::sign_type},
    field{"Nonce", "nonce", &call::nonce},
    field{"Crypt", "crypt", &call::encryption},
    field{"", "callback", &call::callback, shape::script_name},
};

bool letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool all_of(std::string_view text, bool (*good)(char)) { return std::ranges::all_of(text, good); }

bool fits(std::string_view text, shape what, const call_limits& limits) {
  switch (what) {
  case shape::identifier:
    return text.size() <= limits.field && all_of(text, [](char c) { return c > ' ' && c <= '~'; });
  case shape::words:
    return text.size() <= limits.field && all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  case shape::operation:
    return text.size() <= limits.operation && all_of(text, [](char c) {
      return letter_or_digit(c) || c == '.' || c == '_' || c == '-' || c == '/' || c == ':';
    });
  case shape::signature:
    return text.size() <= limits.signature &&
           all_of(text, [](char c) { return c > ' ' && c <= '~'; });
  case shape::digits:
    return text.size() <= 15 && all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  case shape::script_name:
    return text.size() <= limits.field && !(text.front() >= '0' && text.front() <= '9') &&
           all_of(
               text, [](char c) { return letter_or_digit(c) || c == '_' || c == '$' || c == '.'; });
  }
  return false;
}

failure malformed(std::string_view what) { return {result::malformed_request, std::string{what}}; }

/// Puts one field into the call. Empty values count as absent.
std::optional<failure> put(
    const field& what, std::string_view value, const call_limits& limits, call& into) {
  if (value.empty())
    return {};
  if (!fits(value, what.looks, limits))
    return malformed(what.form);
  auto& place = into.*what.where;
  if (!place.empty() && place != value)
    return malformed(std::string{what.form} + " is given twice");
  place = value;
  return {};
}

std::optional<rpc_version> version_of(std::string_view text) {
  if (text == "1.0")
    return rpc_version::v1;
  if (text == "2.0")
    return rpc_version::v2;
  return {};
}

std::optional<failure> read_headers(
    const http::request& from, const call_limits& limits, call& into) {
  for (auto& [name, value] : from.headers) {
    // Most names differ in length, which is cheap to see.
    auto found = std::ranges::find_if(fields, [&name = name](auto& x) {
      return x.header.size() == name.size() && !name.empty() && http::same_name(x.header, name);
    });
    if (found == fields.end() && http::same_name(name, "Sign-Type"))
      found = std::ranges::find(fields, &call::sign_type, &field::where);
    if (found != fields.end())
      if (auto flaw = put(*found, value, limits, into))
        return flaw;
  }
  return {};
}

/// What the whole request says beside the fields of a call.
struct spelling {
  bool form = false; // the fields are in the body
  bool has_data = false;
  std::optional<rpc_version> version;
};

std::optional<failure> put_version(std::string_view text, call& into, spelling& how) {
  auto version = version_of(text);
  if (!version || (how.version && how.version != version))
    return malformed("version");
  how.version = version;
  into.version = *version;
  return {};
}

/// Fields of a form or query.
std::optional<failure> read_form(
    std::string_view text, const call_limits& limits, call& into, spelling& how) {
  while (!text.empty()) {
    auto part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    auto split = std::min(part.find('='), part.size());
    auto name = part.substr(0, split);
    auto found = std::ranges::find(fields, name, &field::form);
    if (found == fields.end() && name != "requestData" && name != "version")
      continue; // for the business, not for the gateway
    auto value = form_decoded(part.substr(std::min(part.size(), split + 1)));
    if (!value)
      return malformed(name);
    auto flaw = std::optional<failure>{};
    if (name == "version")
      flaw = put_version(*value, into, how);
    else if (name != "requestData")
      flaw = put(*found, *value, limits, into);
    else if (std::exchange(how.has_data, true))
      flaw = malformed("requestData is given twice");
    else
      into.data = std::move(*value);
    if (flaw)
      return flaw;
  }
  return {};
}

data_format format_of(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' '))
    type.remove_suffix(1);
  if (type.empty() || http::same_name(type, "application/json") || http::same_name(type, form_type))
    return data_format::json;
  if (http::same_name(type, "application/protobuf") ||
      http::same_name(type, "application/x-protobuf"))
    return data_format::protobuf;
  return data_format::other;
}

std::optional<failure> read_data(
    http::request& from, const call_limits& limits, call& into, spelling& how) {
  auto flaw = std::optional<failure>{};
  if (from.method == "GET") {
    flaw = read_form(from.query, limits, into, how);
  } else if (how.form) {
    flaw = read_form(from.body, limits, into, how);
  } else {
    into.data = std::move(from.body);
    from.body.clear();
  }
  if (!flaw && into.data.size() > limits.data)
    flaw = malformed("requestData is too large");
  return flaw;
}

} // namespace

std::optional<failure> read_call(http::request& from, const call_limits& limits, call& into) {
  if (from.method != "POST" && from.method != "GET")
    return malformed("method");
  auto how = spelling{};
  auto type = from.header("Content-Type");
  how.form = http::same_name(type.substr(0, form_type.size()), form_type);
  into.format = format_of(type);
  into.data_in_field = how.form || from.method == "GET";
  into.version = into.data_in_field ? rpc_version::v1 : rpc_version::v2;
  // The version comes first: also a refusal is written in it.
  if (auto text = from.header("Version"); !text.empty())
    if (auto flaw = put_version(text, into, how))
      return flaw;
  if (auto flaw = read_data(from, limits, into, how))
    return flaw;
  if (auto flaw = read_headers(from, limits, into))
    return flaw;
  if (into.operation.empty())
    return failure{result::operation_missing, "operationType is missing"};
  if (into.app.empty())
    return malformed("appId is missing");
  if (into.workspace.empty())
    return malformed("workspaceId is missing");
  if (into.data.empty())
    return failure{result::request_data_empty, ""};
  return {};
}

std::optional<failure> read_call_headers(
    const http::request& from, const call_limits& limits, call& into) {
  into.format = format_of(from.header("Content-Type"));
  return read_headers(from, limits, into);
}

std::optional<failure> put_field(
    std::string_view name, std::string_view value, const call_limits& limits, call& into) {
  auto found = std::ranges::find(fields, name, &field::form);
  return found == fields.end() ? malformed(name) : put(*found, value, limits, into);
}

std::optional<std::string_view> request_body(std::string_view request_data) {
  auto elements = json_elements(request_data);
  if (!elements)
    return {};
  if (elements->size() == 1 && elements->front().starts_with('{')) {
    auto members = json_members(elements->front());
    for (auto& member : members ? *members : std::vector<json_member>{})
      if (member.name == "_requestBody")
        return member.value;
  }
  return request_data;
}

} // namespace shoal::mgw
