// Instances of services that register themselves with the gateway.
#include "actors/api/api_gateway.hpp"
#include "protocol/percent.hpp"

namespace shoal::api {

using nlohmann::json;

namespace {

constexpr std::uint32_t default_ttl_s = 15;

json shown(const gateway::service_instance& x) {
  return {{"service", x.service}, {"address", x.where.address}, {"weight", x.where.weight},
      {"tags", x.where.tags}, {"ttl_s", x.ttl_ms / 1000}, {"silent_ms", x.silent_ms},
      {"serves", x.serves}};
}

gateway::service_beat read_beat(const exchange& x, std::int64_t now_ms) {
  auto out = gateway::service_beat{};
  out.app = x.app->no;
  out.service = x.param(1);
  out.where.address = form_decoded(x.param(2)).value_or("");
  out.ttl_ms = default_ttl_s * 1000;
  out.said_ms = now_ms;
  out.leaves = x.request.method == "DELETE";
  if (out.leaves || x.request.body.empty())
    return out;
  auto body = parse_body(x.request.body);
  auto fields = json_reader{body};
  auto ttl_s = default_ttl_s;
  fields.number("weight", out.where.weight, 0u, 1'000u);
  fields.number("ttl_s", ttl_s, 1u, 600u);
  fields.text_map("tags", out.where.tags, 16, 64);
  fields.finish();
  out.ttl_ms = ttl_s * 1000;
  return out;
}

} // namespace

void api_state::list_services(const exchange_ptr& x) {
  auto list = json::array();
  for (auto& one : sv->gateway->services.list(x->app->no, sv->steady_ms()))
    list.push_back(shown(one));
  answer(*x, 200, text({{"instances", std::move(list)}}));
}

void api_state::hear_instance(const exchange_ptr& x) {
  auto what = std::make_shared<gateway::change>();
  what->app = x->app->no;
  what->beats.push_back(read_beat(*x, sv->now_ms()));
  auto ttl_s = what->beats[0].ttl_ms / 1000;
  auto leaves = what->beats[0].leaves;
  auto heard = [this, x, ttl_s, leaves](const gateway_outcome_ptr& result) {
    if (result->code != ec::none)
      throw refusal{result->code, result->text};
    if (leaves)
      return answer(*x, 204, "");
    answer(*x, 200, text({{"ttl_s", ttl_s}, {"again_in_s", std::max(1u, ttl_s / 3)}}));
  };
  ask<gateway_outcome_ptr>(x, ec::outcome_unknown, sv->where.gateway_writer(), heard,
      atom::change::value, gateway_change_ptr{std::move(what)});
}

} // namespace shoal::api
