// The nodes of the cluster, for operators.
#include <nlohmann/json.hpp>

#include "actors/api/api_state.hpp"
#include "actors/api/json_reader.hpp"
#include "actors/log.hpp"

namespace shoal::api {

namespace {

using nlohmann::json;

json node_json(const node_entry& x) {
  return {{"name", x.name}, {"address", x.address}, {"link", x.link}, {"admin", x.admin},
      {"state", x.state}, {"alive", x.alive}, {"controls", x.controls}, {"leads", x.leads},
      {"holds", x.holds}};
}

} // namespace

void api_state::nodes(const exchange_ptr& x) {
  auto show = [this, x](const node_list& found) {
    if (found.code != ec::none)
      throw refusal{found.code, found.text};
    auto out = json{{"nodes", json::array()}};
    for (const auto& node : found.nodes)
      out["nodes"].push_back(node_json(node));
    answer(*x, 200, out.dump());
  };
  if (auto whom = sv->where.membership())
    return ask<node_list>(x, ec::storage_failed, whom, show, atom::online::value);
  auto alone = node_entry{};
  alone.name = sv->name;
  alone.state = "up";
  alone.controls = true;
  alone.leads = alone.holds = sv->where.partition_count();
  show({ec::none, {}, {alone}});
}

void api_state::node_state(const exchange_ptr& x) {
  auto body = parse_body(x->request.body);
  auto in = json_reader{body};
  auto state = std::string{};
  in.text("state", state, 16);
  in.finish();
  if (state != "up" && state != "draining" && state != "removed")
    throw refusal{ec::invalid_argument, "state: up, draining or removed"};
  if (!sv->where.membership())
    throw refusal{ec::invalid_argument, "this node is alone: its state cannot change"};
  shoal::log::info(
      "node state asked for", {{"node", x->param(0)}, {"state", state}, {"by", x->key->id}});
  auto done = [this, x](const node_list& found) {
    if (found.code != ec::none)
      throw refusal{found.code, found.text};
    answer(*x, 200, node_json(found.nodes.front()).dump());
  };
  ask<node_list>(x, ec::outcome_unknown, sv->where.membership(), done, atom::change::value,
      x->param(0), state);
}

} // namespace shoal::api
