#include "storage/replica_table.hpp"

#include <algorithm>
#include <array>

#include "storage/record_bytes.hpp"

namespace shoal::storage {

namespace {

// In the order of their tags, so that a checkpoint's `after` walks them once.
constexpr std::array partition_tables = {
    table::cursor, table::device, table::idempotency, table::op, table::stream, table::sweep};

// Tables without a partition in their keys; they ride with partition 0.
constexpr std::array shared_tables = {table::audit, table::gateway, table::object};

std::string prefix_of(table t, partition_no p) {
  for (auto x : shared_tables)
    if (x == t)
      return {static_cast<char>(t)};
  return partition_prefix(t, p);
}

/// All prefixes that make up a partition, in key order.
std::vector<std::string> prefixes_of(partition_no p) {
  std::vector<std::string> out;
  for (auto t : partition_tables)
    out.push_back(prefix_of(t, p));
  if (raw(p) == 0)
    for (auto t : shared_tables)
      out.push_back(prefix_of(t, p));
  std::sort(out.begin(), out.end());
  return out;
}

std::uint64_t lsn_of(std::string_view key) { return op_id_of(key); }

void put_number(std::string& out, std::uint64_t x) {
  for (; x >= 0x80; x >>= 7)
    out.push_back(static_cast<char>(x | 0x80));
  out.push_back(static_cast<char>(x));
}

bool take_number(std::string_view& in, std::uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    auto byte = static_cast<std::uint8_t>(in.front());
    in.remove_prefix(1);
    out |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80)
      return true;
  }
  return false;
}

bool take_text(std::string_view& in, std::string& out) {
  std::uint64_t size = 0;
  if (!take_number(in, size) || size > in.size())
    return false;
  out.assign(in.substr(0, size));
  in.remove_prefix(size);
  return true;
}

void put_text(std::string& out, std::string_view x) {
  put_number(out, x.size());
  out.append(x);
}

/// Missing is fine, damaged is not.
template <class Record>
bool read_row(database& db, const std::string& key, Record& out, ec& code) {
  std::string value;
  auto found = db.get(key, value);
  if (found == lookup::failed)
    code = ec::storage_failed;
  if (found == lookup::found && !decode(value, key, out))
    return false;
  return true;
}

} // namespace

// -- records -------------------------------------------------------------------------------------

std::string encode(const replica_promise& x, std::string_view key) {
  auto out = record_writer{48};
  out.number(x.epoch).number(x.rejoin).number(x.base.epoch).number(x.base.lsn);
  return out.number(x.installing.epoch).number(x.installing.lsn).seal(key);
}

bool decode(std::string_view bytes, std::string_view key, replica_promise& out) {
  auto in = record_reader{bytes, key};
  return in.number(out.epoch) && in.number(out.rejoin) && in.number(out.base.epoch) &&
         in.number(out.base.lsn) && in.number(out.installing.epoch) &&
         in.number(out.installing.lsn) && in.done();
}

std::string encode_entry(const replica_entry& x, std::string_view key) {
  auto out = record_writer{(x.payload ? x.payload->size() : 0) + 16};
  out.number(x.at.epoch).byte(x.epoch_start ? 1 : 0);
  return out.rest(x.payload ? *x.payload : std::string_view{}).seal(key);
}

bool decode_entry(std::string_view bytes, std::string_view key, replica_entry& out) {
  auto in = record_reader{bytes, key};
  std::uint8_t kind = 0;
  std::string payload;
  out.at.lsn = lsn_of(key);
  if (!in.number(out.at.epoch) || !in.byte(kind) || kind > 1 || !in.rest(payload) || !in.done())
    return false;
  out.epoch_start = kind == 1;
  out.payload = out.epoch_start ? nullptr : std::make_shared<const std::string>(std::move(payload));
  return true;
}

