#include <cmath>
#include <fstream>
#include <sstream>

#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

json read(const std::string& file) {
  auto in = std::ifstream{file};
  auto out = json::parse(in, nullptr, false);
  if (!out.is_object() || !out.contains("shoal_snapshot"))
    throw bad_usage{file + " is not a snapshot; write one with snap FILE"};
  return out["nodes"];
}

std::map<std::string, double> metrics_of(const json& node) {
  std::map<std::string, double> out;
  auto lines = std::istringstream{node.value("metrics", "")};
  for (std::string line; std::getline(lines, line);)
    // Of a histogram its count and its sum are enough: buckets would be most of what is shown.
    if (auto split = line.rfind(' ');
        !line.starts_with('#') && split != std::string::npos &&
        line.substr(0, line.find('{')).rfind("_bucket") == std::string::npos)
      out[line.substr(0, split)] = std::atof(line.c_str() + split);
  return out;
}

using figures = std::map<std::string, double>;

/// Everything that is a number and may be compared, under a name.
figures figures_of(const json& node) {
  auto out = metrics_of(node);
  for (const auto& x : node.value("kinds", json::array()))
    for (auto field : {"count", "handled", "bytes"})
      out["actors of kind " + x.value("kind", "") + ", " + field] = x.value(field, 0.0);
  for (const auto& x : node.value("letters", json::array()))
    out["unread " + x.value("message", "") + " to " + x.value("receiver", "") + ", " +
        x.value("why", "")] = x.value("count", 0.0);
  auto facts = node.value("facts", json::object());
  for (auto field : {"actors", "devices", "streams", "rss", "queued_bytes"})
    out[std::string{"node "} + field] = facts.value(field, 0.0);
  return out;
}

json compare(const json& before, const json& after) {
  auto out = json::array();
  for (const auto& [node, now] : after.items()) {
    if (!before.contains(node)) {
      out.push_back({{"node", node}, {"what", "the node"}, {"before", nullptr}, {"after", "new"}});
      continue;
    }
    auto old = figures_of(before[node]);
    auto seconds = (now.value("time_ms", 0.0) - before[node].value("time_ms", 0.0)) / 1000;
    for (auto& [what, y] : figures_of(now)) {
      auto x = old[what];
      if (x == y)
        continue;
      json row = {{"node", node}, {"what", what}, {"before", x}, {"after", y}, {"change", y - x}};
      if (seconds > 0)
        row["per_second"] = std::round((y - x) / seconds * 100) / 100;
      out.push_back(std::move(row));
    }
  }
  for (const auto& [node, old] : before.items())
    if (!after.contains(node))
      out.push_back(
          {{"node", node}, {"what", "the node"}, {"before", "there"}, {"after", nullptr}});
  return out;
}

} // namespace

command diff_command() {
  return {"diff", "What changed between two snapshots",
      "  actor-inspector snap a.json; sleep 60; actor-inspector snap b.json\n"
      "  actor-inspector diff a.json b.json\n",
      {{"before", "the older file", argument::kind::positional, true},
          {"after", "the newer file", argument::kind::positional, true}},
      "", {"node", "what", "before", "after", "change", "per_second"}, {},
      [](const given& values, session&) -> outcome {
        return {compare(read(values.text("before")), read(values.text("after")))};
      },
      {}};
}

} // namespace shoal::inspector
