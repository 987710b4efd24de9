// /inspect/tree: who supervises whom. Two walks: who has children at all, then everybody, of whom
// each parent keeps a few per kind and counts the rest.
#include <algorithm>
#include <set>

#include "actors/inspect/views.hpp"

namespace shoal::inspect {

namespace {

constexpr auto probe_patience = std::chrono::milliseconds{250};

struct group {
  std::uint64_t count = 0, running = 0, ready = 0;
  std::vector<actor_row> shown;
};

struct forest {
  std::map<caf::actor_id, std::map<std::string, group>> children;
  std::map<caf::actor_id, json> budgets;
  const actor_registry& actors;
};

/// Asks supervisors how much of their restart budgets is used.
void ask_budgets(context& c, const std::set<caf::actor_id>& parents, forest& f) {
  std::vector<caf::actor_id> ids{parents.begin(), parents.end()};
  auto answers = c.actors.probe(ids, detail_level::full, probe_patience);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto state = json::parse(answers[i].state.empty() ? "{}" : answers[i].state, nullptr, false);
    if (state.is_object() && state.contains("budget"))
      f.budgets[ids[i]] = state["budget"];
  }
}

json branch(const forest& f, const actor_row& x);

json children_of(const forest& f, caf::actor_id parent, json& more) {
  auto out = json::array();
  auto i = f.children.find(parent);
  if (i == f.children.end())
    return out;
  for (auto& [kind, g] : i->second) {
    for (auto& x : g.shown)
      out.push_back(branch(f, x));
    if (g.count > g.shown.size())
      more.push_back({{"kind", kind}, {"count", g.count - g.shown.size()}, {"of", g.count},
          {"running", g.running}, {"ready", g.ready}});
  }
  return out;
}

json branch(const forest& f, const actor_row& x) {
  auto out = row_json(x, f.actors);
  if (auto i = f.budgets.find(x.id); i != f.budgets.end())
    out["budget"] = i->second;
  auto more = json::array();
  auto children = children_of(f, x.id, more);
  if (!children.empty())
    out["children"] = std::move(children);
  if (!more.empty())
    out["more"] = std::move(more);
  return out;
}

} // namespace

json supervision_tree(context& c, std::string_view text) {
  auto q = api::query{text, "limit"};
  auto limit = q.limit(3, 10'000);
  std::set<caf::actor_id> parents;
  c.actors.walk(0, SIZE_MAX, nullptr, [&](actor_row&& x) {
    if (x.parent != 0)
      parents.insert(x.parent);
  });
  auto f = forest{{}, {}, c.actors};
  c.actors.walk(0, SIZE_MAX, nullptr, [&](actor_row&& x) {
    auto& g = f.children[x.parent][x.kind];
    ++g.count;
    g.running += x.running;
    g.ready += !x.idle && !x.running;
    // Who has children is shown first, and in place of somebody who has none.
    auto has_children = parents.contains(x.id);
    if (g.shown.size() < limit) {
      g.shown.push_back(std::move(x));
    } else if (has_children) {
      for (auto& y : g.shown)
        if (!parents.contains(y.id)) {
          y = std::move(x);
          break;
        }
    }
  });
  for (auto& [parent, kinds] : f.children)
    for (auto& [kind, g] : kinds)
      std::ranges::sort(g.shown, {}, &actor_row::id);
  ask_budgets(c, parents, f);
  auto more = json::array();
  json out = {
      {"node", c.node.name}, {"total", c.actors.size()}, {"deaths", c.actors.death_count()}};
  out["children"] = children_of(f, 0, more);
  if (!more.empty())
    out["more"] = std::move(more);
  return out;
}

} // namespace shoal::inspect
