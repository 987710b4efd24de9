// What one change of the catalog does, decided without actors and disks: is it allowed, which
// numbers does it get, which rows make it durable, what does the snapshot look like afterwards.
#pragma once

#include "actors/interfaces.hpp"

namespace shoal {

struct planned_change {
  change_result result;      ///< code other than `none`: refused, nothing else is set
  storage::write_batch rows; ///< the entry's row and the audit record
  catalog_ptr next;          ///< to publish when the rows are durable; null: as it was
};

/// `audit_seq` makes audit records of one millisecond distinct.
planned_change plan_change(
    const catalog& now, const catalog_change& change, std::int64_t now_ms, std::uint32_t audit_seq);

} // namespace shoal
