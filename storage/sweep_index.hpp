// When to look at a stream for dead ops, so that retention never scans all streams.
//
// A stream has a row under the hour at which its next op may be dead; the partition reads the rows
// that are due, looks at those streams, erases the rows and puts new ones, in one batch with the
// trimming. A row too many costs one look.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/ids.hpp"
#include "storage/database.hpp"

namespace shoal::storage {

struct due_stream {
  std::uint32_t hour = 0; ///< since 1970
  stream_key stream;
  bool operator==(const due_stream&) const = default;
};

struct sweep_page {
  std::vector<due_stream> streams; ///< in order of hour
  std::vector<std::string>
      damaged; ///< keys that name no stream; to be logged, then erased as they are
  bool more = false;
};

void put_sweep(write_batch& out, partition_no p, const due_stream& x);
void erase_sweep(write_batch& out, partition_no p, const due_stream& x);

/// Reads at most `max` rows of hours up to and including `hour`. May read the disk.
ec due_streams(database& db, partition_no p, std::uint32_t hour, std::size_t max, sweep_page& out);

} // namespace shoal::storage
