#include "actors/gateway/references.hpp"

#include <algorithm>

namespace shoal::gateway {

namespace {

std::string missing_body(const world& in, const std::string& field, const body_model& x) {
  if (x.proto.empty())
    return "";
  auto& proto = in.proto(x.proto);
  if (!proto)
    return field + ".proto: there are no types \"" + x.proto + "\"";
  if (!proto->types || !proto->types->has(x.message))
    return field + ".message: \"" + x.proto + "\" has no message \"" + x.message + "\"";
  return "";
}

/// A step is called as its aggregate was: who may call it must be asked there.
std::string missing_step(
    const world& in, const aggregate_step& x, const std::string& rule_of_whole) {
  auto& api = in.api(x.operation);
  if (!api)
    return "steps." + x.name + ".operation: there is no API \"" + x.operation + "\"";
  if (api->kind == api_kind::aggregate)
    return "steps." + x.name + ".operation: \"" + x.operation + "\" is an aggregate itself";
  if (!api->auth_rule.empty() && api->auth_rule != rule_of_whole)
    return "auth_rule: must be \"" + api->auth_rule + "\", as of step \"" + x.name + "\"";
  return "";
}

/// The aggregate that has this API as a step; empty if none has.
std::string aggregate_over(const world& in, std::string_view operation) {
  auto out = std::string{};
  in.apis().each([&](const std::string& name, const api_ptr& x) {
    if (out.empty() &&
        std::ranges::any_of(x->steps, [&](auto& step) { return step.operation == operation; }))
      out = name;
  });
  return out;
}

bool uses(const api_definition& x, entry_kind kind, std::string_view name) {
  switch (kind) {
  case entry_kind::group:
    return x.group == name || x.migrate.group == name;
  case entry_kind::authorizer:
    return x.auth_rule == name;
  case entry_kind::proto:
    return x.request.proto == name || x.response.proto == name;
  case entry_kind::api:
    return std::any_of(
        x.steps.begin(), x.steps.end(), [&](auto& y) { return y.operation == name; });
  case entry_kind::settings:
    break;
  }
  return false;
}

} // namespace

std::string missing_for(const world& in, const api_definition& x) {
  if (x.kind == api_kind::proxy && !in.group(x.group))
    return "group: there is no group \"" + x.group + "\"";
  if (!x.migrate.group.empty() && !in.group(x.migrate.group))
    return "migrate.group: there is no group \"" + x.migrate.group + "\"";
  if (!x.auth_rule.empty() && !in.authorizer(x.auth_rule))
    return "auth_rule: there is no rule \"" + x.auth_rule + "\"";
  if (x.kind == api_kind::aggregate)
    if (auto whole = aggregate_over(in, x.operation); !whole.empty())
      return "kind: the API is a step of \"" + whole + "\", and aggregates have no aggregates";
  if (!x.auth_rule.empty())
    if (auto whole = in.api(aggregate_over(in, x.operation));
        whole && whole->auth_rule != x.auth_rule)
      return "auth_rule: the API is a step of \"" + whole->operation +
             "\", which has another rule, or none";
  for (auto& step : x.steps)
    if (auto problem = missing_step(in, step, x.auth_rule); !problem.empty())
      return problem;
  auto problem = missing_body(in, "request", x.request);
  return problem.empty() ? missing_body(in, "response", x.response) : problem;
}

std::string missing_for(const world& in, const authorizer_rule& x) {
  return in.api(x.operation) ? "" : "operation: there is no API \"" + x.operation + "\"";
}

std::string user_of(const world& in, entry_kind kind, std::string_view name) {
  auto out = std::string{};
  if (kind == entry_kind::settings)
    return out;
  in.apis().each([&](const std::string& operation, const api_ptr& x) {
    if (out.empty() && uses(*x, kind, name))
      out = "API \"" + operation + "\"";
  });
  if (kind == entry_kind::api)
    in.authorizers().each([&](const std::string& rule, const authorizer_ptr& x) {
      if (out.empty() && x->operation == name)
        out = "authorization rule \"" + rule + "\"";
    });
  return out;
}

} // namespace shoal::gateway
