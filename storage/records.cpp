#include "storage/records.hpp"

#include "storage/record_bytes.hpp"

namespace shoal::storage {

namespace {

// Which optional parts of an op follow.
constexpr std::uint8_t has_client_key = 1;
constexpr std::uint8_t has_filter = 2;
constexpr std::uint8_t has_valid_from = 4;
constexpr std::uint8_t known_parts = has_client_key | has_filter | has_valid_from;

// Fixed parts of an op with the longest numbers, plus the checksum.
constexpr std::size_t op_overhead = 56;

enum filter_part : std::uint64_t {
  part_os = 1 << 0,
  part_min_app_version = 1 << 1,
  part_max_app_version = 1 << 2,
  part_regions = 1 << 3,
  part_models = 1 << 4,
  part_networks = 1 << 5,
  part_tags = 1 << 6,
  part_users = 1 << 7,
  part_min_uid = 1 << 8,
  part_max_uid = 1 << 9,
  all_parts = (1 << 10) - 1,
};

/// Calls `visit(part, field)` for every field of a filter in the order in which they are stored.
template <class Filter, class Visitor>
void for_each_part(Filter& x, Visitor visit) {
  visit(part_os, x.os);
  visit(part_min_app_version, x.min_app_version);
  visit(part_max_app_version, x.max_app_version);
  visit(part_regions, x.regions);
  visit(part_models, x.models);
  visit(part_networks, x.networks);
  visit(part_tags, x.tags);
  visit(part_users, x.users);
  visit(part_min_uid, x.min_uid);
  visit(part_max_uid, x.max_uid);
}

using texts = std::vector<std::string>;
using text_map = std::map<std::string, std::string>;

template <class T>
bool is_unset(const T& x) {
  return x.empty();
}
bool is_unset(const std::uint64_t& x) { return x == 0; }

void write(record_writer& out, const std::string& x) { out.text(x); }
void write(record_writer& out, const texts& x) { out.texts(x); }
void write(record_writer& out, const text_map& x) { out.pairs(x); }
void write(record_writer& out, const std::uint64_t& x) { out.number(x); }

bool read(record_reader& in, std::string& x) { return in.text(x); }
bool read(record_reader& in, texts& x) { return in.texts(x); }
bool read(record_reader& in, text_map& x) { return in.pairs(x); }
bool read(record_reader& in, std::uint64_t& x) { return in.number(x); }

std::uint64_t parts_of(const op_filter& x) {
  auto parts = std::uint64_t{0};
  for_each_part(x, [&](std::uint64_t part, const auto& field) {
    if (!is_unset(field))
      parts |= part;
  });
  return parts;
}

void write_filter(record_writer& out, const op_filter& x) {
  auto parts = parts_of(x);
  out.number(parts);
  for_each_part(x, [&](std::uint64_t part, const auto& field) {
    if ((parts & part) != 0)
      write(out, field);
  });
}

bool read_filter(record_reader& in, op_filter& x) {
  auto parts = std::uint64_t{0};
  if (!in.number(parts) || parts == 0 || parts > all_parts)
    return false;
  auto ok = true;
  for_each_part(x, [&](std::uint64_t part, auto& field) {
    if (ok && (parts & part) != 0)
      ok = read(in, field) && !is_unset(field);
  });
  return ok;
}

} // namespace

bool op_filter::empty() const { return parts_of(*this) == 0; }

std::string encode(const op_record& x, std::string_view key) {
  auto parts = std::uint8_t{0};
  auto filtered = !x.filter.empty();
  if (!x.client_key.empty())
    parts |= has_client_key;
  if (filtered)
    parts |= has_filter;
  if (x.valid_from_ms != 0)
    parts |= has_valid_from;
  auto out = record_writer{op_overhead + x.client_key.size() + x.payload.size()};
  out.byte(parts).number(x.id).signed_number(x.time_ms);
  if (x.valid_from_ms != 0)
    out.signed_number(x.valid_from_ms);
  out.signed_number(x.valid_until_ms);
  if (!x.client_key.empty())
    out.text(x.client_key);
  if (filtered)
    write_filter(out, x.filter);
  return out.rest(x.payload).seal(key);
}

bool decode(std::string_view bytes, std::string_view key, op_record& out) {
  out = {};
  auto in = record_reader{bytes, key};
  auto parts = std::uint8_t{0};
  if (!in.byte(parts) || (parts & ~known_parts) != 0)
    return false;
  if (!in.number(out.id) || !in.signed_number(out.time_ms))
    return false;
  if ((parts & has_valid_from) != 0 &&
      (!in.signed_number(out.valid_from_ms) || out.valid_from_ms == 0))
    return false;
  if (!in.signed_number(out.valid_until_ms))
    return false;
  if ((parts & has_client_key) != 0 && (!in.text(out.client_key) || out.client_key.empty()))
    return false;
  if ((parts & has_filter) != 0 && !read_filter(in, out.filter))
    return false;
  return in.rest(out.payload) && in.done();
}

std::string encode(const stream_meta& x, std::string_view key) {
  return record_writer{36}.number(x.last).number(x.floor).number(x.lost).seal(key);
}

bool decode(std::string_view bytes, std::string_view key, stream_meta& out) {
  auto in = record_reader{bytes, key};
  return in.number(out.last) && in.number(out.floor) && in.number(out.lost) && in.done();
}

std::string encode(const cursor_record& x, std::string_view key) {
  return record_writer{36}.number(x.at.epoch).number(x.at.id).signed_number(x.time_ms).seal(key);
}

bool decode(std::string_view bytes, std::string_view key, cursor_record& out) {
  auto in = record_reader{bytes, key};
  return in.number(out.at.epoch) && in.number(out.at.id) && in.signed_number(out.time_ms) &&
         in.done();
}

std::string encode(const device_record& x, std::string_view key) {
  auto out = record_writer{128};
  out.text(x.user).text(x.os).text(x.app_version).text(x.region).text(x.model);
  out.text(x.network).text(x.sdk).pairs(x.tags);
  return out.signed_number(x.first_seen_ms).signed_number(x.last_seen_ms).seal(key);
}

bool decode(std::string_view bytes, std::string_view key, device_record& out) {
  auto in = record_reader{bytes, key};
  return in.text(out.user) && in.text(out.os) && in.text(out.app_version) && in.text(out.region) &&
         in.text(out.model) && in.text(out.network) && in.text(out.sdk) && in.pairs(out.tags) &&
         in.signed_number(out.first_seen_ms) && in.signed_number(out.last_seen_ms) && in.done();
}

std::string encode(const log_place& x, std::string_view key) {
  return record_writer{24}.number(x.epoch).number(x.lsn).seal(key);
}

bool decode(std::string_view bytes, std::string_view key, log_place& out) {
  auto in = record_reader{bytes, key};
  return in.number(out.epoch) && in.number(out.lsn) && in.done();
}

std::string encode(const gateway_head& x, std::string_view key) {
  return record_writer{24}.number(x.revision).number(x.next_id).seal(key);
}

bool decode(std::string_view bytes, std::string_view key, gateway_head& out) {
  auto in = record_reader{bytes, key};
  return in.number(out.revision) && in.number(out.next_id) && in.done();
}

std::string encode(const gateway_change_record& x, std::string_view key) {
  return record_writer{16 + x.rows.size()}.number(x.next_id).rest(x.rows).seal(key);
}

bool decode(std::string_view bytes, std::string_view key, gateway_change_record& out) {
  auto in = record_reader{bytes, key};
  return in.number(out.next_id) && in.rest(out.rows) && in.done();
}

std::string encode_idempotency(std::uint64_t id, std::int64_t time_ms, std::string_view key) {
  return record_writer{24}.number(id).signed_number(time_ms).seal(key);
}

bool decode_idempotency(
    std::string_view bytes, std::string_view key, std::uint64_t& id, std::int64_t& time_ms) {
  auto in = record_reader{bytes, key};
  return in.number(id) && in.signed_number(time_ms) && in.done();
}

} // namespace shoal::storage
