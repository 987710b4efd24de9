#include <algorithm>
#include <map>

#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

/// What the leaders know about one node's replicas, put together.
void add_lag(json& rows) {
  std::map<std::string, json> of;
  for (const auto& node : rows)
    for (const auto& x : node.value("followers", json::array())) {
      auto& sum = of.try_emplace(x.value("follower", ""), json::object()).first->second;
      sum["records_behind"] = sum.value("records_behind", 0.0) + x.value("records", 0.0);
      sum["lag_ms"] = std::max(sum.value("lag_ms", 0.0), x.value("lag_ms", 0.0));
    }
  for (auto& node : rows)
    if (auto x = of.find(node.value("node", "")); x != of.end())
      node.update(x->second);
}

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
  add_lag(out);
  return out;
}

/// A list that every node has, in one, each line with its node.
json lines_of(const json& rows, const char* field) {
  auto out = json::array();
  for (const auto& node : rows)
    for (const auto& x : node.value(field, json::array()))
      out.push_back(row_of(part(node, "node"), x));
  return out;
}

std::string draw(const json& rows, const canvas& on) {
  auto columns = command{"", "", "", {}, "",
      {"node", "state", "version", "up_s", "actors", "devices", "streams", "appends", "sync_us",
          "queued_bytes", "records_behind", "lag_ms", "rss"},
      {"delivered", "syncs", "restarts", "unserved", "short_of_copies"}, {}, {}};
  auto out = print_table(rows, columns, on);
  for (const auto& node : rows)
    if (auto away = node.value("meta_away_ms", 0.0); away > 0)
      out += red(harmless(node.value("node", "")) + ": the meta store has not answered for " +
                     time_text(away * 1e3) + "; nothing can change hands",
                 on) +
             "\n";
  for (auto part_of : {"links", "followers"})
    if (auto lines = lines_of(rows, part_of); !lines.empty())
      out.append("\n").append(print_table(lines, {}, on));
  return out;
}

} // namespace

command nodes_command() {
  return {"nodes",
      "Nodes: what they hold, how fast their disks sync, how their links and replicas are",
      "  actor-inspector --cluster cluster.toml nodes\n", {}, "", {}, {},
      [](const given&, session& s) -> outcome { return {list(s)}; }, draw};
}

} // namespace shoal::inspector
