// What actors of one node say to each other, as structs. Interfaces are in interfaces.hpp.
//
// These stay inside the process: several share immutable data by pointer on purpose (one op, one
// encoded frame, many receivers). What crosses nodes is protobuf (protocol/cluster.proto), made
// from these at the edge.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/catalog/catalog.hpp"
#include "protocol/codes.hpp"
#include "protocol/frame.hpp"
#include "protocol/ids.hpp"
#include "protocol/position.hpp"
#include "storage/database.hpp"
#include "storage/records.hpp"

namespace shoal {

/// Consecutive committed ops of one stream: the interval (after, upto]. Immutable and shared by all
/// receivers; ids missing in `ops` are expired or removed. The whole batch as a frame is encoded at
/// most once per compression.
class op_batch {
public:
  op_batch(biz_ptr of, std::uint64_t in_epoch, std::uint64_t from, std::uint64_t to,
      std::vector<storage::op_ptr> xs, std::int64_t since_us = 0)
      : biz{std::move(of)}, epoch{in_epoch}, after{from}, upto{to}, ops{std::move(xs)},
        accepted_us{since_us} {}

  const biz_ptr biz;
  const std::uint64_t epoch;
  const std::uint64_t after;
  const std::uint64_t upto;
  const std::vector<storage::op_ptr> ops;
  const std::int64_t accepted_us; ///< live ops: when the first was (steady_us); 0 = not known

  std::size_t payload_bytes() const;

  /// The Ops frame of the whole batch; encoded on first use, then shared.
  shared_bytes frame(compression how) const;

private:
  mutable std::once_flag once_[2];
  mutable shared_bytes frames_[2];
};
using op_batch_ptr = std::shared_ptr<const op_batch>;

/// The Ops frame of part of a batch.
shared_bytes encode_ops(const biz_config& biz, std::uint64_t epoch, std::uint64_t after,
    std::uint64_t upto, const std::vector<storage::op_ptr>& ops, compression how);

/// One op that a caller wants appended.
struct append_item {
  std::uint32_t index = 0; ///< the caller's, comes back in the result
  principal who;
  biz_ptr biz;
  storage::op_record op;     ///< id and time are assigned by the stream
  bool check_online = false; ///< refuse with `target_offline` if no device listens
};

struct append_result {
  std::uint32_t index = 0;
  ec code = ec::none;
  position
      at; ///< epoch and id of the op; of the first one if `repeated`; id 0 in a non-persistent biz
  bool repeated = false;    ///< the idempotency key was known
  std::uint32_t online = 0; ///< devices the op was handed to at once
};

/// Where a device wants a stream to start.
struct attach_request {
  stream_key stream;
  biz_ptr biz;
  std::string subject;        ///< whose cursor: storage/keys.hpp, cursor_key
  std::string device;         ///< device id, "" for a relay
  std::optional<position> at; ///< what the device says it has
  std::uint32_t feed = 0; ///< the device's number for this feed; comes back in everything about it
  /// Never over a link: `at` is beyond what the stream has, and the stream has proved since that
  /// nobody else leads it.
  bool proven = false;
};

enum class reset_reason : std::uint8_t {
  none = 0,
  trimmed = 1,
  epoch = 2,
  ahead = 3,
  newest_only = 4,
  consumed_elsewhere = 5,
};

struct attached_note {
  std::uint32_t feed = 0;
  ec code = ec::none;
  position start;
  reset_reason reset = reset_reason::none;
  std::uint64_t latest = 0;
  std::uint64_t floor = 0, lost = 0; ///< of the stream, for relays
};

/// Live ops (`page` false) or the answer to a pull (`page` true).
struct feed_ops {
  std::uint32_t feed = 0;
  op_batch_ptr batch; ///< null in a page: the pull failed with `code`
  bool page = false;
  std::uint64_t latest = 0; ///< newest committed id
  ec code = ec::none;
};

/// The source moved the feed: continue at `to`.
struct feed_moved {
  std::uint32_t feed = 0;
  position to;
  reset_reason reason = reset_reason::none;
  std::uint64_t latest = 0;
};

/// The way between source and sink broke (a node, a link): attach again where the feed stands. Says
/// nothing against the source.
struct feed_lost {
  std::uint32_t feed = 0;
};

struct pull_request {
  stream_key stream;
  std::string device;
  std::uint32_t feed = 0;
  std::uint64_t after = 0;
  std::uint32_t max_ops = 64;
  std::uint32_t max_bytes = 64 * 1024;
};

struct ack_note {
  stream_key stream;
  std::string subject;
  position at;
};

struct detach_note {
  stream_key stream;
  std::string device;
  std::uint32_t feed = 0;
};

/// Rows that a partition makes durable for somebody.
struct commit_request {
  storage::write_batch rows;
  std::uint64_t token = 0; ///< comes back in `commit_result`; 0 = nobody waits (lazy rows)
};

struct commit_result {
  std::uint64_t token = 0;
  ec code = ec::none;
};

/// One answer to "where is this stream": for operators and support desks.
struct stream_report {
  ec code = ec::none;
  position latest;
  std::uint64_t floor = 0;
  struct listener {
    std::string device;
    std::uint64_t sent = 0; ///< offered up to
    std::uint64_t acked = 0;
    std::int64_t attached_ms = 0;
  };
  std::vector<listener> listeners; ///< attached right now
};

/// A device as the hub knows it.
struct device_info {
  app_no app{};
  std::string device, user; ///< user is empty if none is bound
  bool user_verified = false;
  std::string os, app_version, region, model, network, sdk, peer;
  std::map<std::string, std::string> tags;
  std::int64_t connected_ms = 0;
  std::uint64_t session = 0;
};
using device_info_ptr = std::shared_ptr<const device_info>;

/// What a device actor says about its subscriptions.
struct device_status {
  device_info_ptr info;
  struct feed {
    std::string biz;
    std::uint64_t epoch = 0, sent = 0, acked = 0, latest = 0;
    bool catching_up = false;
  };
  std::vector<feed> feeds;
};

/// Why a connection is to be closed.
struct kick_order {
  ec code = ec::kicked;
  std::string text;
};

} // namespace shoal
