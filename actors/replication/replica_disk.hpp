// Carries out what one replica decides about its disk, in order, through the node's commit log.
//
// Owned by a `partition_replica`, used on its thread only; the commit log answers on its own thread
// through `events`, in order. A write that fails poisons the rest: nothing more is written until
// `load` has found out what is there.
//
// Records are synced; applied rows are not: they can be made again from the records. Wiping and
// installing a checkpoint block their caller (they are rare, and nothing else may happen
// meanwhile).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "cluster/replica.hpp"
#include "storage/commit_log.hpp"
#include "storage/replica_table.hpp"

namespace shoal {

/// CRC-32C over all of a record but its `crc`.
std::uint32_t checksum_of(const cluster::log_record& x);

struct disk_events {
  std::function<void(std::uint64_t ticket, ec code)> persisted;
  std::function<void(std::uint64_t lsn, ec code)> applied;
  std::function<void(std::uint64_t checkpoint, std::uint64_t chunk, ec code)> staged;
};

class replica_disk : public cluster::record_source {
public:
  /// `db` and `log` outlive it; `events` are called on the log's thread, or inside the call.
  replica_disk(
      storage::database& db, storage::commit_log& log, partition_no partition, disk_events events);

  /// What is there; finishes the installation of a checkpoint that a crash interrupted. Waits for
  /// everything that is under way. An error: the disk cannot be read.
  ec load(cluster::durable_state& out);

  void write(const cluster::log_write& x);
  /// Answered by `applied` with the last lsn.
  void apply(const std::vector<cluster::log_record>& records);
  void trim(std::uint64_t lsn);
  /// Hands in what the commit log had no room for. Call it now and then.
  void retry();

  bool read(std::uint64_t from, std::uint64_t to, std::size_t max_bytes,
      std::vector<cluster::log_record>& out) override;

  // -- checkpoints on their way out -----------------------------------------------------------

  /// The place that the checkpoint is of.
  cluster::log_position open_checkpoint(std::uint64_t id);
  /// False if it cannot be read, or the chunk is neither the next one nor the one before.
  bool read_chunk(std::uint64_t id, std::uint64_t chunk, std::shared_ptr<const std::string>& data,
      bool& is_last);
  /// One that was opened, or is being received.
  void close_checkpoint(std::uint64_t id);

  // -- and in ------------------------------------------------------------------------------------

  void begin_receiving(std::uint64_t id);
  void stage(std::uint64_t id, std::uint64_t chunk, const std::string& data);

private:
  struct checkpoint {
    std::unique_ptr<storage::database_view> rows;
    std::uint64_t next = 0;
    std::string after;
    std::shared_ptr<const std::string> last; ///< chunk `next - 1`, in case it got lost
    bool done = false;
  };

  void submit(storage::write_batch rows, storage::durability when, std::function<void(ec)> done);
  ec replace_everything(const cluster::log_write& x);

  storage::database& db_;
  storage::commit_log& log_;
  const partition_no partition_;
  const disk_events events_;
  storage::replica_promise promise_;
  std::uint64_t last_ = 0; ///< newest lsn handed to the disk
  std::deque<storage::log_entry> waiting_;
  std::map<std::uint64_t, checkpoint> outgoing_;
  std::uint64_t receiving_ = 0;
};

} // namespace shoal
