#include "tools/inspector/session.hpp"

namespace shoal::inspector {

command drain_command() {
  return {"drain",
      "Drain a node, as shoalctl node drain: partitions move, devices are asked to go (operator)",
      "  actor-inspector --node 127.0.0.1:9464 drain      # ends with: shoalctl node up NODE\n", {},
      "", {}, {},
      [](const given&, session& s) -> outcome {
        if (s.nodes().size() != 1)
          throw bad_usage{"which node? give --node with one address"};
        return {s.change("/inspect/drain", json::object()).front().data};
      },
      {}};
}

} // namespace shoal::inspector
