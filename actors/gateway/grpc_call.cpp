#include "actors/gateway/grpc_call.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/mgw/json_text.hpp"
#include "protocol/mgw/request.hpp"
#include "protocol/percent.hpp"
#include "protocol/utf8.hpp"

namespace shoal::gateway {
namespace {

using mgw::result;

constexpr std::size_t prefix = 5;
constexpr int missing = -1;

/// As of bodies that are converted for other backends.
mgw::transcode_options limits() {
  auto out = mgw::transcode_options{};
  out.max_in = out.max_out = 4 * 1024 * 1024;
  return out;
}

struct status_rule {
  result code;
  int http;   ///< of a REST call
  bool fault; ///< of the instance
};

/// By grpc-status. What a backend says about the business of a call is its own code, 6000 and more.
constexpr auto statuses = std::array<status_rule, 17>{{
    {result::success, 200, false},                // OK
    {result::backend_failed, 499, false},         // CANCELLED
    {result::backend_failed, 500, true},          // UNKNOWN
    {result::malformed_request, 400, false},      // INVALID_ARGUMENT
    {result::backend_timeout, 504, true},         // DEADLINE_EXCEEDED
    {static_cast<result>(6005), 404, false},      // NOT_FOUND
    {static_cast<result>(6006), 409, false},      // ALREADY_EXISTS
    {result::access_denied, 403, false},          // PERMISSION_DENIED
    {result::limit_exceeded, 429, false},         // RESOURCE_EXHAUSTED
    {static_cast<result>(6009), 400, false},      // FAILED_PRECONDITION
    {static_cast<result>(6010), 409, false},      // ABORTED
    {static_cast<result>(6011), 400, false},      // OUT_OF_RANGE
    {result::target_service_missing, 501, false}, // UNIMPLEMENTED
    {result::backend_failed, 500, true},          // INTERNAL
    {result::backend_failed, 503, true},          // UNAVAILABLE
    {result::backend_failed, 500, true},          // DATA_LOSS
    {result::not_logged_in, 401, false},          // UNAUTHENTICATED
}};

std::string frame(std::string_view message) {
  auto out = std::string(prefix, '\0');
  for (auto i = 0u; i < 4; ++i)
    out[1 + i] = static_cast<char>(message.size() >> (24 - 8 * i) & 0xff);
  return out.append(message);
}

/// The one message of a body; nothing if it is not one.
std::optional<std::string_view> unframed(std::string_view body) {
  if (body.size() < prefix || body[0] != 0)
    return {};
  auto size = std::size_t{0};
  for (auto i = 1u; i < prefix; ++i)
    size = size << 8 | static_cast<unsigned char>(body[i]);
  if (body.size() - prefix != size)
    return {};
  return body.substr(prefix);
}

/// Of the trailers, else of the head.
std::string_view end_field(const http::reply& x, std::string_view name) {
  for (auto& [key, value] : x.trailers)
    if (key == name)
      return value;
  return x.header(name);
}

int status_of(const http::reply& x) {
  auto text = end_field(x, "grpc-status");
  auto out = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || out < 0)
    return missing;
  return out < static_cast<int>(statuses.size()) ? out : 2; // a new one is UNKNOWN
}

bool is_grpc(const http::reply& x) {
  return x.status == 200 && x.header("content-type").starts_with("application/grpc");
}

/// Percent-encoded; '+' means itself.
std::string message_of(const http::reply& x) {
  auto text = std::string{};
  for (auto c : end_field(x, "grpc-message"))
    c == '+' ? text.append("%2B") : text.append(1, c);
  auto out = form_decoded(text).value_or(text);
  return valid_utf8(out) ? out : std::string{};
}

answer broken(const call& from, std::string memo) {
  auto out = answer_of(result::backend_failed, std::move(memo));
  out.status = from.is_rest() ? 502 : 200;
  out.bare = from.is_rest();
  return out;
}

/// "_requestBody", or the only element of the array; empty if it has none.
std::optional<std::string_view> argument_of(std::string_view data) {
  auto body = mgw::request_body(data);
  if (!body || !body->starts_with('['))
    return body;
  auto elements = mgw::json_elements(*body);
  if (!elements || elements->size() > 1)
    return {};
  return elements->empty() ? std::string_view{} : elements->front();
}

const mgw::message_schema* types_of(const world& in, const std::string& proto) {
  auto& found = in.proto(proto);
  return found ? found->types.get() : nullptr;
}

} // namespace

