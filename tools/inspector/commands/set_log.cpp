#include "tools/inspector/session.hpp"

namespace shoal::inspector {

command set_log_command() {
  return {"set-log", "Set the log level of running nodes (operator)",
      "  actor-inspector set-log debug\n",
      {{"level", "trace, debug, info, warn, error or off", argument::kind::positional, true}}, "",
      {"node", "level"}, {},
      [](const given& values, session& s) -> outcome {
        auto out = json::array();
        for (auto& x : s.change("/inspect/set-log", {{"level", values.text("level")}}))
          out.push_back(std::move(x.data));
        return {std::move(out)};
      },
      {}};
}

} // namespace shoal::inspector
