// Commands about the nodes of a cluster.
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

} // namespace

std::vector<command> node_commands() {
  return {
      {"node list", "The nodes of the cluster (operator)", {}, node_columns, "nodes",
          [](const given&, session& s) {
            s.emit(s.ask("GET", "/v1/nodes"));
            return 0;
          }},
      set_state("node drain", "Move everything off a node; it stays in the cluster (operator)",
          "draining"),
      set_state("node up", "Let a node lead and hold partitions again (operator)", "up"),
      set_state(
          "node remove", "A node will not come back: copy what it held (operator)", "removed"),
  };
}

} // namespace shoal::ctl
