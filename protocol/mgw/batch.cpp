#include "protocol/mgw/batch.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "protocol/mgw/json_text.hpp"

namespace shoal::mgw {
namespace {

using nlohmann::json;

constexpr unsigned max_depth = 4; ///< {"calls":[{"ts":"…"}]}

failure malformed(std::string what) { return {result::malformed_request, std::move(what)}; }

/// What a call of a batch says for itself; all else is the request's.
bool is_of_one_call(std::string_view name) {
  return name == "operationType" || name == "ts" || name == "sign" || name == "signType" ||
         name == "nonce";
}

void forget_what_is_of_one_call(call& x) {
  for (auto* field : {&x.operation, &x.ts, &x.sign, &x.sign_type, &x.nonce, &x.encryption})
    field->clear();
}

std::optional<failure> read_member(
    const std::string& name, const json& value, const call_limits& limits, call& into) {
  if (!value.is_string())
    return malformed(name.substr(0, 64) + " must be a text");
  auto& text = value.get_ref<const std::string&>();
  if (is_of_one_call(name))
    return put_field(name, text, limits, into);
  if (name != "requestData")
    return malformed("a call has no field \"" + name.substr(0, 64) + "\"");
  if (text.size() > limits.data)
    return malformed("requestData is too large");
  into.data = text;
  return {};
}

std::optional<failure> read_one(const json& from, const call_limits& limits, call& into) {
  if (!from.is_object())
    return malformed("a call must be an object");
  for (auto& [name, value] : from.items())
    if (auto flaw = read_member(name, value, limits, into))
      return flaw;
  if (into.operation.empty())
    return failure{result::operation_missing, "operationType is missing"};
  if (into.data.empty())
    return failure{result::request_data_empty, ""};
  return {};
}

} // namespace

std::optional<failure> read_batch(
    const http::request& from, const call_limits& limits, std::vector<batch_call>& into) {
  if (from.method != "POST")
    return malformed("method");
  auto whole = call{};
  if (auto flaw = read_call_headers(from, limits, whole))
    return flaw;
  if (whole.format != data_format::json)
    return malformed("Content-Type must be application/json");
  if (whole.app.empty())
    return malformed("appId is missing");
  if (whole.workspace.empty())
    return malformed("workspaceId is missing");
  if (!whole.encryption.empty())
    return malformed("crypt: calls of a batch cannot be encrypted");
  forget_what_is_of_one_call(whole);
  whole.data_in_field = true;
  whole.version = rpc_version::v1; // results go into envelopes, so they are looked at
  auto parsed = is_json(from.body, max_depth) ? json::parse(from.body, nullptr, false) : json{};
  if (!parsed.is_object() || parsed.size() != 1 || !parsed.contains("calls") ||
      !parsed["calls"].is_array())
    return malformed(R"(the body must be {"calls": [...]})");
  auto& calls = parsed["calls"];
  if (calls.empty() || calls.size() > max_batch_calls)
    return malformed("calls must be 1 to " + std::to_string(max_batch_calls));
  for (auto& one : calls) {
    auto& next = into.emplace_back(batch_call{whole, {}});
    next.flaw = read_one(one, limits, next.what);
  }
  return {};
}

bool batch_answers::add(std::size_t index, answer x) {
  if (bytes_ + x.result_data.size() > max_bytes) {
    x = {};
    x.code = result::backend_failed;
    x.memo = "the results of the batch together are too large";
  }
  bytes_ += x.result_data.size();
  auto& text = texts_.at(index);
  text = envelope(x);
  if (!x.memo.empty()) {
    text.pop_back();
    text += ",\"memo\":";
    append_json_string(text, x.memo);
    text += '}';
  }
  return --missing_ == 0;
}

std::string batch_answers::body() const {
  auto out = std::string{R"({"results":[)"};
  for (auto& text : texts_)
    out.append(&text == &texts_.front() ? "" : ",").append(text);
  return out.append("]}");
}

} // namespace shoal::mgw
