// All replicas of this node, on one thread: so that many partitions share a frame per peer, a timer
// and a heartbeat, and so that reading an old record may wait for the disk.
//
// Spawned by: the node, detached.  Dies: with the node only; a bug here ends the process, because
// nothing that was promised may be forgotten half.
//
//   streams ──submit──> replicated_log ──poke──> replicator ──writes──> commit log
//                                                    │  └──frames──> links ──> replicators of peers
//                                                    └─ serving / stopped ──> node: spawns
//                                                    partitions
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/replication/partition_replica.hpp"
#include "actors/services.hpp"
#include "cluster/replica_codec.hpp"

namespace shoal {

namespace atom {
using flush = caf::atom_constant<caf::atom("flush")>;
} // namespace atom

/// A view of one partition, from the meta store.
struct replica_view {
  partition_no partition{};
  cluster::view view;
};

/// A frame of kind `replication` from a peer.
struct replication_frame {
  std::string from;
  std::string bytes;
};

/// What one replica is doing, for operators.
struct replica_report {
  partition_no partition{};
  cluster::replica_status status;
  bool rests = false; ///< its disk takes no writes
};

/// What the cluster knows about the disk of this node.
struct disk_verdict {
  /// Promises are gone: another disk was known under this node's name, or records that were durable
  /// are missing.
  bool lost = false;
};

using replicator_actor = caf::typed_actor<caf::reacts_to<atom::frame, replication_frame>,
    // News from the meta store.
    caf::reacts_to<atom::change, std::vector<replica_view>>,
    // After a replica reported damage: the epochs that a fresh read of the meta store showed.
    caf::reacts_to<atom::report, std::vector<replica_view>>,
    // Hand the leadership over to another node; the outcome comes through the hooks.
    caf::reacts_to<atom::moved, partition_no, std::string>,
    caf::replies_to<atom::status>::with<std::vector<replica_report>>,
    // Replicas that were held back start. If something was lost, all are damaged; the answer is
    // whether that is durable.
    caf::replies_to<atom::online, disk_verdict>::with<bool>,
    // INTERNAL: streams have handed something in.
    caf::reacts_to<atom::call, partition_no>,
    // INTERNAL: the disk answers.
    caf::reacts_to<atom::committed, disk_event>,
    // INTERNAL: the mailbox was worked off; what was said meanwhile goes out.
    caf::reacts_to<atom::flush>,
    // INTERNAL: time passes.
    caf::reacts_to<atom::tick>>;

struct replicator_options {
  services_ptr services;
  std::string self; ///< this node's name
  std::uint16_t partitions = 0;
  bool hold_back = false; ///< replicas neither promise nor vote before there is a `disk_verdict`
  cluster::replica_options rules;
  std::function<cluster::instant()> now; ///< CLOCK_BOOTTIME
  /// Hands a frame to a peer; false if it was dropped.
  std::function<bool(const std::string& to, std::string bytes)> send;
  /// The rest of the hooks; `send`, `post` and `poke` are the replicator's own.
  replica_hooks hooks;
};

struct replicator_state {
  static inline const char* name = "replicator";

  explicit replicator_state(replicator_actor::pointer ptr) : self{ptr} {}

  void start(replicator_options x);
  caf::result<bool> judge(const disk_verdict& x);
  void wake_resting();
  void complain();
  bool disk_takes_writes() const;
  void take(const replication_frame& x);
  void flush_soon();
  void flush();
  void tick();
  std::vector<replica_report> report() const;
  partition_replica* find(partition_no no);

  replicator_actor::pointer self;
  replicator_options opt;
  replica_hooks hooks;
  std::vector<std::unique_ptr<partition_replica>> replicas; ///< by number
  std::map<std::string, std::vector<cluster::addressed_message>> outbox;
  bool held_back = false;
  bool flush_is_due = false;
  unsigned failed_trials = 0;
  cluster::instant trial_at{}; ///< when to look whether a disk that failed takes writes again
};

replicator_actor::behavior_type replicator(
    replicator_actor::stateful_pointer<replicator_state> self, replicator_options options);

/// The time that replication goes by: it runs on while the machine sleeps.
cluster::instant boot_time();

} // namespace shoal

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::replica_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<shoal::replica_view>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::replication_frame)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<shoal::replica_report>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::disk_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::disk_verdict)

// The block of interfaces.hpp ends well below 200.
CAF_BEGIN_TYPE_ID_BLOCK(shoal_replication, caf::first_custom_type_id + 200)
CAF_ADD_TYPE_ID(shoal_replication, (shoal::replication_frame))
CAF_ADD_TYPE_ID(shoal_replication, (std::vector<shoal::replica_view>))
CAF_ADD_TYPE_ID(shoal_replication, (std::vector<shoal::replica_report>))
CAF_ADD_TYPE_ID(shoal_replication, (shoal::disk_event))
CAF_ADD_TYPE_ID(shoal_replication, (shoal::disk_verdict))
CAF_END_TYPE_ID_BLOCK(shoal_replication)
