// The partition actor: activates the streams of a fixed share of the principals and gives their
// commits one order.
//
// Spawned by: the node.  Monitors: its streams.  Dies: on a bug only; the node spawns a new one,
// streams die with it and come back on demand.  Restarts: a stream that died is spawned again by
// the next message for it; too many deaths in a short time end the partition, so that the node
// decides (restart_budget.hpp).
//
// Partition 0 also keeps the audit trail bounded: once an hour, in pages, through its log.
//
// The order itself, and what happens when a write fails, is partition_log.hpp.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "actors/restart_budget.hpp"
#include "actors/services.hpp"
#include "storage/audit_sweep.hpp"
#include "storage/partition_log.hpp"

namespace shoal {

class actor_registry;

struct partition_state {
  static inline const char* name = "partition";

  struct child {
    stream_actor hdl;
    std::uint64_t forwarded = 0; ///< messages handed to it; it counts too, see `sleep`
  };

  explicit partition_state(partition_actor::pointer ptr) : self{ptr} {}

  child& stream_of(app_no app, const principal& who);
  void append(append_call call);
  void commit(const commit_client_actor& client, const commit_request& request);
  void sleep(const principal_key& key, std::uint64_t received);
  void stream_down(const caf::down_msg& dm);
  void tick();
  void sweep(std::uint32_t hour);
  void begin_audit_sweep();
  void sweep_audit(std::uint32_t pages);
  std::string describe() const; ///< JSON

  partition_actor::pointer self;
  services_ptr sv;
  partition_no no{};
  std::unordered_map<principal_key, child> streams;
  std::unordered_map<caf::actor_addr, principal_key> keys;
  std::unordered_set<principal_key> dead_streams; ///< of a bug, and not asked for since
  bool after_death = false;                       ///< this is not the first partition of its log
  std::shared_ptr<storage::partition_log> log;
  actor_registry* actors = nullptr;
  restart_budget budget{50, std::chrono::seconds{10}};
  storage::audit_sweep audit;
  std::int64_t next_audit_ms = 0;
  bool reading_audit = false;
};

struct partition_options {
  services_ptr services;
  partition_no no{};
  std::shared_ptr<storage::partition_log> log;
  actor_registry* actors = nullptr; ///< where its streams have their seats; may be null
  bool sweep = true;                ///< look for due streams once a minute
  storage::audit_limits audit;      ///< of partition 0
  bool after_death = false;         ///< another one died, and may have left writes on their way
};

partition_actor::behavior_type partition(
    partition_actor::stateful_pointer<partition_state> self, partition_options options);

} // namespace shoal
