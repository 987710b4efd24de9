// What the values of the tables look like. Byte tables in storage/README.md; golden tests pin them.
//
// Every record ends in a CRC-32C over its key and its value, so a record that was moved, cut or
// flipped is noticed when it is read, and is named instead of believed. `decode` functions return
// false for anything that is not exactly a record.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/position.hpp"

namespace shoal::storage {

/// Who an op is for, beyond its principal. Empty fields do not restrict.
struct op_filter {
  std::string os;                                     ///< compared without case
  std::string min_app_version;                        ///< inclusive, dotted numbers
  std::string max_app_version;                        ///< inclusive
  std::vector<std::string> regions, models, networks; ///< any of
  std::map<std::string, std::string> tags;            ///< all of, exact
  std::vector<std::string> users;                     ///< global only: any of
  std::uint64_t min_uid = 0, max_uid = 0; ///< global only: numeric user ids, inclusive; 0 = open
  bool empty() const;
  bool operator==(const op_filter&) const = default;
};

/// One stored change. Immutable once it has an id; shared between cache, frames and readers.
struct op_record {
  std::uint64_t id = 0;
  std::int64_t time_ms = 0;        ///< accepted at
  std::int64_t valid_from_ms = 0;  ///< 0 = at once
  std::int64_t valid_until_ms = 0; ///< inclusive; always set: at the latest time_ms + retention
  std::string client_key;          ///< idempotency key, may be empty
  op_filter filter;
  std::string payload;
  bool operator==(const op_record&) const = default;
};

using op_ptr = std::shared_ptr<const op_record>;

struct stream_meta {
  std::uint64_t last = 0;  ///< newest id handed out
  std::uint64_t floor = 0; ///< ids up to here are removed
  std::uint64_t lost =
      0; ///< ids up to here were removed by retention though somebody might still have wanted them
  bool operator==(const stream_meta&) const = default;
};

struct cursor_record {
  position at;
  std::int64_t time_ms = 0;
  bool operator==(const cursor_record&) const = default;
};

/// Last known facts of a device, for support desks and filters.
struct device_record {
  std::string user, os, app_version, region, model, network, sdk;
  std::map<std::string, std::string> tags;
  std::int64_t first_seen_ms = 0, last_seen_ms = 0;
  bool operator==(const device_record&) const = default;
};

/// The newest entry of a partition's log that is applied.
struct log_place {
  std::uint64_t epoch = 0;
  std::uint64_t lsn = 0;
  bool operator==(const log_place&) const = default;
};

/// How far the gateway's definitions are: the newest change, and the next id that none of them has.
struct gateway_head {
  std::uint64_t revision = 0;
  std::uint64_t next_id = 1;
  bool operator==(const gateway_head&) const = default;
};

/// One change of the gateway's definitions: the rows it wrote (replica_table.hpp, encode_rows).
struct gateway_change_record {
  std::uint64_t next_id = 1; ///< after it
  std::string rows;
  bool operator==(const gateway_change_record&) const = default;
};

/// `key` is the database key the record is stored under; it goes into the checksum.
std::string encode(const op_record& x, std::string_view key);
std::string encode(const stream_meta& x, std::string_view key);
std::string encode(const cursor_record& x, std::string_view key);
std::string encode(const device_record& x, std::string_view key);
std::string encode(const log_place& x, std::string_view key);
std::string encode(const gateway_head& x, std::string_view key);
std::string encode(const gateway_change_record& x, std::string_view key);
/// An idempotency row: the id that the client key got, and when.
std::string encode_idempotency(std::uint64_t id, std::int64_t time_ms, std::string_view key);

bool decode(std::string_view bytes, std::string_view key, op_record& out);
bool decode(std::string_view bytes, std::string_view key, stream_meta& out);
bool decode(std::string_view bytes, std::string_view key, cursor_record& out);
bool decode(std::string_view bytes, std::string_view key, device_record& out);
bool decode(std::string_view bytes, std::string_view key, log_place& out);
bool decode(std::string_view bytes, std::string_view key, gateway_head& out);
bool decode(std::string_view bytes, std::string_view key, gateway_change_record& out);
bool decode_idempotency(
    std::string_view bytes, std::string_view key, std::uint64_t& id, std::int64_t& time_ms);

/// `seed` is the checksum of what came before.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

} // namespace shoal::storage