std::string encode_rows(const write_batch& rows) {
  std::string out;
  out.reserve(rows.bytes() + rows.rows().size() * 6);
  for (auto& row : rows.rows()) {
    out.push_back(row.erase ? 1 : 0);
    put_text(out, row.key);
    if (!row.erase)
      put_text(out, row.value);
  }
  return out;
}

bool decode_rows(std::string_view payload, write_batch& out) {
  while (!payload.empty()) {
    auto erase = payload.front();
    payload.remove_prefix(1);
    std::string key, value;
    if (erase < 0 || erase > 1 || !take_text(payload, key))
      return false;
    if (erase == 1) {
      out.erase(std::move(key));
      continue;
    }
    if (!take_text(payload, value))
      return false;
    out.put(std::move(key), std::move(value));
  }
  return true;
}

bool belongs_to(const write_batch& rows, partition_no p) {
  auto prefixes = prefixes_of(p);
  auto inside = [&](const write_batch::row& row) {
    return std::any_of(prefixes.begin(), prefixes.end(),
        [&](const std::string& x) { return row.key.starts_with(x); });
  };
  return std::all_of(rows.rows().begin(), rows.rows().end(), inside);
}

// -- reading -------------------------------------------------------------------------------------

ec read_replica(database& db, partition_no p, replica_start& out, write_batch& cleanup) {
  auto code = ec::none;
  out = {};
  if (!read_row(db, promise_key(p), out.promise, code) ||
      !read_row(db, log_place_key(p), out.applied, code))
    out.damaged = true;
  if (code != ec::none)
    return code;
  out.last = out.promise.base;
  auto prefix = partition_prefix(table::entry, p);
  auto whole = true;
  code = db.scan(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
    replica_entry x;
    auto readable = decode_entry(value, key, x);
    auto lsn = lsn_of(key);
    if (lsn <= out.promise.base.lsn)
      return true; // trimmed; its erasure comes with the next trimming
    if (whole && readable && lsn == out.last.lsn + 1 && x.at.epoch >= out.last.epoch) {
      if (out.runs.empty() || out.runs.back().epoch != x.at.epoch)
        out.runs.push_back({x.at.epoch, lsn});
      out.sizes.push_back(static_cast<std::uint32_t>(value.size()));
      out.last = x.at;
      return true;
    }
    // A hole is where a write failed and a later one did not; a row that cannot be read is damage.
    out.damaged = out.damaged || (whole && !readable);
    whole = false;
    cleanup.erase(std::string{key});
    return true;
  });
  if (out.last.lsn < out.applied.lsn)
    out.damaged = true; // rows are applied whose entries are gone
  if (out.damaged)
    cleanup = {};
  return code;
}

ec read_entries(database& db, partition_no p, std::uint64_t from, std::size_t max_bytes,
    std::vector<replica_entry>& out) {
  auto prefix = partition_prefix(table::entry, p);
  auto bytes = std::size_t{0};
  auto next = from;
  auto damaged = false;
  auto code = db.scan(
      entry_key(p, from), prefix_end(prefix), [&](std::string_view key, std::string_view x) {
        if (lsn_of(key) != next)
          return false;
        replica_entry entry;
        if (!decode_entry(x, key, entry)) {
          damaged = true;
          return false;
        }
        bytes += entry.payload ? entry.payload->size() : 0;
        if (!out.empty() && bytes > max_bytes)
          return false;
        out.push_back(std::move(entry));
        ++next;
        return true;
      });
  return code == ec::none && damaged ? ec::quarantined : code;
}

// -- rows ----------------------------------------------------------------------------------------

void erase_entries(partition_no p, std::uint64_t first, std::uint64_t last, write_batch& out) {
  for (auto lsn = first; lsn <= last; ++lsn)
    out.erase(entry_key(p, lsn));
}

void put_entry(partition_no p, const replica_entry& x, write_batch& out) {
  auto key = entry_key(p, x.at.lsn);
  auto value = encode_entry(x, key);
  out.put(std::move(key), std::move(value));
}

