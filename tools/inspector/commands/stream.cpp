#include <algorithm>

#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

std::string plain_part(const json& x, const canvas& on) {
  auto facts = json::object();
  for (const auto& [name, value] : x.items())
    if (name != "bizs" && !value.is_structured())
      facts[name] = value;
  return print_table(facts, {}, on);
}

std::string draw(const json& x, const canvas& on) {
  auto facts = x;
  facts.erase("next_after");
  auto out = plain_part(facts, on);
  for (const auto& biz : x.value("bizs", json::array())) {
    auto line = json::object();
    for (const auto& [name, value] : biz.items())
      if (!value.is_structured())
        line[name] = value;
    out.append("\n").append(print_table(json::array({line}), {}, on));
    if (auto i = biz.find("devices"); i != biz.end() && !i->empty())
      out += print_table(*i, {}, on);
  }
  if (auto i = x.find("relays"); i != x.end() && !i->empty())
    out.append("\nRelays, which hand it on to the devices of their nodes:\n")
        .append(print_table(*i, {}, on));
  if (auto i = x.find("cursors"); i != x.end() && !i->empty()) {
    auto columns = command{"", "", "", {}, "",
        {"biz", "device", "user", "position", "backlog", "epoch", "attached", "time_ms", "error"},
        {"node", "place"}, {}, {}};
    out.append("\nStored positions, also of those who are away:\n")
        .append(print_table(*i, columns, on));
  }
  if (auto next = x.value("next_after", ""); !next.empty())
    out.append(faint("There are more: --after " + harmless(next), on)).append("\n");
  return out;
}

/// Every node knows the stream's partition; the one that leads it knows the stream. Relays are on
/// all.
json stream_of(session& s, const std::string& target) {
  auto answers = s.all("/inspect/streams/" + target);
  auto relays = json::array();
  for (auto& x : answers)
    for (auto& row : x.data.value("relays", json::array()))
      relays.push_back(row_of(x.node, row));
  auto best = std::ranges::find_if(
      answers, [](auto& x) { return !x.node.empty() && x.data.value("owner", "") == x.node; });
  if (best == answers.end())
    best = std::ranges::find_if(answers, [](auto& x) { return x.data.value("active", false); });
  auto out = std::move(best == answers.end() ? answers.front().data : best->data);
  if (out.erase("relays") > 0 || !relays.empty())
    out["relays"] = std::move(relays);
  return out;
}

/// Ops that are not acknowledged yet; unknown if the position is one of another history.
json backlog_of(const json& cursor, const json& bizs) {
  for (const auto& biz : bizs)
    if (biz.value("biz", "") == cursor.value("biz", "?") && cursor.contains("position") &&
        part(biz, "epoch") == part(cursor, "epoch")) {
      auto last = biz.value("last", std::uint64_t{0});
      return last - std::min(last, cursor.value("position", std::uint64_t{0}));
    }
  return nullptr;
}

/// Each node has the positions of the partitions that it leads, by place; so have all of them.
void add_cursors(json& to, session& s, const std::string& target, const given& values) {
  auto limit = std::clamp<std::uint64_t>(values.number("--limit", 50), 1, 1000);
  auto rows = json::array();
  std::string end; // behind this, a node may have more than it said
  for (auto& x : s.all("/inspect/cursors/" + target + "?limit=" + std::to_string(limit) +
                       (values.has("--after") ? "&after=" + url_encoded(values.text("--after"))
                                              : std::string{}))) {
    for (auto& row : x.data.value("cursors", json::array()))
      rows.push_back(row_of(x.node, row));
    if (auto next = x.data.value("next_after", ""); !next.empty() && (end.empty() || next < end))
      end = next;
  }
  auto place = [](const json& row) { return row.value("place", ""); };
  std::stable_sort(
      rows.begin(), rows.end(), [&](const json& x, const json& y) { return place(x) < place(y); });
  auto out = json::array();
  for (auto& row : rows) {
    if (!end.empty() && place(row) > end)
      break;
    if (!out.empty() && place(row) == place(out.back()))
      continue; // its partition has just moved from one node to another
    if (out.size() == limit) {
      end = place(out.back());
      break;
    }
    row["backlog"] = backlog_of(row, to.value("bizs", json::array()));
    out.push_back(std::move(row));
  }
  to["cursors"] = std::move(out);
  if (!end.empty())
    to["next_after"] = end;
}

} // namespace

command stream_command() {
  return {"stream", "A stream: owner, epoch, newest ids, who listens, and how far everybody is",
      "  actor-inspector stream shop/user:u1\n"
      "  actor-inspector stream shop/global -o json\n"
      "  actor-inspector stream shop/user:u1 --limit 1000\n",
      {{"key", "APP/user:ID, APP/device:ID or APP/global", argument::kind::positional, true},
          {"--limit", "how many stored positions (50, at most 1000)", argument::kind::number,
              false},
          {"--after", "stored positions after this place, as an earlier answer names it",
              argument::kind::text, false}},
      "", {}, {},
      [](const given& values, session& s) -> outcome {
        auto key = values.text("key");
        auto split = key.find('/');
        if (split == std::string::npos)
          throw bad_usage{"a stream is named APP/user:ID, APP/device:ID or APP/global"};
        auto target = url_encoded(key.substr(0, split)) + "/" + url_encoded(key.substr(split + 1));
        auto out = stream_of(s, target);
        add_cursors(out, s, target, values);
        return {std::move(out)};
      },
      draw};
}

} // namespace shoal::inspector
