// Key encoding. storage/README.md has the byte tables; golden tests pin them.
//
// All numbers are big endian, so keys sort as their fields do. Every key of a stream starts with
// its table's tag, then partition (the unit that moves between nodes), then app (the world), then
// the principal: nobody can name another tenant's rows without its number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace shoal::storage {

enum class table : char {
  identity = '!', // store-wide facts: format, history epoch
  audit = 'A',    // who changed what
  cursor = 'C',   // how far a device (or user) has acknowledged a stream
  device = 'D',   // last known facts of a device
  entry = 'E',    // a replica's log: entries that others may still ask for
  gateway = 'G',  // definitions of the gateway, their changes and versions
  idempotency = 'I',
  log_place = 'L', // (epoch, lsn) applied per partition
  object = 'T',    // catalog: apps, keys, bizs
  op = 'O',
  promise = 'P', // the epoch below which a replica takes nothing
  staged = 'Q',  // chunks of a checkpoint that is being received
  stream = 'S',  // last id, floor
  sweep = 'X',   // when to look at a stream for dead ops
};

std::string identity_key(std::string_view name);
std::string stream_meta_key(partition_no p, const stream_key& s);
/// Prefix of all ops of a stream; `op_key` appends the id.
std::string op_prefix(partition_no p, const stream_key& s);
std::string op_key(partition_no p, const stream_key& s, std::uint64_t id);
std::string idempotency_key(partition_no p, const stream_key& s, std::string_view client_key);
std::string cursor_prefix(partition_no p, const stream_key& s);
/// `subject` is a device id, a user id (single-device), or "device\0user" (global biz for users).
std::string cursor_key(partition_no p, const stream_key& s, std::string_view subject);
std::string sweep_prefix(partition_no p);
std::string sweep_key(partition_no p, std::uint32_t due_hour, const stream_key& s);
bool parse_sweep_key(std::string_view key, partition_no& p, std::uint32_t& due_hour, stream_key& s);
std::string device_key(partition_no p, app_no app, std::string_view device);
std::string device_prefix(partition_no p, app_no app);
std::string log_place_key(partition_no p);
std::string entry_key(partition_no p, std::uint64_t lsn);
std::string promise_key(partition_no p);
std::string staged_key(partition_no p, std::uint32_t chunk);
/// Start of a partition's rows in a table whose keys begin with the partition.
std::string partition_prefix(table t, partition_no p);
std::string object_key(std::string_view kind, std::string_view name);
std::string object_prefix(std::string_view kind);
/// `kind` is a letter of the caller's; see storage/README.md, "Gateway".
std::string gateway_entry_key(app_no app, char kind, std::string_view name);
std::string gateway_entry_prefix();
std::string gateway_entry_prefix(app_no app);
bool parse_gateway_entry_key(std::string_view key, app_no& app, char& kind, std::string& name);
std::string gateway_head_key();
std::string gateway_change_key(std::uint64_t revision);
std::string gateway_change_prefix();
std::string gateway_version_key(app_no app, std::string_view operation, std::uint32_t version);
std::string gateway_version_prefix(app_no app, std::string_view operation);
std::string audit_key(app_no app, std::int64_t time_ms, std::uint32_t seq);
std::string audit_prefix(app_no app);

/// Reads the subject out of a cursor key (what follows `cursor_prefix`).
std::string_view subject_of(std::string_view key, std::string_view prefix);
/// Reads the id out of an op key (its last 8 bytes).
std::uint64_t op_id_of(std::string_view key);

} // namespace shoal::storage