void put_promise(partition_no p, const replica_promise& x, write_batch& out) {
  auto key = promise_key(p);
  auto value = encode(x, key);
  out.put(std::move(key), std::move(value));
}

void put_applied(partition_no p, const log_place& x, write_batch& out) {
  auto key = log_place_key(p);
  auto value = encode(x, key);
  out.put(std::move(key), std::move(value));
}

bool apply_entry(partition_no p, const replica_entry& x, write_batch& out) {
  write_batch rows;
  if (x.payload && (!decode_rows(*x.payload, rows) || !belongs_to(rows, p)))
    return false;
  out.append(std::move(rows));
  return true;
}

// -- checkpoints ---------------------------------------------------------------------------------

ec read_chunk(database_view& db, partition_no p, std::string& after, std::size_t max_bytes,
    std::string& out, bool& more) {
  write_batch rows;
  more = false;
  for (auto& prefix : prefixes_of(p)) {
    auto end = prefix_end(prefix);
    auto from = std::max(prefix, after.empty() ? prefix : after + '\0');
    if (from >= end || more)
      continue;
    auto code = db.scan(from, end, [&](std::string_view key, std::string_view value) {
      if (rows.bytes() >= max_bytes) {
        more = true;
        return false;
      }
      rows.put(std::string{key}, std::string{value});
      return true;
    });
    if (code != ec::none)
      return code;
  }
  if (!rows.empty())
    after = rows.rows().back().key;
  out = encode_rows(rows);
  return ec::none;
}

void put_staged(partition_no p, std::uint32_t chunk, const std::string& data, write_batch& out) {
  auto key = staged_key(p, chunk);
  auto value = record_writer{data.size() + 8}.rest(data).seal(key);
  out.put(std::move(key), std::move(value));
}

namespace {

constexpr std::size_t rows_at_once = 5'000;

ec clear_prefix(database& db, const std::string& prefix) {
  for (auto more = true; more;) {
    write_batch rows;
    more = false;
    auto code = db.scan(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view) {
      more = rows.rows().size() == rows_at_once;
      if (!more)
        rows.erase(std::string{key});
      return !more;
    });
    if (code == ec::none && !rows.empty())
      code = db.write(rows, false);
    if (code != ec::none)
      return code;
  }
  return ec::none;
}

} // namespace

ec clear_partition(database& db, partition_no p) {
  auto prefixes = prefixes_of(p);
  prefixes.push_back(partition_prefix(table::entry, p));
  prefixes.push_back(log_place_key(p));
  for (auto& prefix : prefixes)
    if (auto code = clear_prefix(db, prefix); code != ec::none)
      return code;
  return ec::none;
}

ec clear_staged(database& db, partition_no p) {
  return clear_prefix(db, partition_prefix(table::staged, p));
}

ec install_staged(database& db, partition_no p, replica_promise promise) {
  write_batch first;
  put_promise(p, promise, first);
  if (auto code = db.write(first, true); code != ec::none)
    return code;
  if (auto code = clear_partition(db, p); code != ec::none)
    return code;
  auto prefix = partition_prefix(table::staged, p);
  auto result = ec::none;
  auto code = db.scan(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view x) {
    auto in = record_reader{x, key};
    std::string data;
    write_batch rows;
    if (!in.rest(data) || !in.done() || !decode_rows(data, rows) || !belongs_to(rows, p))
      result = ec::quarantined;
    else if (!rows.empty())
      result = db.write(rows, false);
    return result == ec::none;
  });
  if (code != ec::none || result != ec::none)
    return code != ec::none ? code : result;
  write_batch last;
  put_applied(p, promise.installing, last);
  promise.base = promise.installing;
  promise.installing = {};
  put_promise(p, promise, last);
  if (code = db.write(last, true); code != ec::none)
    return code;
  return clear_staged(db, p);
}

} // namespace shoal::storage
