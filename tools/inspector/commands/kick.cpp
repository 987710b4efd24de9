#include "tools/inspector/session.hpp"

namespace shoal::inspector {

command kick_command() {
  return {"kick", "Close a device's connection; it may connect again (operator)",
      "  actor-inspector kick shop/d1\n", {{"id", "APP/DEVICE", argument::kind::positional, true}},
      "", {}, {},
      [](const given& values, session& s) -> outcome {
        auto id = values.text("id");
        auto split = id.find('/');
        if (split == std::string::npos)
          throw bad_usage{"a device is named APP/DEVICE"};
        return {s.change_any("/inspect/kick",
                     {{"app", id.substr(0, split)}, {"device", id.substr(split + 1)}})
                    .data};
      },
      {}};
}

} // namespace shoal::inspector
