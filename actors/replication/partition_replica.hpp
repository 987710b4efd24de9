// One partition's replica at this node: the rules (cluster/replica.hpp) with a disk and a log for
// streams.
//
// Owned by the replicator, used on its thread only. Translates: what the rules decide becomes
// writes, messages and calls of the hooks; what happens becomes inputs of the rules. When a write
// failed it rests, until its owner finds that the disk takes writes again; then everything starts
// from what the disk holds.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/replication/replica_disk.hpp"
#include "actors/replication/replicated_log.hpp"
#include "cluster/replica.hpp"

namespace shoal {

/// What the disk did, on its way to the replicator's thread.
struct disk_event {
  enum class kind : std::uint8_t { persisted, applied, staged };
  partition_no partition{};
  std::uint64_t life = 0; ///< of the replica that asked; an earlier one's answers are dropped
  kind what{};
  std::uint64_t number = 0;     ///< ticket, lsn or chunk
  std::uint64_t checkpoint = 0; ///< of a chunk
  ec code = ec::none;
};

struct replica_hooks {
  std::function<void(const std::string& to, cluster::replica_message message)> send;
  /// From any thread.
  std::function<void(const disk_event&)> post;
  /// From any thread: streams have handed something in.
  std::function<void(partition_no)> poke;
  /// This node serves the partition, with this log, until `stopped`.
  std::function<void(partition_no, std::uint64_t epoch, std::shared_ptr<replicated_log>)> serving;
  std::function<void(partition_no, const std::string& why)> stopped;
  /// Somebody knows more than we do: look at the meta store.
  std::function<void(partition_no)> read_view;
  /// A view of this epoch or a later one is needed to go on.
  std::function<void(partition_no, const cluster::view_wish&)> wants_view;
  std::function<void(partition_no, std::uint64_t epoch)> settled;
  std::function<void(partition_no, const cluster::hand_over_result&)> handed_over;
};

class partition_replica {
public:
  partition_replica(std::string self, partition_no partition, storage::database& db,
      storage::commit_log& log, const cluster::replica_options& options,
      std::shared_ptr<const replica_hooks> hooks);
  ~partition_replica();

  /// `lost`: this node was a replica, and its disk is another one now, or keeps less than it said.
  void start(cluster::instant now, bool lost);
  /// The same, found out later.
  void lose(cluster::instant now);
  void learn(const cluster::view& x, cluster::instant now);
  void receive(const std::string& from, const cluster::replica_message& x, cluster::instant now);
  void happened(const disk_event& x, cluster::instant now);
  /// Takes what streams have handed in.
  void work(cluster::instant now);
  void tick(cluster::instant now);
  /// A write failed, or the disk could not be read.
  bool rests() const { return resting_; }
  /// It leads and follows no more, as after a write that failed.
  void rest(const std::string& why, cluster::instant now);
  /// Starts again after a rest.
  void wake(cluster::instant now);
  void hand_over(const std::string& to, cluster::instant now);
  /// The meta store was read, not stale, after `quarantined()`: this is the highest epoch there.
  void promised_at_most(std::uint64_t epoch, cluster::instant now);

  bool quarantined() const { return quarantined_; }
  cluster::replica_status status() const;

private:
  void load(cluster::instant now);
  void carry_out(cluster::decisions x, cluster::instant now);
  void carry_out(const cluster::checkpoint_step& x, cluster::instant now);
  void change_role(const cluster::role_change& x);
  void stop_serving(const std::string& why);
  void fail(const std::string& why);
  void propose(bool with_lazy, cluster::instant now);

  const std::string self_;
  const partition_no partition_;
  storage::database& db_;
  storage::commit_log& log_;
  const cluster::replica_options options_;
  const std::shared_ptr<const replica_hooks> hooks_;

  std::uint64_t life_ = 0;
  std::unique_ptr<replica_disk> disk_;
  std::unique_ptr<cluster::replica> rules_;      ///< null while the disk rests
  std::optional<cluster::view> view_;            ///< newest known, for the next life
  std::shared_ptr<replicated_log> serving_;      ///< null unless this node leads
  std::optional<replicated_log::gathered> held_; ///< taken, and not accepted by the rules yet
  cluster::instant lazy_since_{};
  bool lost_ = false; ///< and the disk does not say so yet
  std::uint64_t wipe_ticket_ = 0;
  bool quarantined_ = false;
  bool resting_ = false;
};

} // namespace shoal