grpc_types grpc_types_of(const world& in, const api_definition& api) {
  auto out = grpc_types{types_of(in, api.request.proto), api.request.message,
      types_of(in, api.response.proto), api.response.message};
  if (out.response || !out.request)
    return out;
  if (auto method = out.request->find_method(grpc_path(api).substr(1))) {
    out.response = out.request;
    out.response_message = method->output;
  }
  return out;
}

std::string_view grpc_path(const api_definition& api) {
  auto& out = api.backend.path.empty() ? api.path : api.backend.path;
  return out.empty() ? std::string_view{"/"} : std::string_view{out};
}

std::optional<mgw::failure> write_grpc_message(
    const call& x, const grpc_types& types, std::string& out) {
  auto data = std::string_view{x.what.data};
  if (x.what.format != mgw::data_format::json) {
    out = frame(data);
    return {};
  }
  if (!types.request)
    return mgw::failure{result::target_service_missing, "the method has no types here"};
  if (!x.is_rest()) {
    auto argument = argument_of(data);
    if (!argument)
      return mgw::failure{result::malformed_request, "requestData is not one argument"};
    data = *argument;
  }
  auto made =
      types.request->to_protobuf(types.request_message, data.empty() ? "{}" : data, limits());
  if (!made.good)
    return mgw::failure{result::malformed_request, std::move(made.problem)};
  out = frame(made.bytes);
  return {};
}

std::string grpc_timeout(std::chrono::milliseconds left) {
  constexpr auto most = std::chrono::milliseconds{99'999'999}; // eight digits
  return std::to_string(std::clamp(left, std::chrono::milliseconds{1}, most).count()) + "m";
}

answer answer_of_grpc(http::reply&& x, const call& from, const grpc_types& types) {
  if (!is_grpc(x))
    return broken(from, "the backend answered " + std::to_string(x.status) + " without gRPC");
  auto status = status_of(x);
  if (status == missing)
    return broken(from, "the backend's answer has no grpc-status");
  auto& rule = statuses[static_cast<std::size_t>(status)];
  auto out = answer_of(rule.code);
  out.bare = from.is_rest();
  out.status = from.is_rest() ? rule.http : 200;
  if (status != 0) {
    auto said = message_of(x);
    out.what.memo = "grpc-status " + std::to_string(status) + (said.empty() ? "" : ": " + said);
    return out;
  }
  auto message = unframed(x.body);
  if (!message)
    return broken(from, "the backend's answer is not one plain message");
  if (from.what.format != mgw::data_format::json) {
    out.what.form = mgw::result_form::bytes;
    out.what.content_type = header_of(from.headers, "Content-Type");
    if (out.what.content_type.empty())
      out.what.content_type = "application/protobuf";
    out.what.result_data = *message;
    return out;
  }
  auto made = types.response ? types.response->to_json(types.response_message, *message, limits())
                             : mgw::transcoded{};
  if (!made.good)
    return broken(from, "the backend's message is not of its type");
  out.what.result_data = std::move(made.bytes);
  return out;
}

bool is_grpc_fault(const http::reply& x) {
  auto status = status_of(x);
  return !is_grpc(x) || status == missing || statuses[static_cast<std::size_t>(status)].fault;
}

std::string grpc_health_request(std::string_view host, std::string_view service) {
  auto message = std::string{};
  if (!service.empty()) { // field 1 of HealthCheckRequest; names are shorter than 128 bytes
    message = {'\x0a', static_cast<char>(std::min<std::size_t>(service.size(), 127))};
    message.append(service.substr(0, 127));
  }
  auto body = frame(message);
  auto out = std::string{"POST /grpc.health.v1.Health/Check HTTP/1.1\r\nHost: "};
  out.append(host).append("\r\nContent-Type: application/grpc\r\nTE: trailers\r\n"
                          "Content-Length: ");
  return out.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
}

bool is_serving(const http::reply& x) {
  auto message = unframed(x.body);
  // Field 1 of HealthCheckResponse is the enum; 1 is SERVING.
  return is_grpc(x) && status_of(x) == 0 && message && message->starts_with("\x08\x01");
}

} // namespace shoal::gateway
