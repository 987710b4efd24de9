#include <algorithm>
#include <array>
#include <limits>

#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

using kind = argument::kind;

constexpr std::array states{"OK", "WARNING", "CRITICAL", "UNKNOWN"};

/// What is a warning however bad it gets, unless --crit says otherwise: what is led goes on.
constexpr auto never = std::numeric_limits<double>::infinity();

struct check {
  const char *name, *help;
  double warn, crit;
};

constexpr std::array checks{
    check{"depth", "messages in the deepest mailbox", 1'000, 10'000},
    check{"age_ms", "age of the oldest message", 1'000, 10'000},
    check{"deaths", "actors that died since the node started", 1, 20},
    check{"stuck", "actors without progress for half a second", 1, 5},
    check{"queued_mb", "megabytes that wait for a sync", 64, 512},
    check{"meta_away_s", "seconds without the meta store: nothing can change hands", 1, never},
    check{"unserved", "partitions without a leader", 1, never},
    check{"few_copies", "partitions with fewer copies in sync than replicas", 1, never},
};

std::string names() {
  std::string out;
  for (auto& x : checks)
    out.append(out.empty() ? "" : ", ").append(x.name);
  return out;
}

/// "depth=100,age_ms=500"
std::map<std::string, double> limits_of(const std::string& text) {
  std::map<std::string, double> out;
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find(',', at), text.size());
    auto pair = text.substr(at, end - at);
    auto split = pair.find('=');
    auto known = std::ranges::any_of(checks,
        [&](const check& x) { return split != pair.npos && x.name == pair.substr(0, split); });
    char* rest = nullptr;
    auto value = known ? std::strtod(pair.c_str() + split + 1, &rest) : 0;
    if (!known || rest == pair.c_str() + split + 1 || *rest != '\0')
      throw bad_usage{"a limit is NAME=NUMBER; names: " + names()};
    out[pair.substr(0, split)] = value;
    at = end + 1;
  }
  return out;
}

std::map<std::string, double> measure(session& s, const std::string& node) {
  auto one = s.only(node);
  std::map<std::string, double> out;
  for (auto [sort, field, name, unit] :
      {std::tuple{"depth", "depth", "depth", 1.0}, std::tuple{"age", "age_us", "age_ms", 1000.0}}) {
    auto first = one.any(std::string{"/inspect/actors?limit=1&sort="} + sort).data;
    for (auto& x : first["actors"])
      out[name] = x[field].is_number() ? x[field].get<double>() / unit : 0;
  }
  auto dead = one.any("/inspect/tree?limit=1").data;
  out["deaths"] = dead.value("deaths", 0.0);
  out["stuck"] = static_cast<double>(one.any("/inspect/stuck?for_ms=500").data["stuck"].size());
  auto facts = one.any("/inspect/nodes").data;
  out["queued_mb"] = facts.value("queued_bytes", 0.0) / (1 << 20);
  out["ready"] = facts.value("ready", false) ? 1 : 0;
  out["meta_away_s"] = facts.value("meta_away_ms", 0.0) / 1000;
  out["unserved"] = facts.value("unserved", 0.0);
  out["few_copies"] = facts.value("short_of_copies", 0.0);
  return out;
}

std::string draw(const json& x, const canvas& on) {
  auto state = x.value("state", "UNKNOWN");
  auto out = std::string{"SHOAL "}.append(state == "OK" ? state : red(state, on)).append(" -");
  for (const auto& why : x["problems"])
    out.append(" ").append(harmless(why.get<std::string>())).append(";");
  if (x["problems"].empty())
    out.append(" ")
        .append(std::to_string(x["nodes"].size()))
        .append(x["nodes"].size() == 1 ? " node is well" : " nodes are well");
  else
    out.pop_back();
  out += " |"; // performance data, as monitoring plugins write it
  for (const auto& node : x["nodes"])
    for (const auto& [name, value] : node.items())
      if (value.is_number())
        out.append(" ")
            .append(harmless(node.value("node", "")))
            .append(".")
            .append(name)
            .append("=")
            .append(cell_text("", value));
  return out + "\n";
}

outcome run(const given& values, session& s) {
  auto warn = limits_of(values.text("--warn")), crit = limits_of(values.text("--crit"));
  auto worst = 0;
  auto problems = json::array(), nodes = json::array();
  std::vector<session::answer> answers;
  try {
    answers = s.all("/inspect/nodes");
  } catch (const unreachable& why) {
    problems.push_back(why.why);
    return {{{"state", states[3]}, {"problems", problems}, {"nodes", nodes}}, 3};
  }
  for (auto& x : answers) {
    auto figures = measure(s, x.node);
    json row = {{"node", x.node}};
    if (figures["ready"] == 0) {
      worst = 2;
      problems.push_back(x.node + " is not ready");
    }
    for (auto& c : checks) {
      auto value = figures[c.name];
      row[c.name] = value;
      auto critical = crit.contains(c.name) ? crit[c.name] : c.crit;
      auto warning = warn.contains(c.name) ? warn[c.name] : c.warn;
      auto level = value >= critical ? 2 : value >= warning ? 1 : 0;
      worst = std::max(worst, level);
      if (level > 0)
        problems.push_back(x.node + ": " + cell_text("", value) + " " + c.help);
    }
    nodes.push_back(std::move(row));
  }
  for (const auto& [node, why] : s.silent()) {
    worst = 2;
    problems.push_back("no answer from " + node);
  }
  auto code = worst;
  return {{{"state", states[static_cast<std::size_t>(worst)]}, {"problems", problems},
              {"nodes", nodes}},
      code};
}

} // namespace

command check_command() {
  return {"check", "For monitoring: 0 well, 1 warning, 2 critical, 3 nobody answers",
      "  actor-inspector check\n"
      "  actor-inspector --cluster cluster.toml check --warn depth=500,age_ms=200 --crit "
      "depth=5000\n",
      {{"--warn",
           "limits, NAME=NUMBER with commas: depth, age_ms, deaths, stuck, queued_mb, meta_away_s, "
           "unserved, few_copies",
           kind::text, false},
          {"--crit", "the same, for critical", kind::text, false}},
      "nodes", {}, {}, run, draw};
}

} // namespace shoal::inspector
