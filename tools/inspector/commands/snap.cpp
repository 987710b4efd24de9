#include <fstream>

#include "tools/inspector/session.hpp"

namespace shoal::inspector {

command snap_command() {
  return {"snap", "Write what there is now into a file, to compare later",
      "  actor-inspector snap before.json\n",
      {{"file", "where to", argument::kind::positional, true}}, "", {}, {},
      [](const given& values, session& s) -> outcome {
        auto nodes = json::object();
        for (auto& x : s.all("/inspect/snap"))
          nodes[x.node] = std::move(x.data);
        auto file = values.text("file");
        std::ofstream out{file, std::ios::trunc};
        out << json{{"shoal_snapshot", 1}, {"nodes", nodes}}.dump(1) << '\n';
        if (!out.flush())
          throw bad_usage{"cannot write " + file};
        return {{{"file", file}, {"nodes", nodes.size()}}};
      },
      {}};
}

} // namespace shoal::inspector
