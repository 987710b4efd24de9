#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

std::string words_of(const json& x, const canvas& on) {
  auto out = x.value("kind", "") + " " + faint(std::to_string(x.value("id", 0)), on);
  if (auto label = x.value("label", ""); !label.empty())
    out += "  " + harmless(label);
  if (x.value("state", "idle") != "idle")
    out += "  " + x.value("state", "");
  if (auto n = x.value("restarts", 0); n > 0)
    out += "  " + red(std::to_string(n) + (n == 1 ? " restart" : " restarts"), on);
  if (auto i = x.find("budget"); i != x.end()) {
    auto used = i->value("used", 0), max = i->value("max", 0);
    auto text = "budget " + std::to_string(max - used) + " of " + std::to_string(max);
    // Half of it gone: somebody should look before the rest is.
    out += "  " + (used * 2 >= max ? red(text + " LOW", on) : used > 0 ? text : faint(text, on));
  }
  return out;
}

void draw_children(std::string& out, const json& x, const std::string& indent, const canvas& on) {
  auto children = x.value("children", json::array());
  auto more = x.value("more", json::array());
  auto left = children.size() + more.size();
  auto branch = [&](const std::string& words) {
    --left;
    out += indent + (left == 0 ? "└─ " : "├─ ") + words + "\n";
  };
  for (const auto& child : children) {
    branch(words_of(child, on));
    draw_children(out, child, indent + (left == 0 ? "   " : "│  "), on);
  }
  for (const auto& group : more) {
    auto words =
        "and " + std::to_string(group.value("count", 0)) + " more " + group.value("kind", "");
    if (auto busy = group.value("running", 0) + group.value("ready", 0); busy > 0)
      words += ", " + std::to_string(busy) + " of all not idle";
    branch(faint(words, on));
  }
}

std::string draw(const json& nodes, const canvas& on) {
  std::string out;
  for (const auto& node : nodes) {
    out += node.value("node", "") +
           faint("  " + std::to_string(node.value("total", 0)) + " actors, " +
                     std::to_string(node.value("deaths", 0)) + " deaths since start",
               on) +
           "\n";
    draw_children(out, node, "", on);
  }
  return out;
}

} // namespace

command tree_command() {
  return {"tree", "Who supervises whom, with restarts and what is left of restart budgets",
      "  actor-inspector tree\n"
      "  actor-inspector tree --limit 100\n",
      {{"--limit", "of each kind under one parent (3)", argument::kind::number, false}}, "", {}, {},
      [](const given& values, session& s) -> outcome {
        auto out = json::array();
        for (auto& x : s.all("/inspect/tree?limit=" + std::to_string(values.number("--limit", 3))))
          out.push_back(std::move(x.data));
        return {std::move(out)};
      },
      draw};
}

} // namespace shoal::inspector
