#include "storage/cursor_table.hpp"

#include "storage/keys.hpp"

namespace shoal::storage {

ec list_cursors(database& db, partition_no p, const stream_key& s, std::string_view after_subject,
    std::size_t max, cursor_page& out) {
  out = {};
  auto prefix = cursor_prefix(p, s);
  auto from = cursor_key(p, s, after_subject);
  if (!after_subject.empty())
    from.push_back('\0'); // the smallest key behind it
  return db.scan(from, prefix_end(prefix), [&](auto key, auto bytes) {
    if (out.entries.size() >= max) {
      out.more = true;
      return false;
    }
    auto& entry = out.entries.emplace_back();
    entry.subject = subject_of(key, prefix);
    if (!decode(bytes, key, entry.cursor)) {
      entry.cursor = {};
      entry.damaged = true;
    }
    return true;
  });
}

} // namespace shoal::storage
