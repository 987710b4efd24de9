#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

json list(session& s) {
  auto out = json::array();
  for (auto& x : s.all("/inspect/nodes")) {
    auto wish = x.data.value("state", "");
    x.data["state"] = !x.data.value("ready", false)  ? "not ready"
                      : wish.empty() || wish == "up" ? "ready"
                                                     : wish;
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
      {"delivered", "syncs", "restarts", "unserved", "short_of_copies"}, {}, {}};
  auto out = print_table(rows, columns, on);
  for (const auto& node : rows)
    if (auto away = node.value("meta_away_ms", 0.0); away > 0)
      out += red(harmless(node.value("node", "")) + ": the meta store has not answered for " +
                     time_text(away * 1e3) + "; nothing can change hands",
                 on) +
             "\n";
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
