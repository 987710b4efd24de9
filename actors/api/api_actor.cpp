#include "actors/api/api_actor.hpp"

#include "actors/api/openapi.hpp"
#include "actors/api/problem.hpp"
#include "actors/api/request_auth.hpp"
#include "actors/log.hpp"

namespace shoal::api {

namespace {

std::string_view shown(std::string_view path) { return path.substr(0, 200); }

} // namespace

void api_state::serve(api_call& call) {
  auto x = std::make_shared<exchange>();
  x->request = std::move(call.request);
  x->respond = std::move(call.respond);
  x->arrived_us = call.arrived_us;
  guard(*x, [&] {
    if (admit(*x))
      dispatch(x);
  });
}

bool api_state::admit(exchange& x) {
  x.to = match_route(x.request.method, x.request.path);
  if (!x.to.found && !x.to.allowed.empty()) {
    ++sv->count->api_refused;
    auto answer = problem(ec::method_not_allowed, "this path knows " + x.to.allowed, sv->now_ms());
    answer.headers.emplace_back("Allow", x.to.allowed);
    x.respond(std::move(answer));
    return false;
  }
  if (!x.to.found)
    throw refusal{ec::not_found, "no such path; see /v1/openapi.yaml"};
  measure(x);
  if (x.to.found->who != access::anyone)
    identify(x);
  x.asked = query{x.request.query, x.to.found->query};
  return true;
}

/// Who asks, and whether they may. Throws `refusal`.
void api_state::identify(exchange& x) const {
  x.known = sv->catalog.load();
  auto signer = authenticate(*x.known, x.request, sv->now_ms(), *sv->request_nonces);
  if (signer.code != ec::none)
    throw refusal{signer.code, ""};
  x.key = signer.key;
  auto about_app = x.to.found->pattern.starts_with("/v1/apps/");
  auto permission =
      authorize(*x.known, *x.key, *x.to.found, about_app ? x.param(0) : std::string{});
  if (permission.code != ec::none)
    throw refusal{permission.code, permission.code == ec::not_found ? "no such app" : ""};
  x.app = permission.app;
}

/// Whoever answers, and however late: the time of the call is counted.
void api_state::measure(exchange& x) const {
  if (x.arrived_us == 0)
    return;
  auto& took = sv->count->api_duration[static_cast<std::size_t>(x.to.found - routes().data())];
  x.respond = http::responder{
      [inner = std::move(x.respond), &took, since = x.arrived_us](http::response answer) {
        took.add(std::chrono::microseconds{steady_us() - since});
        inner(std::move(answer));
      }};
}

void api_state::dispatch(const exchange_ptr& x) {
  switch (x->to.found->id) {
  case route_id::time:
    return answer(*x, 200, "{\"server_time_ms\":" + std::to_string(sv->now_ms()) + "}");
  case route_id::openapi:
    return x->respond({200, "application/yaml", {}, std::string{openapi_yaml}});
  case route_id::create_app:
    return create_app(x);
  case route_id::list_apps:
  case route_id::show_app:
    return list_apps(x);
  case route_id::set_users_auth:
    return set_users_auth(x);
  case route_id::create_key:
    return create_key(x);
  case route_id::list_keys:
    return list_keys(x);
  case route_id::change_key:
    return change_key(x);
  case route_id::delete_key:
    return delete_key(x);
  case route_id::put_biz:
    return put_biz(x);
  case route_id::show_biz:
    return show_biz(x);
  case route_id::list_bizs:
    return list_bizs(x);
  case route_id::patch_biz:
    return patch_biz(x);
  case route_id::biz_online:
    return switch_biz(x, true);
  case route_id::biz_offline:
    return switch_biz(x, false);
  case route_id::audit:
    return audit(x);
  case route_id::sync:
    return sync(*x);
  case route_id::sync_batch:
    return sync_batch(*x);
  case route_id::stream:
    return stream(x);
  case route_id::stream_ops:
    return stream_ops(x);
  case route_id::stream_cursors:
    return stream_cursors(x);
  case route_id::stream_why:
    return stream_why(x);
  case route_id::device:
    return device(x);
  case route_id::kick_device:
    return kick_device(x);
  case route_id::user:
    return user(x);
  case route_id::online:
    return online(x);
  case route_id::nodes:
    return nodes(x);
  case route_id::node_state:
    return node_state(x);
  case route_id::gw_settings:
  case route_id::gw_put_settings:
  case route_id::gw_patch_settings:
    return gateway_settings(x);
  case route_id::gw_groups:
  case route_id::gw_group:
  case route_id::gw_put_group:
  case route_id::gw_patch_group:
  case route_id::gw_delete_group:
    return gateway_groups(x);
  case route_id::gw_services:
    return list_services(x);
  case route_id::gw_put_instance:
  case route_id::gw_delete_instance:
    return hear_instance(x);
  case route_id::gw_rules:
  case route_id::gw_rule:
  case route_id::gw_put_rule:
  case route_id::gw_delete_rule:
    return gateway_rules(x);
  case route_id::gw_protos:
  case route_id::gw_proto:
  case route_id::gw_put_proto:
  case route_id::gw_delete_proto:
    return gateway_protos(x);
  case route_id::gw_apis:
    return list_gateway_apis(x);
  case route_id::gw_api:
  case route_id::gw_put_api:
  case route_id::gw_patch_api:
  case route_id::gw_delete_api:
    return gateway_apis(x);
  case route_id::gw_api_online:
    return switch_gateway_api(x, true);
  case route_id::gw_api_offline:
    return switch_gateway_api(x, false);
  case route_id::gw_api_versions:
    return gateway_versions(x);
  case route_id::gw_api_diff:
    return gateway_diff(x);
  case route_id::gw_api_rollback:
    return roll_back_gateway_api(x);
  case route_id::gw_api_example:
    return gateway_example(x);
  case route_id::gw_api_test_call:
    return gateway_test_call(x);
  case route_id::gw_export:
    return export_gateway(x);
  case route_id::gw_import:
    return import_gateway(x);
  case route_id::gw_copy:
    return copy_gateway(x);
  }
}

void api_state::tick() {
  try_again();
  overdue(self->clock().now());
  ticking = !calls.empty();
  if (ticking)
    self->delayed_send(self, tick_every, atom::tick::value);
}

void api_state::refuse(const http::responder& respond, ec code, std::string_view detail) const {
  ++sv->count->api_refused;
  respond(problem(code, detail, sv->now_ms()));
}

void api_state::answer(const exchange& x, int status, std::string body) const {
  auto out = http::response{};
  out.status = status;
  out.body = std::move(body);
  if (!out.body.empty())
    out.body += '\n'; // for people: in a terminal two answers do not run together
  x.respond(std::move(out));
}

void api_state::guard(const exchange& x, const std::function<void()>& work) const {
  try {
    work();
  } catch (const refusal& why) {
    if (auto status = http_status(why.code); status == 401 || status == 403)
      log::info("request refused", {{"code", to_string(why.code)}, {"method", x.request.method},
                                       {"path", shown(x.request.path)}, {"peer", x.request.peer}});
    refuse(x.respond, why.code, why.detail);
  } catch (const std::exception& e) {
    log::error("request failed", {{"path", shown(x.request.path)}, {"error", e.what()}});
    refuse(x.respond, ec::session_lost, "the server made a mistake; it is logged");
  }
}

api_actor::behavior_type api(api_actor::stateful_pointer<api_state> self, services_ptr services) {
  self->state.sv = std::move(services);
  return {
      [self](atom::appended, const append_answer& x) { self->state.appended(x); },
      [self](atom::call, api_call& x) { self->state.serve(x); },
      [self](atom::tick) { self->state.tick(); },
  };
}

} // namespace shoal::api
