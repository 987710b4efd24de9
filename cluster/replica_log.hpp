// One replica's log as the rules see it: which epoch each lsn belongs to, what is durable, and the
// last records themselves. Older records are read back from the disk.
//
// Owned by a replica. Memory: what `shrink` leaves, everything that is not durable yet, and one run
// per epoch that wrote something; a mark per `size_step` bytes of records.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "cluster/log_sizes.hpp"
#include "cluster/replica_messages.hpp"

namespace shoal::cluster {

/// Consecutive records of one epoch.
struct epoch_run {
  std::uint64_t epoch = 0;
  std::uint64_t first = 0; ///< lsn
  bool operator==(const epoch_run&) const = default;
};

/// Durable records of the partition's log.
class record_source {
public:
  virtual ~record_source() = default;

  /// Records from lsn `from` on, at least one, further ones while all fit `max_bytes`. False if one
  /// is missing or its checksum is wrong. May block; asked only for what was reported as durable.
  virtual bool read(std::uint64_t from, std::uint64_t to, std::size_t max_bytes,
      std::vector<log_record>& out) = 0;
};

class replica_log {
public:
  /// `size_step`: how exactly `last_before` knows, in bytes.
  explicit replica_log(std::size_t size_step) : sizes_{size_step} {}

  /// `sizes`: of the records after `base`, in bytes.
  void reset(const log_position& base, std::vector<epoch_run> runs, std::uint64_t last,
      const std::vector<std::uint32_t>& sizes);

  const log_position& base() const { return base_; }
  log_position last() const;
  std::uint64_t durable() const { return durable_; }
  bool all_durable() const { return pending_.empty(); }
  std::size_t memory() const { return tail_bytes_; } ///< bytes of records
  /// See log_sizes.
  std::uint64_t last_before(std::size_t bytes) const { return sizes_.last_before(bytes); }

  /// Of a record, or of the base; nothing outside of them.
  std::optional<std::uint64_t> epoch_at(std::uint64_t lsn) const;
  bool holds(const log_position& x) const { return epoch_at(x.lsn) == x.epoch; }
  /// The greatest lsn <= `lsn` whose epoch is at most `epoch`; `base().lsn` if there is none.
  std::uint64_t last_not_after(std::uint64_t lsn, std::uint64_t epoch) const;

  // -- changes, each part of the write with this ticket ------------------------------------------

  void append(const log_record& record, std::uint64_t ticket);
  void truncate_after(std::uint64_t lsn, std::uint64_t ticket);
  void restart_at(const log_position& base, std::uint64_t ticket);
  void persisted(std::uint64_t ticket);

  /// Forgets records up to `lsn`, which are durable.
  void trim(std::uint64_t lsn);

  /// Lets go of payloads that the disk has, but for the last `memory_bytes`; none after `keep`.
  void shrink(std::size_t memory_bytes, std::uint64_t keep);

  /// Records from `from` to at most `to`, one at least, while they fit. False: the disk cannot.
  bool read(record_source& source, std::uint64_t from, std::uint64_t to, std::size_t max_bytes,
      std::vector<log_record>& out) const;

private:
  struct pending {
    std::uint64_t ticket = 0;
    std::uint64_t last = 0; ///< durable up to here when it is done
  };

  void mark(std::uint64_t ticket);

  log_position base_;
  std::vector<epoch_run> runs_;
  std::uint64_t last_ = 0;
  std::uint64_t durable_ = 0;
  std::deque<pending> pending_;
  std::deque<log_record> tail_; ///< the last ones, up to `last_`
  std::size_t tail_bytes_ = 0;
  log_sizes sizes_; ///< of all records, wherever they are
};

} // namespace shoal::cluster
