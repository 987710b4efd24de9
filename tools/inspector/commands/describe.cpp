#include "tools/inspector/session.hpp"

namespace shoal::inspector {

command describe_command() {
  return {"describe", "One actor: queue, requests, deaths, and what it says about itself",
      "  actor-inspector describe 17\n"
      "  actor-inspector --cluster cluster.toml describe n2/17 -o yaml\n",
      {{"id", "id of the actor, as ls shows it; with a cluster: node/id",
          argument::kind::positional, true}},
      "", {}, {},
      [](const given& values, session& s) -> outcome {
        auto id = s.pick(values.text("id"));
        return {s.any("/inspect/actors/" + url_encoded(id)).data};
      },
      {}};
}

} // namespace shoal::inspector
