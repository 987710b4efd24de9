// Who this store is: an id made once, and the epoch of its history.
//
// The epoch is part of every position. It is set when the store is created (the time, in seconds)
// and raised by `new_epoch` after a restore from a backup, so that devices which are ahead of the
// restored history are told so instead of silently missing ops. Read at the start of the node;
// nothing here is cached.
#pragma once

#include <cstdint>

#include "storage/database.hpp"

namespace shoal::storage {

struct store_identity {
  std::uint64_t store_id = 0;
  std::uint64_t epoch = 0;
  bool operator==(const store_identity&) const = default;
};

/// Reads the identity, or creates it if there is none. `quarantined` if the row is damaged:
/// guessing an epoch would make positions of another history look valid.
ec open_identity(database& db, std::int64_t now_s, store_identity& out);

/// Starts a new history: the time in seconds, or the successor of the last epoch if that is not
/// greater.
ec new_epoch(database& db, std::int64_t now_s, store_identity& out);

/// Whether a cluster knows this store as the disk of its node. A store that does not say so may
/// have come in the place of another one, whose promises it does not keep.
bool is_enlisted(database& db);
ec set_enlisted(database& db);

} // namespace shoal::storage
