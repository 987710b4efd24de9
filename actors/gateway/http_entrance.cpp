#include "actors/gateway/http_entrance.hpp"

#include <algorithm>

#include "actors/gateway/accepted.hpp"
#include "actors/gateway/compression.hpp"
#include "actors/gateway/cors.hpp"
#include "actors/gateway/deadline.hpp"
#include "actors/gateway/device_entrance.hpp"
#include "actors/gateway/passed_headers.hpp"
#include "actors/gateway/rest_routes.hpp"
#include "protocol/mgw/batch.hpp"
#include "protocol/percent.hpp"

namespace shoal::gateway {
namespace {

constexpr std::string_view call_path = "/mgw.htm", batch_path = "/mgw/batch";

mgw::call_limits limits() { return {}; }

answer refusal(mgw::failure&& why, bool rest) {
  auto out = answer_of(why.code, std::move(why.memo));
  out.status = rest ? http_status_of(why.code) : 200;
  return out;
}

/// What a page of another origin must see on an answer; nothing at all if it may not call.
std::optional<header_list> cors_fields(const world* in, std::string_view origin) {
  auto out = header_list{};
  if (!in || origin.empty())
    return out;
  auto& rule = in->settings().set.cors;
  if (!may_call(rule, origin))
    return {};
  add_cors_headers(rule, origin, out);
  return out;
}

} // namespace

void split_world(std::string_view name, mgw::call& into) {
  auto at = std::min(name.find('@'), name.size());
  into.app = name.substr(0, at);
  into.workspace = at == name.size() ? std::string_view{"default"} : name.substr(at + 1);
}

bool http_entrance::serve(http::request& x, const tls::local_responder& answer) {
  if (x.path != call_path && x.path != batch_path)
    return serve_rest(x, answer);
  if (x.method == "OPTIONS") {
    auto app = form_decoded(query_value(x.query, "appId")).value_or("");
    auto workspace = form_decoded(query_value(x.query, "workspaceId")).value_or("");
    auto& definitions = worker_.definitions();
    auto& in = app.empty() ? definitions.find_host(without_port(x.header("Host")))
                           : definitions.find(app, workspace);
    preflight(in.get(), x, answer);
    return true;
  }
  if (x.path == call_path)
    serve_call(x, answer);
  else
    serve_batch(x, answer);
  return true;
}

bool http_entrance::call(tls::device_call&& x, const tls::call_responder& answer) {
  serve_device_call(worker_, std::move(x), answer);
  return true;
}

void http_entrance::serve_call(http::request& x, const tls::local_responder& answer) {
  auto made = gateway::call{};
  auto flaw = mgw::read_call(x, limits(), made.what);
  if (flaw)
    return answer(to_response(refusal(std::move(*flaw), false), made.what.version));
  auto target = worker_.definitions().find(made.what.app, made.what.workspace, made.what.operation);
  carry_out(x, std::move(made), std::move(target), answer);
}

bool http_entrance::serve_rest(http::request& x, const tls::local_responder& answer) {
  auto& definitions = worker_.definitions();
  if (definitions.size() == 0 || is_reserved_path(x.path))
    return false;
  auto app = x.header("AppId");
  auto host = x.header("Host");
  auto& in = app.empty() ? definitions.find_host(host.substr(0, host.rfind(':')))
                         : definitions.find(app, x.header("WorkspaceId"));
  if (!in)
    return false;
  auto asked = x.method == "OPTIONS" ? x.header("Access-Control-Request-Method")
                                     : std::string_view{x.method};
  auto target = registry::found{in, in->api(asked, x.path)};
  if (!target.api)
    return false;
  if (x.method == "OPTIONS") {
    preflight(in.get(), x, answer);
    return true;
  }
  auto made = gateway::call{};
  if (auto flaw = mgw::read_call_headers(x, limits(), made.what)) {
    answer(to_response(refusal(std::move(*flaw), true), made.what.version));
    return true;
  }
  split_world(in->app(), made.what);
  made.what.operation = target.api->operation;
  made.what.data = std::move(x.body);
  made.method = x.method;
  made.path = x.path;
  made.query = x.query;
  carry_out(x, std::move(made), std::move(target), answer);
  return true;
}

/// What every call has, whatever way it names its API.
std::optional<mgw::failure> http_entrance::describe(
    http::request& x, const tls::local_responder& answer, gateway::call& into) const {
  into.by = answer.speaks() == tls::application::http_2 ? entrance::http_2 : entrance::http_1;
  into.when_given_up = [answer](
                           std::function<void()> then) { answer.when_given_up(std::move(then)); };
  into.ip = without_port(x.peer);
  if (options_.behind_balancer)
    if (auto forwarded = last_forwarded(x.header("X-Forwarded-For")); !forwarded.empty())
      into.ip = forwarded.substr(0, 64);
  auto [trace, parent] = read_traceparent(x.header("traceparent"));
  into.trace_id = trace;
  into.parent_id = parent;
  into.headers = std::move(x.headers);
  auto patience_ms = stated_patience_ms(into.headers);
  into.patience_ms = patience_ms.value_or(0);
  drop_nominated(into.headers);
  return patience_ms ? std::nullopt
                     : std::optional{mgw::failure{
                           mgw::result::malformed_request, std::string{deadline_header}}};
}

void http_entrance::carry_out(http::request& x, gateway::call&& made, registry::found target,
    const tls::local_responder& answer) {
  auto rest = made.is_rest();
  if (auto flaw = describe(x, answer, made))
    return answer(to_response(refusal(std::move(*flaw), rest), made.what.version));
  auto fields = cors_fields(target.in.get(), header_of(made.headers, "Origin"));
  if (!fields)
    return answer(
        to_response(refusal({mgw::result::cors_preflight, "origin"}, rest), made.what.version));
  auto gzip = takes_gzip(header_of(made.headers, "Accept-Encoding"));
  auto version = made.what.version;
  worker_.begin(std::move(made), std::move(target),
      [answer, version, gzip, fields = std::move(*fields)](gateway::answer&& done) mutable {
        std::ranges::move(fields, std::back_inserter(done.headers));
        auto sealed = done.sealed;
        auto out = to_response(std::move(done), version);
        if (gzip && !sealed)
          compress(out);
        answer(std::move(out));
      });
}

/// All of them side by side; the answer goes when the last one is there.
void http_entrance::serve_batch(http::request& x, const tls::local_responder& answer) {
  constexpr auto version = mgw::rpc_version::v2;
  auto calls = std::vector<mgw::batch_call>{};
  if (auto flaw = mgw::read_batch(x, limits(), calls))
    return answer(to_response(refusal(std::move(*flaw), false), version));
  auto common = gateway::call{};
  if (auto flaw = describe(x, answer, common))
    return answer(to_response(refusal(std::move(*flaw), false), version));
  auto& first = calls.front().what;
  auto in = worker_.definitions().find(first.app, first.workspace);
  auto fields = cors_fields(in.get(), header_of(common.headers, "Origin"));
  if (!fields)
    return answer(to_response(refusal({mgw::result::cors_preflight, "origin"}, false), version));
  auto gzip = takes_gzip(header_of(common.headers, "Accept-Encoding"));
  std::erase_if(common.headers, [](auto& field) { return is_about_a_body(field.first); });
  auto said = std::make_shared<mgw::batch_answers>(calls.size());
  auto over = [answer, said, gzip, fields = std::move(*fields)](
                  std::size_t index, mgw::answer&& one) {
    if (!said->add(index, std::move(one)))
      return;
    auto whole = gateway::answer{};
    whole.what.result_data = said->body();
    whole.headers = fields;
    auto out = to_response(std::move(whole), version);
    if (gzip)
      compress(out);
    answer(std::move(out));
  };
  for (auto i = std::size_t{0}; i < calls.size(); ++i) {
    auto& [what, flaw] = calls[i];
    if (flaw) {
      over(i, std::move(answer_of(flaw->code, std::move(flaw->memo)).what));
      continue;
    }
    auto one = common;
    one.what = std::move(what);
    auto target = registry::found{in, in ? in->api(one.what.operation) : nullptr};
    worker_.begin(std::move(one), std::move(target),
        [over, i](gateway::answer&& done) { over(i, std::move(done.what)); });
  }
}

void http_entrance::preflight(
    const world* in, const http::request& x, const tls::local_responder& answer) {
  auto origin = x.header("Origin");
  static const auto none = cors_rule{};
  answer(preflight_answer(in ? in->settings().set.cors : none, origin));
}

} // namespace shoal::gateway
