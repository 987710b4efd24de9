#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

std::string draw(const json& nodes, const canvas& on) {
  std::string out;
  for (const auto& x : nodes) {
    out += x.value("node", "") + ": " + std::to_string(x.value("workers", 0)) + " workers, " +
           std::to_string(x.value("actors_running", 0)) + " actors running, " +
           std::to_string(x.value("actors_ready", 0)) + " ready; " +
           std::to_string(x.value("throughput", 0)) + " messages at most per turn\n";
    out += print_table(part(x, "threads"), {}, on);
  }
  return out;
}

} // namespace

command sched_command() {
  return {"sched", "Threads and what they use of a core, actors that run or are ready to",
      "  actor-inspector sched\n", {}, "threads", {}, {},
      [](const given&, session& s) -> outcome {
        auto out = json::array();
        for (auto& x : s.all("/inspect/sched"))
          out.push_back(std::move(x.data));
        return {std::move(out)};
      },
      draw};
}

} // namespace shoal::inspector
