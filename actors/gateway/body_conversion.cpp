#include "actors/gateway/body_conversion.hpp"

#include <algorithm>

#include "actors/gateway/accepted.hpp"
#include "actors/gateway/content_type.hpp"

namespace shoal::gateway {
namespace {

using mgw::data_format;
using mgw::failure;
using mgw::result;

constexpr std::size_t max_body = 4 * 1024 * 1024;
constexpr std::string_view json_type = "application/json";
constexpr std::string_view protobuf_type = "application/protobuf";

const mgw::message_schema* types_of(const body_model& x, const world& in) {
  if (x.message.empty())
    return nullptr;
  auto& found = in.proto(x.proto);
  return found ? found->types.get() : nullptr;
}

mgw::transcode_options limits() {
  auto out = mgw::transcode_options{};
  out.max_in = max_body;
  out.max_out = max_body;
  return out;
}

failure malformed(std::string_view why) {
  return {result::malformed_request, "requestData: " + std::string{why}};
}

} // namespace

body_conversion::body_conversion(const call& x, const api_definition& api, const world& in) {
  auto backend = format_of(api.backend.content_type);
  if (backend == data_format::other ||
      (api.request.message.empty() && api.response.message.empty()))
    return;
  api_ = &api;
  request_ = types_of(api.request, in);
  response_ = types_of(api.response, in);
  backend_ = backend;
  client_ = x.what.format;
  // A page's callback takes JSON and nothing else.
  wanted_ = x.what.callback.empty() ? preferred_format(header_of(x.headers, "Accept"))
                                    : data_format::json;
  if (wanted_ == data_format::other)
    wanted_ = client_ == data_format::protobuf ? data_format::protobuf : data_format::json;
}

std::optional<failure> body_conversion::prepare(call& x) const {
  if (!*this)
    return {};
  std::erase_if(x.headers, [](auto& h) { return http::same_name(h.first, "Accept"); });
  x.headers.emplace_back("Accept", backend_ == data_format::json ? json_type : protobuf_type);
  if (!request_ || client_ != data_format::protobuf || backend_ != data_format::json)
    return {};
  if (x.is_rest() && x.what.data.empty())
    return {};
  auto made = request_->to_json(api_->request.message, x.what.data, limits());
  if (!made.good)
    return malformed(made.problem);
  if (x.is_rest())
    x.what.data = std::move(made.bytes);
  else if (api_->params.empty())
    x.what.data = "[{\"_requestBody\":" + made.bytes + "}]";
  else // the message's members are the parameters
    x.what.data = "[" + made.bytes + "]";
  x.what.format = data_format::json;
  return {};
}

std::optional<failure> body_conversion::write_body(
    std::string_view& body, std::string& made) const {
  if (!*this || !request_ || client_ != data_format::json || backend_ != data_format::protobuf ||
      body.empty())
    return {};
  auto out = request_->to_protobuf(api_->request.message, body, limits());
  if (!out.good)
    return malformed(out.problem);
  made = std::move(out.bytes);
  body = made;
  return {};
}

void body_conversion::read_answer(answer& x) const {
  if (!*this || !response_ || x.what.code != result::success || x.status / 100 != 2)
    return;
  x.headers.emplace_back("Vary", "Accept");
  auto said = format_of(x.what.content_type);
  if (said == data_format::other && !x.what.content_type.empty())
    return; // a picture, a page: not the message
  if (said == data_format::other)
    said = backend_;
  auto to_json = said == data_format::protobuf && wanted_ == data_format::json;
  auto to_protobuf =
      said == data_format::json && wanted_ == data_format::protobuf && !x.what.result_data.empty();
  if (!to_json && !to_protobuf)
    return;
  auto how = limits();
  how.ignore_unknown = true; // a backend may know more than the types that were uploaded
  auto& name = api_->response.message;
  auto made = to_json ? response_->to_json(name, x.what.result_data, how)
                      : response_->to_protobuf(name, x.what.result_data, how);
  if (!made.good) {
    auto status = x.bare ? http_status_of(result::backend_failed) : 200;
    x = answer_of(result::backend_failed, "the backend's answer: " + made.problem);
    x.status = status;
    return;
  }
  // The backend's tag names other bytes.
  std::erase_if(x.headers, [](auto& h) { return http::same_name(h.first, "ETag"); });
  x.what.result_data = std::move(made.bytes);
  x.what.content_type = to_json ? json_type : protobuf_type;
  x.what.form = to_json ? mgw::result_form::json : mgw::result_form::bytes;
}

} // namespace shoal::gateway
