#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

json list(session& s) {
  auto out = json::array();
  for (auto& x : s.all("/inspect/nodes")) {
    x.data["state"] = x.data.value("ready", false) ? "ready" : "not ready";
    out.push_back(std::move(x.data));
  }
  for (const auto& [node, why] : s.silent())
    out.push_back({{"node", node}, {"state", "no answer"}, {"why", why}});
  return out;
}

std::string draw(const json& rows, const canvas& on) {
  auto columns = command{"", "", "", {}, "",
      {"node", "state", "version", "up_s", "actors", "devices", "streams", "appends", "sync_us",
          "queued_bytes", "rss"},
      {"delivered", "syncs", "restarts"}, {}, {}};
  auto out = print_table(rows, columns, on);
  auto links = json::array();
  for (const auto& node : rows)
    for (const auto& x : node.value("links", json::array())) {
      json row = {{"node", part(node, "node")}};
      row.update(x);
      links.push_back(std::move(row));
    }
  if (!links.empty())
    out.append("\n").append(print_table(links, {}, on));
  return out;
}

} // namespace

command nodes_command() {
  return {"nodes", "Nodes: what they hold, how fast their disks sync, how their links are",
      "  actor-inspector --cluster cluster.toml nodes\n", {}, "", {}, {},
      [](const given&, session& s) -> outcome { return {list(s)}; }, draw};
}

} // namespace shoal::inspector
