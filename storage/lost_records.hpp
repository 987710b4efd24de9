// Whether this store has lost records that it had reported as durable. Found when it is opened
// (wal_check.hpp), and kept in the store until somebody has dealt with it: a node that is alone
// refuses to start, one of several has all its replicas filled again.
#pragma once

#include <string>

#include "storage/database.hpp"

namespace shoal::storage {

/// What is known of the loss, for people; empty: nothing is missing. A row that cannot be read is a
/// loss.
std::string lost_records(database& db);

ec set_lost_records(database& db, const std::string& what);

/// The loss is dealt with.
ec forget_lost_records(database& db);

} // namespace shoal::storage
