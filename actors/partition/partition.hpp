// The partition actor: activates the streams of a fixed share of the principals and gives their
// commits one order.
//
// Spawned by: the node.  Monitors: its streams.  Dies: on a bug only; the node spawns a new one,
// streams die with it and come back on demand.  Restarts: a stream that died is spawned again by
// the next message for it; too many deaths in a short time end the partition, so that the node
// decides (restart_budget.hpp).
//
// Guarantees: entries reach the commit log with consecutive lsns in the order of arrival. When one
// fails, those behind it fail too (the log refuses a gap), and new ones are refused until all
// answers are in; then the lsn continues where the log ends.
#pragma once

#include <deque>
#include <unordered_map>

#include "actors/restart_budget.hpp"
#include "actors/services.hpp"

namespace shoal {

struct partition_state {
  static inline const char* name = "partition";

  struct child {
    stream_actor hdl;
    std::uint64_t forwarded = 0; ///< messages handed to it; it counts too, see `sleep`
  };

  struct in_flight {
    std::uint64_t lsn = 0;
    std::uint64_t token = 0;
    commit_client_actor client;
  };

  explicit partition_state(partition_actor::pointer ptr) : self{ptr} {}

  child& stream_of(app_no app, const principal& who);
  void append(append_call call);
  void commit(const commit_client_actor& client, const commit_request& request);
  void commit_lazy(const commit_request& request);
  void committed(const log_result& result);
  void sleep(const principal_key& key, std::uint64_t received);
  void stream_down(const caf::down_msg& dm);
  void tick();
  void sweep(std::uint32_t hour);

  partition_actor::pointer self;
  services_ptr sv;
  partition_no no{};
  std::unordered_map<principal_key, child> streams;
  std::unordered_map<caf::actor_addr, principal_key> keys;
  std::deque<in_flight> writing;
  std::uint64_t next_lsn = 1;
  ec failing = ec::none;
  std::uint64_t failed_lsn = 0;
  restart_budget budget{50, std::chrono::seconds{10}};
};

struct partition_options {
  services_ptr services;
  partition_no no{};
  std::uint64_t applied_lsn = 0; ///< where the log ended at start
  bool sweep = true;             ///< look for due streams once a minute
};

partition_actor::behavior_type partition(
    partition_actor::stateful_pointer<partition_state> self, partition_options options);

} // namespace shoal
