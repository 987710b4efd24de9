// One replica's copy of a partition's log, on disk: entries, what the replica has promised, and
// where its log begins.
//
// Functions that read may wait for the disk; functions that return a batch only make rows, for the
// commit log. What an entry does is a batch of rows of the same partition, kept as bytes until the
// entry is committed; only then are its rows applied, together with the place they are of. So a log
// may be cut back behind what is applied, and tables never hold what nobody has agreed to.
//
// The byte tables are in storage/README.md ("A replica's log").
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database.hpp"
#include "storage/keys.hpp"
#include "storage/records.hpp"

namespace shoal::storage {

struct replica_entry {
  log_place at;
  bool epoch_start = false; ///< the first record of an epoch's leader; changes nothing
  std::shared_ptr<const std::string> payload; ///< `encode_rows`; null for an epoch start
};

/// What a replica may never forget besides its entries.
struct replica_promise {
  std::uint64_t epoch = 0;  ///< nothing lower is accepted
  std::uint64_t rejoin = 0; ///< not 0: damaged, promises nothing below this epoch
  log_place base;           ///< place before the first entry kept
  log_place installing;     ///< lsn not 0: a checkpoint was received whole and is being installed
  bool operator==(const replica_promise&) const = default;
};

/// Consecutive entries of one epoch.
struct replica_run {
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;
  bool operator==(const replica_run&) const = default;
};

struct replica_start {
  replica_promise promise;
  log_place applied; ///< rows up to here are in the tables
  log_place last;    ///< newest entry; `base` if there is none
  std::vector<replica_run> runs;
  std::vector<std::uint32_t> sizes; ///< bytes of each entry after the base, as it is stored
  bool damaged = false;             ///< an entry that must be there is missing or unreadable
};

std::string encode(const replica_promise& x, std::string_view key);
bool decode(std::string_view bytes, std::string_view key, replica_promise& out);
std::string encode_entry(const replica_entry& x, std::string_view key);
bool decode_entry(std::string_view bytes, std::string_view key, replica_entry& out);

/// Rows as the payload of an entry, and back. False for anything that is not exactly that.
std::string encode_rows(const write_batch& rows);
bool decode_rows(std::string_view payload, write_batch& out);

/// True if every row lies in a table of the partition. The catalog and the audit trail belong to
/// partition 0.
bool belongs_to(const write_batch& rows, partition_no p);

/// What a replica finds when it starts. Entries behind a gap (a later write that survived an
/// earlier one's failure) are not part of the log; the rows that erase them come back in `cleanup`.
ec read_replica(database& db, partition_no p, replica_start& out, write_batch& cleanup);

/// Entries from `from` on, at least one if there is one, at most `max_bytes` of payload.
/// `quarantined` at a damaged entry; `out` has what came before.
ec read_entries(database& db, partition_no p, std::uint64_t from, std::size_t max_bytes,
    std::vector<replica_entry>& out);

/// Rows that forget entries first..last.
void erase_entries(partition_no p, std::uint64_t first, std::uint64_t last, write_batch& out);
void put_entry(partition_no p, const replica_entry& x, write_batch& out);
void put_promise(partition_no p, const replica_promise& x, write_batch& out);
void put_applied(partition_no p, const log_place& x, write_batch& out);

/// Adds what an entry does. False if its payload does not decode or reaches outside the partition.
bool apply_entry(partition_no p, const replica_entry& x, write_batch& out);

// -- checkpoints: all rows of a partition's tables, in chunks ----------------------------------

/// One chunk: rows behind the key `after` (empty: from the start), about `max_bytes`, as
/// `encode_rows`. `after` becomes the last key; `more` says whether rows are left.
ec read_chunk(database_view& db, partition_no p, std::string& after, std::size_t max_bytes,
    std::string& out, bool& more);

/// Rows that put a received chunk aside.
void put_staged(partition_no p, std::uint32_t chunk, const std::string& data, write_batch& out);

/// Removes a partition's tables and entries, in several writes. What was put aside stays.
ec clear_partition(database& db, partition_no p);
ec clear_staged(database& db, partition_no p);

/// Replaces the tables by what was put aside. Can be done again if it was interrupted: `promise`
/// (whose `installing` says what is installed) is written first.
ec install_staged(database& db, partition_no p, replica_promise promise);

} // namespace shoal::storage
