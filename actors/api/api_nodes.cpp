// The nodes of the cluster, for operators. What they change is in the audit before it is done.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/api/api_state.hpp"
#include "actors/api/json_reader.hpp"
#include "actors/catalog/remark.hpp"
#include "actors/log.hpp"

namespace shoal::api {

namespace {

using nlohmann::json;

json node_json(const node_entry& x) {
  return {{"name", x.name}, {"address", x.address}, {"link", x.link}, {"admin", x.admin},
      {"state", x.state}, {"alive", x.alive}, {"controls", x.controls}, {"leads", x.leads},
      {"holds", x.holds}};
}

/// As the audit trail says it; empty: there is no such state.
std::string name_of_change(const std::string& state) {
  return state == "draining"  ? "node drained"
         : state == "up"      ? "node up"
         : state == "removed" ? "node removed"
                              : "";
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
  auto what = name_of_change(state);
  if (what.empty())
    throw refusal{ec::invalid_argument, "state: up, draining or removed"};
  auto members = sv->where.membership();
  if (!members)
    throw refusal{ec::invalid_argument, "this node is alone: its state cannot change"};
  shoal::log::info(
      "node state asked for", {{"node", x->param(0)}, {"state", state}, {"by", x->key->id}});
  auto done = [this, x](const node_list& found) {
    if (found.code != ec::none)
      throw refusal{found.code, found.text};
    answer(*x, 200, node_json(found.nodes.front()).dump());
  };
  auto recorded = [this, x, members, state, done](const change_result& result) {
    if (result.code != ec::none)
      throw refusal{result.code, "the audit record is not written, and nothing is done"};
    ask<node_list>(x, ec::outcome_unknown, members, done, atom::change::value, x->param(0), state);
  };
  // Who it is about has to exist before anything is recorded.
  auto known = [this, x, what, recorded](const node_list& found) {
    if (found.code != ec::none)
      throw refusal{found.code, found.text};
    auto is_asked = [&](const node_entry& node) { return node.name == x->param(0); };
    if (std::none_of(found.nodes.begin(), found.nodes.end(), is_asked))
      throw refusal{ec::not_found, "no node is called " + x->param(0)};
    auto about = remark{what, x->request.method + " " + x->request.path, {{"node", x->param(0)}}};
    ask<change_result>(x, ec::outcome_unknown, sv->where.catalog_writer(), recorded,
        atom::change::value, change_of(about, x->key->id, nullptr));
  };
  ask<node_list>(x, ec::storage_failed, members, known, atom::online::value);
}

} // namespace shoal::api
