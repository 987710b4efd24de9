#include "tools/inspector/printers.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

namespace {

std::string draw(const json& x, const canvas& on) {
  return "Messages that nobody read:\n" + print_table(x["letters"], {}, on) +
         "\nActors that died, and were not asked to:\n" + print_table(x["deaths"], {}, on);
}

} // namespace

command dead_command() {
  return {"dead", "Undelivered messages by type and reason, and actors that died",
      "  actor-inspector dead\n"
      "  actor-inspector dead -o json\n",
      {}, "letters", {}, {},
      [](const given&, session& s) -> outcome {
        json out = {{"letters", json::array()}, {"deaths", json::array()}};
        for (auto& x : s.all("/inspect/dead"))
          for (auto part : {"letters", "deaths"})
            for (auto& row : x.data[part])
              out[part].push_back(row_of(x.node, row));
        return {std::move(out)};
      },
      draw};
}

} // namespace shoal::inspector
