// What cannot work in an API, as far as it can be seen without the others.
#include <set>

#include "actors/gateway/aggregation.hpp"
#include "actors/gateway/check_words.hpp"
#include "actors/gateway/rest_routes.hpp"

namespace shoal::gateway {

using namespace check;

namespace {

void check_cache(const cache_rule& x) {
  if (!x.enabled)
    return;
  range<std::uint32_t>("cache.ttl_ms", x.ttl_ms, 1, 86'400'000);
  range<std::uint32_t>("cache.stale_ms", x.stale_ms, 0, 86'400'000);
  range<std::uint32_t>("cache.max_bytes", x.max_bytes, 1, 4u << 20);
  must(x.key.size() <= 16, "cache.key has more than 16 parts");
  static const auto plain = std::set<std::string_view>{"body", "user", "device", "session"};
  for (auto& part : x.key)
    must(plain.count(part) != 0 ||
             (part.size() <= 128 && (part.starts_with("query.") || part.starts_with("header.") ||
                                        part.starts_with("path.") || part.starts_with("body."))),
        "cache.key: \"" + part.substr(0, 64) +
            "\" must be body, user, device, session, or query., header., path., body. and a name");
}

void check_breaker(const breaker_rule& x) {
  if (!x.enabled)
    return;
  range<std::uint32_t>("breaker.error_threshold", x.error_threshold, 1, 100);
  range<std::uint32_t>("breaker.slow_ratio_threshold", x.slow_ratio_threshold, 1, 100);
  range<std::uint32_t>("breaker.slow_ms", x.slow_ms, 1, max_timeout_ms);
  range<std::uint32_t>("breaker.min_calls", x.min_calls, 1, 1'000'000);
  range<std::uint32_t>("breaker.window_s", x.window_s, 1, 600);
  range<std::uint32_t>("breaker.open_s", x.open_s, 1, 3'600);
  check::answer("breaker.default_response", x.default_response);
}

void check_migrate(const migrate_rule& x) {
  range<std::uint32_t>("migrate.flow_percent", x.flow_percent, 0, 100);
  must(x.users.size() <= 1'000 && x.devices.size() <= 1'000 && x.regions.size() <= 1'000,
      "migrate.users, devices and regions are at most 1000 each");
  must(x.tags.size() <= 16, "migrate.tags are at most 16");
  text("migrate.min_version", x.min_version, 64);
  text("migrate.max_version", x.max_version, 64);
  must(!x.enabled || !x.group.empty() || !x.tags.empty(), "migrate needs a group or tags to go to");
}

void check_body(const std::string& field, const body_model& x) {
  json(field + ".schema", x.schema);
  must(x.schema.empty() || x.message.empty(), field + " has a schema or a message, not both");
  must(x.message.empty() == x.proto.empty(), field + ".message and .proto belong together");
  text(field + ".message", x.message, 256);
}

/// So that no step waits for itself, in whatever round.
void refers_back(
    const std::string& field, const json_text& in, const std::set<std::string>& before) {
  for (auto& name : references_of(in))
    must(name == "request" || before.count(name) != 0,
        field + " refers to \"" + name.substr(0, 64) + "\", which is no step before it");
}

void check_steps(const api_definition& x) {
  auto aggregate = x.kind == api_kind::aggregate;
  must(aggregate == !x.steps.empty(), aggregate ? "steps must not be empty with kind \"aggregate\""
                                                : "steps need kind \"aggregate\"");
  must(!aggregate || !x.answer.empty(), "answer must not be empty with kind \"aggregate\"");
  must(x.steps.size() <= 16, "steps are at most 16");
  json("answer", x.answer);
  auto before = std::set<std::string>{};
  for (auto& step : x.steps) {
    auto field = "steps." + step.name.substr(0, 64);
    must(valid_name(step.name) && step.name != "request", field + ": name is not one");
    must(valid_operation(step.operation), field + ".operation is not one");
    must(step.operation != x.operation, field + ".operation is the API itself");
    for (auto& name : step.after)
      must(before.count(name) != 0,
          field + ".after names \"" + name.substr(0, 64) + "\", which is no step before it");
    json(field + ".request", step.request);
    refers_back(field + ".request", step.request, before);
    must(before.insert(step.name).second, field + " is there twice");
    json(field + ".otherwise", step.otherwise);
  }
  refers_back("answer", x.answer, before);
}

void check_headers(const std::vector<header_rule>& list) {
  must(list.size() <= 64, "headers are at most 64");
  for (auto& x : list) {
    must(valid_header(x.name), "headers: \"" + x.name.substr(0, 64) + "\" is no header's name");
    must(valid_header_value(x.value), "headers: the value of " + x.name +
                                          " has control characters "
                                          "or is too long");
  }
}

void check_api(const api_definition& x) {
  must(valid_operation(x.operation), "operation must be 1 to 255 of letters, digits and . _ - / :");
  text("name", x.name, 128);
  text("description", x.description);
  must(x.kind == api_kind::aggregate || valid_name(x.group), "group must name one");
  must(x.method.empty() == x.path.empty(), "method and path of the REST entry belong together");
  must(x.method.empty() || valid_method(x.method),
      "method must be GET, POST, PUT, DELETE, PATCH or HEAD");
  if (!x.path.empty())
    if (auto problem = problem_of_rest_path(x.path); !problem.empty())
      throw wrong{problem};
  must(!is_reserved_path(x.path), "path is one of the server's own");
  must(x.backend.method.empty() || valid_method(x.backend.method),
      "backend.method must be GET, POST, PUT, DELETE, PATCH or HEAD");
  if (!x.backend.path.empty())
    if (auto problem = problem_of_rest_path(x.backend.path); !problem.empty())
      throw wrong{"backend." + problem};
  must(valid_header_value(x.backend.content_type), "backend.content_type is no header's value");
  must(all_of(x.backend.charset, "-_") && x.backend.charset.size() <= 32,
      "backend.charset is not one");
  check_body("request", x.request);
  check_body("response", x.response);
  must(x.params.size() <= 64, "params are at most 64");
  auto names = std::set<std::string>{};
  for (auto& p : x.params) {
    must(!p.name.empty() && p.name.size() <= 64 && all_of(p.name, "-_."),
        "params: \"" + p.name.substr(0, 64) +
            "\" is no name of 1 to 64 of letters, digits and - _ .");
    must(names.insert(p.name).second, "params: \"" + p.name + "\" is there twice");
    text("params: type", p.type, 64);
    text("params: description", p.description);
    json("params: default_value", p.default_value);
  }
  range<std::uint32_t>("timeout_ms", x.timeout_ms, 0, max_timeout_ms);
  range<std::uint32_t>("slow_ms", x.slow_ms, 0, max_timeout_ms);
  must(x.limits.size() <= 4, "limits are at most 4");
  for (std::size_t i = 0; i < x.limits.size(); ++i)
    limit("limits[" + std::to_string(i) + "]", x.limits[i]);
  check_cache(x.cache);
  range<std::uint32_t>("mock.percentage", x.mock.percentage, 0, 100);
  check::answer("mock.data", x.mock.data);
  must(!x.mock.enabled || !x.mock.data.empty(), "mock.data must not be empty with mock.enabled");
  check_breaker(x.breaker);
  check_headers(x.headers);
  check_migrate(x.migrate);
  must(x.auth_rule.empty() || valid_name(x.auth_rule), "auth_rule must name one");
  check_steps(x);
}

} // namespace

std::string problem_of(const api_definition& x) { return first_problem(check_api, x); }

} // namespace shoal::gateway
