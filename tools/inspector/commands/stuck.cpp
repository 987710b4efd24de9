#include "tools/inspector/session.hpp"

namespace shoal::inspector {

command stuck_command() {
  return {"stuck", "Actors that had something to do and got nowhere; exit code 1 if there are any",
      "  actor-inspector stuck\n"
      "  actor-inspector stuck --for 2000\n",
      {{"--for", "milliseconds without progress (500, at most 2000)", argument::kind::number,
          false}},
      "", {"node", "id", "kind", "label", "for_ms", "why", "handled"}, {"parent", "timeouts"},
      [](const given& values, session& s) -> outcome {
        auto rows =
            s.rows("/inspect/stuck?for_ms=" + std::to_string(values.number("--for", 500)), "stuck");
        auto code = rows.empty() ? 0 : 1;
        return {std::move(rows), code};
      },
      {}};
}

} // namespace shoal::inspector
