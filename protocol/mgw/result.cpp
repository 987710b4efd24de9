#include "protocol/mgw/result.hpp"

#include <algorithm>
#include <array>

#include "protocol/mgw/json_text.hpp"
#include "protocol/percent.hpp"
#include "protocol/signing.hpp"

namespace shoal::mgw {
namespace {

constexpr std::size_t max_header_value = 1024;

constexpr auto infos = std::array{
    result_info{result::success, "success", ""},
    result_info{result::access_denied, "access_denied", "Access denied."},
    result_info{
        result::limit_exceeded, "limit_exceeded", "Too many requests. Please try again later."},
    result_info{result::unauthorized, "unauthorized", "You are not allowed to do this."},
    result_info{result::not_logged_in, "not_logged_in", "Please log in again."},
    result_info{result::operation_missing, "operation_missing", "This service does not exist."},
    result_info{result::request_data_empty, "request_data_empty", "The request has no data."},
    result_info{result::malformed_request, "malformed_request", "The request is not valid."},
    result_info{result::decryption_failed, "decryption_failed", "The request cannot be decrypted."},
    result_info{result::backend_timeout, "backend_timeout", "The service did not answer in time."},
    result_info{result::backend_failed, "backend_failed", "The service is not available."},
    result_info{
        result::backend_unknown_host, "backend_unknown_host", "The service is not available."},
    result_info{
        result::unknown_error, "unknown_error", "Something went wrong. Please try again later."},
    result_info{
        result::target_service_missing, "target_service_missing", "The service is not available."},
    result_info{result::key_missing, "key_missing", "The app has no key."},
    result_info{
        result::signature_incomplete, "signature_incomplete", "The signature is not complete."},
    result_info{result::signature_mismatch, "signature_mismatch", "The signature is not valid."},
    result_info{result::timestamp_outside_window, "timestamp_outside_window",
        "Please set your clock and try again."},
    result_info{result::timestamp_missing, "timestamp_missing", "The request has no time."},
    result_info{result::signature_missing, "signature_missing", "The request is not signed."},
    result_info{result::cors_preflight, "cors_preflight", "This origin may not call."},
};

const result_info* find(result code) {
  auto found = std::ranges::lower_bound(infos, code, {}, &result_info::code);
  return found != infos.end() && found->code == code ? &*found : nullptr;
}

/// Cut between characters, so that what is left decodes.
std::string header_value(std::string_view text) {
  auto out = std::string{};
  while (!text.empty()) {
    auto size = std::size_t{1};
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80)
      ++size;
    auto encoded = percent_encoded(text.substr(0, size));
    if (out.size() + encoded.size() > max_header_value)
      break;
    out += encoded;
    text.remove_prefix(size);
  }
  return out;
}

} // namespace

std::span<const result_info> all_results() { return infos; }

std::string_view to_string(result code) {
  if (auto* found = find(code))
    return found->name;
  auto number = static_cast<unsigned>(code);
  return number > 6000 && number < 7000 ? "backend_code" : "unknown";
}

std::string_view default_tips(result code) {
  auto* found = find(code);
  return found ? found->tips : std::string_view{};
}

std::string envelope(const answer& x) {
  auto out = std::string{};
  out.reserve(64 + x.tips.size() + x.result_data.size());
  out.append("{\"resultStatus\":").append(std::to_string(static_cast<unsigned>(x.code)));
  auto tips = x.tips.empty() ? default_tips(x.code) : std::string_view{x.tips};
  if (!tips.empty()) {
    out.append(",\"tips\":");
    append_json_string(out, tips);
  }
  if (!x.result_data.empty()) {
    out.append(",\"result\":");
    if (x.form == result_form::json)
      out.append(x.result_data);
    else if (x.form == result_form::text)
      append_json_string(out, x.result_data);
    else
      out.append("\"").append(base64(x.result_data)).append("\"");
  }
  return out.append("}");
}

http::response make_response(answer x, rpc_version version) {
  auto out = http::response{};
  out.headers.emplace_back("Result-Status", std::to_string(static_cast<unsigned>(x.code)));
  if (x.tips.empty())
    x.tips = default_tips(x.code);
  if (!x.tips.empty())
    out.headers.emplace_back("Tips", header_value(x.tips));
  if (!x.memo.empty())
    out.headers.emplace_back("Memo", header_value(x.memo));
  if (version == rpc_version::v2 && x.code == result::success) {
    out.content_type = std::move(x.content_type);
    out.body = std::move(x.result_data);
  } else {
    out.body = envelope(x);
  }
  return out;
}

} // namespace shoal::mgw
