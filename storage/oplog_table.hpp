// Reading and trimming the ops of one stream. Free functions over a database; they may read the
// disk, so they run on reader threads, never in a scheduled actor.
//
// Damage stops them: a record that cannot be read, or an id that is missing between two others, is
// named and never stepped over. Nothing here writes: `trim` only fills a batch, which the partition
// commits with the stream's new floor.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "storage/database.hpp"
#include "storage/records.hpp"

namespace shoal::storage {

struct page {
  std::vector<op_ptr> ops; ///< consecutive ids
  bool more = false;       ///< there are ops behind these
  std::uint64_t damaged_id =
      0; ///< 0 = none; otherwise the op behind `ops` that cannot be read or is missing
};

/// Reads ops with ids above `after`: at most `max_ops`, and at most `max_bytes` of records except
/// that one op is always read. Whether ids between `after` and the first op are missing rightly,
/// the caller knows from the stream's floor. `storage_failed` if the engine cannot read on; `out`
/// then has what came before.
ec read_page(database& db, partition_no p, const stream_key& s, std::uint64_t after,
    std::size_t max_ops, std::size_t max_bytes, page& out);

/// Appends to `out` the erasure of ops floor+1, floor+2, … with their idempotency rows, while
/// `dead(op)` and up to `last`, at most `max_ops`. `new_floor` is the last id erased (or `floor`).
/// `quarantined` at a damaged or missing op: what cannot be read is not deleted; the batch has what
/// came before and may be committed.
ec trim(database& db, partition_no p, const stream_key& s, std::uint64_t floor, std::uint64_t last,
    const std::function<bool(const op_record&)>& dead, std::size_t max_ops, write_batch& out,
    std::uint64_t& new_floor);

} // namespace shoal::storage
