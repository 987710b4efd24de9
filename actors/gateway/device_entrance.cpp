#include "actors/gateway/device_entrance.hpp"

#include <algorithm>
#include <utility>

#include "actors/gateway/deadline.hpp"
#include "actors/gateway/http_entrance.hpp"
#include "actors/gateway/split.hpp"

namespace shoal::gateway {
namespace {

tls::device_answer to_device(answer&& x) {
  auto out = tls::device_answer{};
  out.code = static_cast<std::uint32_t>(x.what.code);
  out.tips = std::move(x.what.tips);
  if (out.tips.empty())
    out.tips = default_tips(x.what.code);
  out.memo = std::move(x.what.memo);
  out.data = std::move(x.what.result_data);
  out.content_type = std::move(x.what.content_type);
  out.headers = std::move(x.headers);
  return out;
}

/// Until when the caller waits: as the frame says it, or a header, as over HTTP.
std::optional<mgw::failure> read_deadline(const tls::device_call& x, call& into) {
  auto stated_ms = stated_patience_ms(into.headers);
  if (!stated_ms)
    return mgw::failure{mgw::result::malformed_request, std::string{deadline_header}};
  into.patience_ms = x.deadline_ms == 0 || *stated_ms == 0 ? std::max(x.deadline_ms, *stated_ms)
                                                           : std::min(x.deadline_ms, *stated_ms);
  return {};
}

/// As a header may have it; in Hello these may be any text.
bool is_plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

/// Where the device is and which version runs there it has said in Hello, and need not say again.
void describe(const tls::device_identity& from, call& into) {
  if (into.what.product_version.empty() && is_plain(from.app_version))
    into.what.product_version = from.app_version;
  if (!is_plain(from.region))
    return;
  std::erase_if(into.headers, [](auto& x) { return http::same_name(x.first, region_header); });
  into.headers.emplace_back(region_header, from.region);
}

/// The mgw fields, which a call has in its headers.
std::optional<mgw::failure> read(tls::device_call& x, call& into) {
  auto request = http::request{};
  request.headers = std::move(x.headers);
  auto limits = mgw::call_limits{};
  auto flaw = mgw::read_call_headers(request, limits, into.what);
  into.headers = std::move(request.headers);
  if (!flaw)
    flaw = read_deadline(x, into);
  if (flaw)
    return flaw;
  if (x.operation.empty())
    return mgw::failure{mgw::result::operation_missing, "operation is missing"};
  if (x.operation.size() > limits.operation)
    return mgw::failure{mgw::result::malformed_request, "operation"};
  if (x.data.empty())
    return mgw::failure{mgw::result::request_data_empty, ""};
  return {};
}

} // namespace

void serve_device_call(worker& by, tls::device_call&& x, const tls::call_responder& answer) {
  auto made = call{};
  made.by = x.in_websocket ? entrance::websocket : entrance::device;
  made.ip = without_port(x.peer);
  auto flaw = read(x, made);
  if (flaw)
    return answer(to_device(answer_of(flaw->code, std::move(flaw->memo))));
  auto& what = made.what;
  split_world(x.from->app, what);
  what.device = x.from->device;
  what.user = x.from->user;
  made.proven = true;
  describe(*x.from, made);
  what.operation = std::move(x.operation);
  what.data = std::move(x.data);
  auto [trace, parent] = read_traceparent(header_of(made.headers, "traceparent"));
  made.trace_id = trace;
  made.parent_id = parent;
  made.when_given_up = [answer](
                           std::function<void()> then) { answer.when_given_up(std::move(then)); };
  by.begin(
      std::move(made), [answer](gateway::answer&& done) { answer(to_device(std::move(done))); });
}

} // namespace shoal::gateway
