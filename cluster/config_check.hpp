// What `shoald --check` says: the configuration of one node in sentences, and everything that would
// keep this node from starting and can be seen without starting it.
//
// Reads the files that the configuration names. Does not listen, dial or create anything.
#pragma once

#include <string>
#include <vector>

#include "cluster/config.hpp"

namespace shoal::cluster {

struct explanation {
  std::vector<std::string> facts;
  std::vector<std::string> problems; ///< empty: the node could start
};

/// `x` is what `for_node` returned.
explanation explain(const config& x);

} // namespace shoal::cluster
