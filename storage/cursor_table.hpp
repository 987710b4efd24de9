// Listing how far the subjects of one stream (devices, or the user) have acknowledged it. May read
// the disk.
#pragma once

#include <string>
#include <vector>

#include "storage/database.hpp"
#include "storage/records.hpp"

namespace shoal::storage {

struct cursor_entry {
  std::string subject; ///< as given to `cursor_key`
  cursor_record cursor;
  /// The record cannot be read and `cursor` is empty. Whoever asks "who still needs this op" must
  /// count it as behind.
  bool damaged = false;
};

struct cursor_page {
  std::vector<cursor_entry> entries; ///< in order of subject
  bool more = false;
};

/// Reads at most `max` cursors behind `after_subject` (empty: from the first).
ec list_cursors(database& db, partition_no p, const stream_key& s, std::string_view after_subject,
    std::size_t max, cursor_page& out);

} // namespace shoal::storage
