#include "actors/partition/reader.hpp"

#include "actors/log.hpp"
#include "storage/cursor_table.hpp"
#include "storage/keys.hpp"
#include "storage/oplog_table.hpp"
#include "storage/sweep_index.hpp"

namespace shoal {

namespace {

constexpr std::size_t sweep_limit = 1'000; // streams per message
constexpr std::size_t trim_page = 2'000;   // ops per message

ec code_of(storage::lookup x) {
  return x == storage::lookup::found || x == storage::lookup::missing ? ec::none
                                                                      : ec::storage_failed;
}

template <class Record>
ec read_record(services& sv, const std::string& row, Record& out, bool& found) {
  std::string value;
  auto x = sv.db->get(row, value);
  found = x == storage::lookup::found;
  if (!found)
    return code_of(x);
  if (storage::decode(value, row, out))
    return ec::none;
  ++sv.count->damaged_records;
  log::error("damaged record", {{"key", row.substr(0, 1)}, {"bytes", row.size()}});
  return ec::quarantined;
}

partition_no home_of(const services& sv, const stream_key& s) {
  return sv.where.number_of(s.app, s.who);
}

/// Cursors of a global stream are spread over the partitions of the devices that have them.
partition_no home_of(const services& sv, const cursor_query& q) {
  return q.device.empty() ? home_of(sv, q.stream)
                          : sv.where.number_of(q.stream.app, principal::device(q.device));
}

stored_page read_page(services& sv, const page_query& q) {
  stored_page out;
  storage::page page;
  auto part = home_of(sv, q.stream);
  storage::stream_meta meta;
  auto found = false;
  // Read before the ops: an op appended in between is then beyond `seen_last`, never missing below
  // it.
  out.code = read_record(sv, storage::stream_meta_key(part, q.stream), meta, found);
  if (out.code != ec::none)
    return out;
  out.seen_last = meta.last;
  out.code = storage::read_page(*sv.db, part, q.stream, q.after, q.max_ops, q.max_bytes, page);
  out.ops = std::move(page.ops);
  out.more = page.more;
  out.damaged = page.damaged_id;
  if (out.damaged != 0) {
    ++sv.count->damaged_records;
    log::error("damaged op", {{"stream", to_string(q.stream)}, {"id", out.damaged}});
  }
  return out;
}

trim_plan plan_trim(services& sv, const trim_query& q) {
  trim_plan out;
  out.lost = 0;
  auto dead = [&](const storage::op_record& op) {
    // A key is remembered that long, whatever becomes of its op.
    auto young = op.time_ms + q.keep_keys_ms >= q.now_ms;
    if (young && !op.client_key.empty())
      return false;
    if (op.valid_until_ms != 0 && op.valid_until_ms < q.now_ms) {
      if (op.id > q.acked)
        out.lost = op.id; // somebody may have wanted it
      return true;
    }
    return op.id <= q.acked && !young;
  };
  out.floor = q.floor;
  out.code = storage::trim(*sv.db, home_of(sv, q.stream), q.stream, q.floor, q.last, dead,
      trim_page, out.rows, out.floor);
  out.more = out.code == ec::none && out.floor - q.floor >= trim_page;
  return out;
}

stored_cursors read_cursors(services& sv, const cursor_query& q) {
  stored_cursors out;
  storage::cursor_page page;
  out.code = storage::list_cursors(*sv.db, home_of(sv, q), q.stream, q.subject, q.limit, page);
  out.more = page.more;
  for (auto& x : page.entries)
    out.cursors.push_back(
        {x.damaged ? ec::quarantined : ec::none, !x.damaged, x.subject, x.cursor});
  return out;
}

due_streams read_due(services& sv, partition_no no, std::uint32_t hour) {
  due_streams out;
  storage::sweep_page page;
  out.code = storage::due_streams(*sv.db, no, hour, sweep_limit, page);
  out.more = page.more;
  for (auto& x : page.streams) {
    storage::erase_sweep(out.rows, no, x);
    out.streams.push_back(x.stream);
  }
  for (auto& key : page.damaged) {
    ++sv.count->damaged_records;
    log::error("damaged sweep row", {{"partition", raw(no)}, {"bytes", key.size()}});
    out.rows.erase(key);
  }
  return out;
}

} // namespace

reader_actor::behavior_type reader(reader_actor::pointer, services_ptr sv) {
  return {
      [sv](atom::load, const stream_key& id) {
        stored_stream out;
        auto found = false;
        out.code =
            read_record(*sv, storage::stream_meta_key(home_of(*sv, id), id), out.meta, found);
        return out;
      },
      [sv](atom::load, const cursor_query& q) {
        stored_cursor out;
        out.subject = q.subject;
        auto row = storage::cursor_key(home_of(*sv, q), q.stream, q.subject);
        out.code = read_record(*sv, row, out.cursor, out.found);
        out.found = out.found && out.code == ec::none;
        return out;
      },
      [sv](atom::load, const key_query& q) {
        stored_keys out;
        for (auto& text : q.keys) {
          auto row = storage::idempotency_key(home_of(*sv, q.stream), q.stream, text);
          std::string value;
          std::uint64_t id = 0;
          std::int64_t time_ms = 0;
          auto x = sv->db->get(row, value);
          if (code_of(x) != ec::none)
            out.code = code_of(x);
          if (x == storage::lookup::found && !storage::decode_idempotency(value, row, id, time_ms))
            out.code = ec::quarantined;
          out.ids.push_back(id);
        }
        return out;
      },
      [sv](atom::page, const page_query& q) { return read_page(*sv, q); },
      [sv](atom::cursors, const cursor_query& q) { return read_cursors(*sv, q); },
      [sv](atom::load, app_no app, const std::string& device) {
        stored_device out;
        auto part = sv->where.number_of(app, principal::device(device));
        out.code = read_record(*sv, storage::device_key(part, app, device), out.device, out.found);
        return out;
      },
      [sv](atom::trim, const trim_query& q) { return plan_trim(*sv, q); },
      [sv](atom::trim, partition_no no, std::uint32_t hour) { return read_due(*sv, no, hour); },
      [sv](atom::page, const std::string& from, const std::string& to, std::uint32_t limit) {
        storage::write_batch out;
        std::uint32_t n = 0;
        sv->db->scan(from, to, [&](std::string_view key, std::string_view value) {
          out.put(std::string{key}, std::string{value});
          return ++n < limit && out.bytes() < row_page_bytes;
        });
        return out;
      },
  };
}

} // namespace shoal
