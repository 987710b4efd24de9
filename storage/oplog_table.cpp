#include "storage/oplog_table.hpp"

#include <limits>

#include "storage/keys.hpp"

namespace shoal::storage {

namespace {

constexpr auto last_id = std::numeric_limits<std::uint64_t>::max();

/// Calls `row(id, key, bytes)` for the ops above `after`. Keys under the prefix that are no op keys
/// count as id 0.
template <class Row>
ec scan_ops(database& db, partition_no p, const stream_key& s, std::uint64_t after, Row row) {
  if (after == last_id)
    return ec::none;
  auto prefix = op_prefix(p, s);
  auto key_size = prefix.size() + sizeof(std::uint64_t);
  return db.scan(op_key(p, s, after + 1), prefix_end(prefix), [&](auto key, auto bytes) {
    return row(key.size() == key_size ? op_id_of(key) : 0, key, bytes);
  });
}

bool read_op(std::uint64_t id, std::string_view key, std::string_view bytes, op_record& out) {
  return decode(bytes, key, out) && out.id == id;
}

} // namespace

ec read_page(database& db, partition_no p, const stream_key& s, std::uint64_t after,
    std::size_t max_ops, std::size_t max_bytes, page& out) {
  out = {};
  auto bytes_read = std::size_t{0};
  return scan_ops(db, p, s, after, [&](auto id, auto key, auto bytes) {
    auto full = out.ops.size() >= max_ops || bytes_read + bytes.size() > max_bytes;
    if (full && (max_ops == 0 || !out.ops.empty())) {
      out.more = true;
      return false;
    }
    auto expected = out.ops.empty() ? id : out.ops.back()->id + 1;
    auto op = std::make_shared<op_record>();
    if (id != expected || !read_op(id, key, bytes, *op)) {
      out.damaged_id = expected;
      return false;
    }
    bytes_read += bytes.size();
    out.ops.push_back(std::move(op));
    return true;
  });
}

ec trim(database& db, partition_no p, const stream_key& s, std::uint64_t floor, std::uint64_t last,
    const std::function<bool(const op_record&)>& dead, std::size_t max_ops, write_batch& out,
    std::uint64_t& new_floor) {
  new_floor = floor;
  if (max_ops == 0 || floor >= last)
    return ec::none;
  auto stopped = false;
  auto damaged = false;
  auto op = op_record{};
  auto code = scan_ops(db, p, s, floor, [&](auto id, auto key, auto bytes) {
    damaged = id != new_floor + 1 || !read_op(id, key, bytes, op);
    stopped = damaged || !dead(op);
    if (stopped)
      return false;
    out.erase(std::string{key});
    if (!op.client_key.empty())
      out.erase(idempotency_key(p, s, op.client_key));
    new_floor = id;
    stopped = id == last || id - floor == max_ops;
    return !stopped;
  });
  if (code != ec::none)
    return code;
  // Coming to the end of the rows before `last` means that ops are missing.
  return damaged || !stopped ? ec::quarantined : ec::none;
}

} // namespace shoal::storage
