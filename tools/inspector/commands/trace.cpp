#include <algorithm>
#include <map>

#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

using kind = argument::kind;

constexpr auto pause = std::chrono::milliseconds{200};

std::string draw(const json& ops, const canvas& on) {
  std::string out;
  for (const auto& op : ops) {
    out += harmless(op.value("stream", "")) + " id " + std::to_string(op.value("id", 0)) + " on " +
           op.value("node", "") + ": answered after " + time_text(op.value("total_us", 0.0)) + "\n";
    std::vector<std::vector<std::string>> lines{{"  AT", "WHERE", "ACTOR", "MAILBOX", "HANDLER"}};
    for (const auto& step : part(op, "steps"))
      lines.push_back({"  " + time_text(step.value("at_us", 0.0)), step.value("what", ""),
          step.value("actor", 0) == 0 ? "" : std::to_string(step.value("actor", 0)),
          step.value("actor", 0) == 0 ? "" : time_text(step.value("mailbox_us", 0.0)),
          time_text(step.value("handler_us", 0.0))});
    out += aligned(lines);
  }
  return ops.empty() ? faint("no op came by\n", on) : out;
}

/// Follows all nodes until enough ops were seen, or it has taken too long.
json follow(const given& values, session& s) {
  auto wanted = values.number("--next", 1);
  auto until = std::chrono::steady_clock::now() +
               std::chrono::milliseconds{values.number("--patience", 10'000)};
  auto target = std::string{"/inspect/trace?limit=100"};
  if (values.has("--stream"))
    target += "&stream=" + url_encoded(values.text("--stream"));
  std::map<std::string, std::uint64_t> seen; // node -> newest
  for (auto& x : s.all(target))              // turns it on; what was there before is not ours
    for (auto& op : x.data["ops"])
      seen[x.node] = std::max(seen[x.node], op["began_ns"].get<std::uint64_t>());
  auto out = json::array();
  // An op that came in elsewhere has a part of its way on two nodes. By name: who was seen first.
  std::map<std::string, std::size_t> ops;
  auto name_of = [](const json& op) {
    return op.value("stream", "") + " " + std::to_string(op.value("id", 0));
  };
  auto take = [&](bool new_ones) {
    for (auto& x : s.all(target)) {
      auto newest = seen[x.node];
      for (auto& op : x.data["ops"]) {
        auto began = op["began_ns"].get<std::uint64_t>();
        auto name = name_of(op);
        if (began <= newest || (!ops.contains(name) && (!new_ones || ops.size() == wanted)))
          continue;
        seen[x.node] = std::max(seen[x.node], began);
        ops.emplace(name, ops.size());
        out.push_back(row_of(x.node, op));
      }
    }
  };
  while (ops.size() < wanted && std::chrono::steady_clock::now() < until && s.wait(pause))
    take(true);
  if (!ops.empty() && s.nodes().size() > 1 && s.wait(pause))
    take(false);
  auto begins_at_api = [](const json& op) {
    auto& steps = part(op, "steps");
    return !steps.empty() && steps.front().value("what", "") == "api";
  };
  auto rank = [&](const json& op) { return std::pair{ops[name_of(op)], !begins_at_api(op)}; };
  std::stable_sort(
      out.begin(), out.end(), [&](const json& x, const json& y) { return rank(x) < rank(y); });
  return out;
}

} // namespace

command trace_command() {
  return {"trace", "One op's way through actors: time in mailboxes, in handlers, on the disk",
      "  actor-inspector trace --stream shop/user:u1\n"
      "  actor-inspector trace --next 3 -o json\n",
      {{"--stream", "only ops of this stream: APP/user:ID", kind::text, false},
          {"--next", "how many ops (1)", kind::number, false},
          {"--patience", "milliseconds to wait for them (10000)", kind::number, false}},
      "", {}, {},
      [](const given& values, session& s) -> outcome {
        auto ops = follow(values, s);
        auto code = ops.empty() ? 1 : 0;
        return {std::move(ops), code};
      },
      draw};
}

} // namespace shoal::inspector
