#include <fstream>

#include "tools/inspector/redact.hpp"
#include "tools/inspector/session.hpp"

namespace shoal::inspector {

command bundle_command() {
  return {"bundle", "One file for a bug report: configuration, figures, tree, actors, warnings",
      "  actor-inspector bundle report.json\n",
      {{"file", "where to", argument::kind::positional, true}}, "", {}, {},
      [](const given& values, session& s) -> outcome {
        auto nodes = json::object();
        for (auto& x : s.all("/inspect/bundle"))
          nodes[x.node] = redacted(x.data);
        auto silent = json::object();
        for (const auto& [node, why] : s.silent())
          silent[node] = why;
        auto file = values.text("file");
        std::ofstream out{file, std::ios::trunc};
        out << json{{"shoal_bundle", 1}, {"version", SHOAL_VERSION}, {"nodes", nodes},
                   {"no_answer", silent}}
                   .dump(1, ' ', false, json::error_handler_t::replace)
            << '\n';
        if (!out.flush())
          throw bad_usage{"cannot write " + file};
        return {{{"file", file}, {"nodes", nodes.size()},
            {"secrets", "removed; look through it before you send it"}}};
      },
      {}};
}

} // namespace shoal::inspector
