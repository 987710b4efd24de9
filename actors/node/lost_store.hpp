// What a node does at its start about a store that lost records it had reported as durable.
#pragma once

#include <string>

#include "storage/database.hpp"

namespace shoal {

struct lost_store_options {
  std::string folder;             ///< for people
  bool others_have_copies = true; ///< then the cluster decides (steward_disk.cpp)
  bool go_on = false;             ///< the operator said so, with --new-epoch
};

/// Throws std::runtime_error with a sentence for people if the node must not start: it is the only
/// one that has the data, ids would be given out a second time, and devices would miss the new ops.
void face_lost_records(storage::database& db, const lost_store_options& options);

} // namespace shoal
