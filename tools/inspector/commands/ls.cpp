#include <algorithm>
#include <set>

#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

using kind = argument::kind;

constexpr std::uint64_t page = 1000;
constexpr std::uint64_t longest_sorted = 10'000; ///< of a node; more comes in pages, unsorted

std::string target_of(const given& values, std::uint64_t limit) {
  auto out = "/inspect/actors?limit=" + std::to_string(limit);
  for (auto name : {"kind", "label"})
    if (auto flag = std::string{"--"}.append(name); values.has(flag))
      out.append("&").append(name).append("=").append(url_encoded(values.text(flag)));
  return out;
}

/// Of all nodes the first, by what they were sorted by.
void merge(json& rows, const std::string& sort, std::uint64_t limit) {
  auto field = sort == "age"      ? "age_us"
               : sort == "memory" ? "bytes"
               : sort == "up"     ? "up_s"
                                  : sort.c_str();
  auto key = [&](const json& x) {
    auto i = x.find(field);
    return i != x.end() && i->is_number() ? i->get<double>() : 1e18;
  };
  std::stable_sort(rows.begin(), rows.end(), [&](const json& x, const json& y) {
    return sort == "id" ? key(x) < key(y) : key(x) > key(y);
  });
  if (rows.size() > limit)
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(limit), rows.end());
}

/// All pages of all nodes, up to the limit.
json pages(const given& values, session& s, std::uint64_t limit) {
  auto out = json::array();
  auto answers = s.all(target_of(values, std::min(limit, page)));
  for (auto& x : answers)
    for (auto& row : x.data["actors"]) {
      json with_node = {{"node", x.node}};
      with_node.update(row);
      out.push_back(std::move(with_node));
    }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto one = s.only(answers[i].node);
    auto cursor = answers[i].data.value("cursor", "");
    while (!cursor.empty() && out.size() < limit) {
      auto left = std::min<std::uint64_t>(limit - out.size(), page);
      auto next = one.any(target_of(values, left) + "&cursor=" + cursor);
      for (auto& row : next.data["actors"]) {
        json with_node = {{"node", next.node}};
        with_node.update(row);
        out.push_back(std::move(with_node));
      }
      cursor = next.data.value("cursor", "");
    }
  }
  return out;
}

/// Nothing of this kind: which kinds are there?
void explain(const given& values, session& s) {
  if (!values.has("--kind"))
    return;
  std::set<std::string> kinds;
  for (auto& x : s.all(target_of(values, 1)))
    for (auto& known : x.data.value("kinds", json::array()))
      kinds.insert(known.get<std::string>());
  if (kinds.empty() || kinds.contains(values.text("--kind")))
    return;
  auto words = "no actor is of the kind " + values.text("--kind") + "; there are";
  for (auto& known : kinds)
    words.append(known == *kinds.begin() ? " " : ", ").append(known);
  s.say(words);
}

json list(const given& values, session& s) {
  auto limit = values.number("--limit", 50);
  if (limit == 0)
    throw bad_usage{"--limit must be at least 1"};
  auto sort = values.text("--sort", limit > longest_sorted ? "" : "id");
  auto out = sort.empty() ? pages(values, s, limit)
                          : s.rows(target_of(values, std::min(limit, longest_sorted)) +
                                       "&sort=" + url_encoded(sort),
                                "actors");
  if (!sort.empty())
    merge(out, sort, limit);
  if (!values.has("--sort")) // nobody asked for the first of all nodes
    std::stable_sort(out.begin(), out.end(),
        [](const json& x, const json& y) { return x.value("node", "") < y.value("node", ""); });
  if (out.empty())
    explain(values, s);
  return out;
}

} // namespace

command ls_command() {
  return {"ls", "Actors: filtered, sorted, paged on the server",
      "  actor-inspector ls --kind stream --sort depth\n"
      "  actor-inspector ls --label user:u1 -o wide\n"
      "  actor-inspector ls --sort memory --limit 20 --watch      # 20 of all nodes together\n"
      "  actor-inspector --cluster cluster.toml ls --kind partition -o json\n",
      {{"--kind", "only actors of this kind: stream, device, partition, ...", kind::text, false},
          {"--label", "only actors with this text in their label", kind::text, false},
          {"--sort", "id (the default), depth, age, rate, busy, handled, memory or up", kind::text,
              false},
          {"--limit", "at most this many, of all nodes together (50)", kind::number, false},
          {"--watch", "again every two seconds, until interrupted", kind::flag, false}},
      "",
      {"node", "id", "kind", "label", "state", "depth", "age_us", "rate", "busy", "handled",
          "up_s"},
      {"bytes", "timeouts", "restarts", "parent"},
      [](const given& values, session& s) -> outcome {
        if (!values.has("--watch")) {
          auto rows = list(values, s);
          auto code = rows.empty() ? 1 : 0;
          return {std::move(rows), code};
        }
        do
          s.show(list(values, s));
        while (s.wait(std::chrono::seconds{2}));
        return {json(json::value_t::discarded)};
      },
      {}};
}

} // namespace shoal::inspector
