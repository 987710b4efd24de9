// What replicas of one partition say to each other, as data. How it becomes bytes is cluster.proto.
//
// Every message names the epoch it is about; whoever has promised a higher one answers with a
// refusal and nothing else. Any message may be lost, late, doubled or out of order.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace shoal::cluster {

/// Time since some start, from CLOCK_BOOTTIME: goes on while the machine sleeps, never goes back.
using instant = std::chrono::nanoseconds;

/// A place in a partition's log. A greater epoch is newer, however short its log is.
struct log_position {
  std::uint64_t epoch = 0;
  std::uint64_t lsn = 0; ///< 0 = before the first record
  auto operator<=>(const log_position&) const = default;
};

std::string to_string(const log_position& x);

enum class record_kind : std::uint8_t {
  entry = 0,
  epoch_start = 1, ///< no payload; the first record that a leader writes
};

struct log_record {
  std::uint64_t epoch = 0;
  std::uint64_t lsn = 0;
  record_kind kind = record_kind::entry;
  std::shared_ptr<const std::string> payload; ///< null for an epoch start
  std::uint32_t crc = 0;                      ///< over all of the above

  log_position position() const { return {epoch, lsn}; }
  std::size_t bytes() const { return 64 + (payload ? payload->size() : 0); }
};

/// Leader to follower: what comes after `previous`; without records a heartbeat.
struct append_message {
  std::uint64_t epoch = 0;
  log_position previous;
  std::vector<log_record> records;
  std::uint64_t committed = 0;    ///< of the leader
  std::uint64_t everyone_has = 0; ///< durable at every replica of the view
  instant sent{};                 ///< by the leader's clock; only for the leader to read again
};

enum class append_result : std::uint8_t {
  accepted = 1,
  mismatch = 2, ///< no record at `previous` or another one
};

struct append_answer {
  std::uint64_t epoch = 0;
  append_result result = append_result::accepted;
  /// accepted: durable here and equal to the leader's log up to this lsn.
  /// mismatch: go on after this lsn, which is lower than what was tried.
  std::uint64_t lsn = 0;
  instant sent{}; ///< as in the append
};

/// New leader to all replicas: accept nothing from lower epochs any more.
struct fence_message {
  std::uint64_t epoch = 0;
};

/// Sent when the promise, and everything that `last` covers, is durable.
struct fence_answer {
  std::uint64_t epoch = 0;
  log_position last;
  log_position base; ///< the log begins after this
  std::uint64_t committed = 0;
};

/// New leader to the replica whose log it adopts: the records after `after`, up to `until`.
struct fetch_message {
  std::uint64_t epoch = 0;
  log_position after;
  std::uint64_t until = 0;
};

enum class fetch_result : std::uint8_t {
  records = 1,
  mismatch = 2, ///< no such record as `after`: ask again after `lsn`
  trimmed = 3,  ///< not in the log any more; a checkpoint offer follows
};

struct fetch_answer {
  std::uint64_t epoch = 0;
  fetch_result result = fetch_result::records;
  log_position after;
  std::uint64_t lsn = 0;
  std::vector<log_record> records;
};

/// To a replica that needs what the log does not have any more. The receiver asks for the chunks,
/// one at a time, until one is the last; it asks again for what is lost.
struct checkpoint_offer {
  std::uint64_t epoch = 0;
  log_position position; ///< everything up to here is in it, nothing after
};

struct checkpoint_ask {
  std::uint64_t epoch = 0;
  log_position position;
  std::uint64_t chunk = 0; ///< from 0
};

struct checkpoint_chunk {
  std::uint64_t epoch = 0;
  log_position position;
  std::uint64_t chunk = 0;
  bool is_last = false;
  std::shared_ptr<const std::string> data; ///< the actors' business
};

struct refusal_message {
  std::uint64_t epoch = 0;   ///< of what is refused
  std::uint64_t highest = 0; ///< the epoch promised here
};

using replica_message =
    std::variant<append_message, append_answer, fence_message, fence_answer, fetch_message,
        fetch_answer, checkpoint_offer, checkpoint_ask, checkpoint_chunk, refusal_message>;

std::uint64_t epoch_of(const replica_message& x);

/// For logs: one line, without payloads.
std::string to_string(const replica_message& x);

} // namespace shoal::cluster
