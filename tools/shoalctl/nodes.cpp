// Commands about the nodes of a cluster.
#include <cmath>

#include "tools/shoalctl/command.hpp"

namespace shoal::ctl {

namespace {

using kind = argument::kind;

const argument node_name{"node", "name of the node", kind::positional, true, false};
const std::vector<std::string_view> node_columns{
    "name", "state", "alive", "controls", "leads", "holds", "address", "link", "admin"};

command set_state(std::string_view name, std::string_view help, const char* state) {
  return {name, help, {node_name}, node_columns, "", [state](const given& values, session& s) {
            s.emit(s.ask("PUT", "/v1/nodes/" + url_encoded(values.text("node")) + "/state",
                {{"state", state}}));
            return 0;
          }};
}

/// What the operator should know before a node is drained; empty: nothing. From the answer of
/// GET /v1/nodes: nodes that could keep its copies, and how many copies there are of a partition.
std::string cost_of_drain(const json& nodes, const std::string& leaving) {
  auto others = 0u;
  auto led = 0.0, held = 0.0;
  for (const auto& x : nodes) {
    led += x.value("leads", 0.0);
    held += x.value("holds", 0.0);
    others +=
        x.value("name", "") != leaving && x.value("state", "") == "up" && x.value("alive", false);
  }
  auto copies = led > 0 ? static_cast<unsigned>(std::lround(held / led)) : 0u;
  if (copies <= others || nodes.size() < 2)
    return {};
  auto text = [](unsigned n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
  };
  if (others == 0)
    return "no other node is up: what " + leaving + " holds cannot go anywhere";
  auto spare = (others - 1) / 2;
  return "only " + text(others, "other node") + " can keep what has " + std::to_string(copies) +
         " copies now: until " + leaving + " is up again, or another node is added, there are " +
         std::to_string(others) + ", and " +
         (spare == 0 ? "if one more node goes away, writes to its partitions stop"
                     : "writes stop if " + text(spare + 1, "more node") + " go away");
}

command drain_command() {
  auto out = set_state("node drain",
      "Partitions move off a node, its devices are asked to connect elsewhere; it stays in the "
      "cluster (operator)",
      "draining");
  out.run = [put = out.run](const given& values, session& s) {
    auto known = s.ask("GET", "/v1/nodes");
    if (known.is_object() && known.contains("nodes") && known["nodes"].is_array())
      if (auto words = cost_of_drain(known["nodes"], values.text("node")); !words.empty())
        s.warn(words);
    return put(values, s);
  };
  return out;
}

} // namespace

std::vector<command> node_commands() {
  return {
      {"node list", "The nodes of the cluster (operator)", {}, node_columns, "nodes",
          [](const given&, session& s) {
            s.emit(s.ask("GET", "/v1/nodes"));
            return 0;
          }},
      drain_command(),
      set_state("node up", "Let a node lead and hold partitions again (operator)", "up"),
      set_state(
          "node remove", "A node will not come back: copy what it held (operator)", "removed"),
  };
}

} // namespace shoal::ctl
