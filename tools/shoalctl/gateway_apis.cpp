// Commands about the gateway's APIs: define, open and close, look back, try out.
#include <chrono>
#include <optional>

#include "protocol/http/message.hpp"
#include "protocol/mgw/envelope_cipher.hpp"
#include "protocol/percent.hpp"
#include "protocol/signing.hpp"
#include "protocol/utf8.hpp"
#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {
namespace {

using kind = argument::kind;

const argument operation{"operation", "e.g. com.shop.order.create", kind::positional, true, false};

std::string path_of(const given& values, const session& s, std::string_view rest = "") {
  auto out = s.of_app("/gateway/apis/" + url_encoded(values.text("operation")));
  return out.append(rest);
}

auto simple(std::string_view method, std::string_view rest) {
  return [method, rest](const given& values, session& s) {
    s.emit(s.ask(method, path_of(values, s, rest)));
    return 0;
  };
}

/// "?a=1&b=2" of the flags that were given.
std::string query_of(const given& values, std::initializer_list<std::string_view> flags) {
  auto out = std::string{};
  for (auto flag : flags) {
    if (!values.has(flag))
      continue;
    auto name = std::string{flag.substr(2)};
    for (auto& c : name)
      if (c == '-')
        c = '_';
    out.append(out.empty() ? "?" : "&").append(name).append("=");
    out.append(percent_encoded(values.text(flag)));
  }
  return out;
}

/// A change of an API, of which a table shows one line.
command brief(command x) {
  x.line = {"operation", "status", "group", "method", "path", "version"};
  return x;
}

command list_command() {
  return {"gateway api list", "APIs that fit all that is given, by operation",
      {{"--status", "online or offline", kind::text}, {"--kind", "proxy or aggregate", kind::text},
          {"--group", "of this group", kind::text},
          {"--host", "with a backend at this host", kind::text},
          {"--format", "json or protobuf", kind::text},
          {"--method", "of the REST entry", kind::text},
          {"--need-sign", "true or false", kind::text},
          {"--need-encrypt", "true or false", kind::text},
          {"--need-etag", "true or false", kind::text},
          {"--operation", "exactly this one", kind::text},
          {"--q", "part of operation, name, description or path", kind::text},
          {"--after", "start behind this operation", kind::text},
          {"--limit", "how many; 100", kind::number}},
      {"operation", "status", "group", "method", "path", "version", "name"}, "apis",
      [](const given& values, session& s) {
        s.emit(s.ask("GET",
            s.of_app("/gateway/apis") +
                query_of(values, {"--status", "--kind", "--group", "--host", "--format", "--method",
                                     "--need-sign", "--need-encrypt", "--need-etag", "--operation",
                                     "--q", "--after", "--limit"})));
        return 0;
      }};
}

command set_command() {
  auto out = command{"gateway api set", "Create an API, or change what is given",
      {operation, {"--file", "JSON with any of its fields; - is standard input", kind::text},
          {"--name", "for people", kind::text, false, true},
          {"--description", "for people", kind::text, false, true},
          {"--group", "backends that serve it", kind::text, false, true},
          {"--method", "of its REST entry", kind::text, false, true},
          {"--path", "of its REST entry, e.g. /orders/{id}", kind::text, false, true},
          {"--backend-method", "method of the backend's call", kind::text},
          {"--backend-path", "path of the backend's call", kind::text},
          {"--timeout-ms", "0: the group's", kind::number, false, true},
          {"--need-sign", "true: only signed calls", kind::boolean, false, true},
          {"--need-encrypt", "true: only encrypted calls", kind::boolean, false, true},
          {"--need-etag", "true: unchanged answers are 304", kind::boolean, false, true},
          {"--need-jsonp", "true: may be called so", kind::boolean, false, true},
          {"--auth-rule", "who says who calls; empty: nobody", kind::text, false, true},
          {"--status", "online or offline", kind::text, false, true}},
      {}, "", {}};
  out.run = [out](const given& values, session& s) {
    auto body = json::object();
    if (values.has("--file"))
      body = json::parse(read_file(values.text("--file")), nullptr, false);
    if (!body.is_object())
      throw bad_usage{values.text("--file") + " holds no JSON object"};
    body.update(body_of(out, values));
    if (values.has("--backend-method"))
      body["backend"]["method"] = values.text("--backend-method");
    if (values.has("--backend-path"))
      body["backend"]["path"] = values.text("--backend-path");
    auto path = path_of(values, s);
    auto exists = s.server.call("GET", path, "").status == 200;
    s.emit(s.ask(exists ? "PATCH" : "PUT", path, body));
    return 0;
  };
  return out;
}

std::string header_in(const reply& x, std::string_view name) {
  for (auto& [key, value] : x.headers)
    if (http::same_name(key, name))
      return value;
  return "";
}

/// What is sent: text, or the bytes of an encrypted call.
std::string sent_body(const json& call) {
  if (!call.contains("body_base64"))
    return call["body"].get<std::string>();
  auto out = std::string{};
  if (!unbase64(call["body_base64"].get<std::string>(), out))
    throw unreachable{"the body of the server's test call is no base64"};
  return out;
}

/// Replaces the result of an encrypted call by what is in it. It is the whole body, or `result` of
/// an envelope, in base64.
std::optional<std::string> opened(const json& call, const std::string& sealed) {
  auto key = std::string{};
  unbase64(call["encryption"]["answer_key"].get<std::string>(), key);
  auto& headers = call["headers"];
  auto called = headers["Operation-Type"].get<std::string>();
  auto app = headers["AppId"].get<std::string>();
  auto workspace = headers["WorkspaceId"].get<std::string>();
  auto where = mgw::cipher_context{called, app, workspace};
  auto bytes = sealed;
  if (auto whole = json::parse(sealed, nullptr, false); whole.is_object()) {
    if (!whole.contains("result") || !whole["result"].is_string())
      return {}; // a refusal, which nothing is hidden in
    unbase64(whole["result"].get<std::string>(), bytes);
  }
  return mgw::open_response(std::string_view{key}, bytes, where);
}

// The server signs the call as a client would, and encrypts it if the API wants that; it then comes
// in by the front door like any other.
int test(const given& values, session& s) {
  auto body = json::object();
  if (values.has("--data")) {
    auto text = values.text("--data");
    if (text.starts_with('@'))
      text = read_file(text.substr(1));
    body["request_data"] = json::parse(text, nullptr, false);
    if (body["request_data"].is_discarded())
      throw bad_usage{"--data is not JSON"};
  }
  auto call = s.ask("POST", path_of(values, s, "/test-call"), body);
  auto headers = header_list{};
  for (auto& [name, value] : call["headers"].items())
    headers.emplace_back(name, value.get<std::string>());
  auto began = std::chrono::steady_clock::now();
  auto answer = s.server.plain(
      call["method"].get<std::string>(), call["path"].get<std::string>(), headers, sent_body(call));
  auto took = std::chrono::steady_clock::now() - began;
  auto encrypted = call.contains("encryption");
  auto inside = encrypted ? opened(call, answer.body) : std::nullopt;
  if (inside)
    answer.body = *inside;
  auto result = json::parse(answer.body, nullptr, false);
  auto status = header_in(answer, "Result-Status");
  auto out = json{{"result_status", status}, {"http_status", answer.status},
      {"took_ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}};
  for (auto name : {"Tips", "Memo"})
    if (auto value = header_in(answer, name); !value.empty())
      out[name == std::string_view{"Tips"} ? "tips" : "memo"] = form_decoded(value).value_or(value);
  if (call.contains("warning"))
    out["warning"] = call["warning"];
  if (encrypted)
    out["encrypted"] = call["encryption"]["wrap"];
  if (encrypted && !inside && status == "1000" && !answer.body.empty())
    out["warning"] = "the answer is not encrypted for this call";
  out["request_data"] = call.contains("request_data")
                            ? call["request_data"]
                            : json::parse(call["body"].get<std::string>(), nullptr, false);
  out["result"] = !result.is_discarded()    ? result
                  : valid_utf8(answer.body) ? json(answer.body)
                                            : json(base64(answer.body));
  s.emit(std::move(out));
  return status == "1000" ? 0 : 1;
}

int diff(const given& values, session& s) {
  s.emit(s.ask("GET", path_of(values, s, "/diff") + query_of(values, {"--from", "--to"})));
  return 0;
}

int roll_back(const given& values, session& s) {
  auto body = json::object();
  if (values.has("--version")) {
    body["version"] = json::parse(values.text("--version"), nullptr, false);
    if (!body["version"].is_number_unsigned())
      throw bad_usage{"--version must be a whole number"};
  }
  s.emit(s.ask("POST", path_of(values, s, "/rollback"), body));
  return 0;
}

} // namespace

std::vector<command> gateway_api_commands() {
  return {list_command(),
      {"gateway api show", "One API with all its fields", {operation}, {}, "", simple("GET", "")},
      brief(set_command()),
      {"gateway api delete", "Remove an API and its versions", {operation}, {}, "",
          simple("DELETE", "")},
      brief({"gateway api online", "Take calls from now on", {operation}, {}, "",
          simple("POST", "/online")}),
      brief({"gateway api offline", "Take no calls", {operation}, {}, "",
          simple("POST", "/offline")}),
      {"gateway api versions", "What it was: the newest 50", {operation},
          {"version", "time_ms", "by", "status", "changed", "note"}, "versions",
          simple("GET", "/versions")},
      {"gateway api diff", "What differs between two versions",
          {operation, {"--from", "the one before --to", kind::number},
              {"--to", "the current one", kind::number}},
          {"field", "before", "after"}, "differences", diff},
      brief({"gateway api rollback", "Make it what it was; whether it is online stays",
          {operation, {"--version", "the one before the current", kind::number}}, {}, "",
          roll_back}),
      {"gateway api example", "requestData that fits its model", {operation}, {}, "",
          simple("GET", "/example")},
      {"gateway api test", "Call it as a client would; 0 if the result is 1000",
          {operation,
              {"--data", "requestData as JSON, or @FILE; made up if not given", kind::text}},
          {}, "", test}};
}

} // namespace shoal::ctl
