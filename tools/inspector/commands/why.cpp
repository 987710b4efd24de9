#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

std::string draw(const json& x, const canvas& on) {
  std::string out;
  auto first = true;
  const auto& at = part(x, "waits_at");
  for (const auto& step : x.value("steps", json::array())) {
    auto slow = !at.is_null() && part(at, "id") == part(step, "id");
    auto who = step.value("kind", "") + " " + std::to_string(step.value("id", 0)) + "  " +
               harmless(step.value("label", ""));
    auto line = std::string{first ? "" : "└─ "} + who + ": " +
                (step.value("answered", false) ? "answered after " : "no answer within ") +
                time_text(step.value("waited_us", 0.0)) + "; " + step.value("says", "");
    out += (slow ? red(line, on) : line) + "\n";
    first = false;
  }
  if (auto log = x.find("log"); log != x.end())
    out += "└─ commit log: " + bytes_text(log->value("queued_bytes", 0.0)) +
           " wait, a sync takes " + time_text(log->value("sync_us", 0.0)) + "\n";
  out += at.is_null() ? "Nothing waits.\n"
                      : "The oldest message waits at " + at.value("kind", "") + " " +
                            std::to_string(at.value("id", 0)) + ", " +
                            time_text(at.value("waited_us", 0.0)) + ".\n";
  return out;
}

} // namespace

command why_command() {
  return {"why", "Where the oldest message of an actor waits: there, or with whom it depends on",
      "  actor-inspector why 17\n"
      "  actor-inspector --cluster cluster.toml why n2/17\n",
      {{"id", "id of the actor, as ls shows it; with a cluster: node/id",
          argument::kind::positional, true}},
      "steps", {}, {},
      [](const given& values, session& s) -> outcome {
        auto id = s.pick(values.text("id"));
        return {s.any("/inspect/why/" + url_encoded(id)).data};
      },
      draw};
}

} // namespace shoal::inspector
