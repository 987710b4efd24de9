#include "tools/inspector/session.hpp"

namespace shoal::inspector {

command drain_command() {
  return {"drain", "Ask a node's devices to reconnect elsewhere, with jitter (operator)",
      "  actor-inspector --node 127.0.0.1:9464 drain\n", {}, "", {}, {},
      [](const given&, session& s) -> outcome {
        if (s.nodes().size() != 1)
          throw bad_usage{"which node? give --node with one address"};
        return {s.change("/inspect/drain", json::object()).front().data};
      },
      {}};
}

} // namespace shoal::inspector
