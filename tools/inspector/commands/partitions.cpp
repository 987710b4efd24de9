#include "tools/inspector/session.hpp"

namespace shoal::inspector {

command partitions_command() {
  return {"partitions", "Partitions: owner, epoch, streams, log position, restarts",
      "  actor-inspector partitions\n"
      "  actor-inspector --cluster cluster.toml partitions -o wide\n",
      {}, "",
      {"node", "partition", "leader", "epoch", "streams", "next_lsn", "waited_us", "handled",
          "restarts"},
      {"id", "write_failures", "budget"},
      [](const given&, session& s) -> outcome {
        return {s.rows("/inspect/partitions", "partitions")};
      },
      {}};
}

} // namespace shoal::inspector
