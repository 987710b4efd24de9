// The stand-in of a partition that this node does not lead: takes what a partition (and a reader of
// its rows) takes, and has it done by the leader.
//
// Spawned by: the node, one per partition; it stays when the partition comes home and goes again.
// Monitors: nobody.  Dies: on a bug only; callers hear nothing and have their timeouts, held
// attaches are lost until their devices connect again.
//
// While nobody is known to lead, the link to the leader is down, or the leader says "not me" or
// "not yet", everything is held and tried again with the next view, or after `limits.move_retry`.
// So a planned hand-over or a fail-over is latency. Calls are held for at most
// `limits.move_patience`: then an append hears `moving` (nothing was stored), a read hears nothing.
// Attaches are held until there is a leader; now and then their sinks are told `lost`, so that
// those that died vanish.
//
// A call that was sent to a leader that went away has an unknown fate. Reads and appends with an
// idempotency key are sent again, to the new leader; other appends hear `outcome_unknown`.
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>

#include "actors/remote/remote.hpp"
#include "actors/services.hpp"

namespace shoal {

class actor_registry;

struct remote_partition_state {
  static inline const char* name = "remote-partition";
  using time_point = caf::actor_clock::time_point;
  using outcome = remote_answer::outcome;

  /// One question on its way to the leader, or held.
  struct job {
    std::shared_ptr<pb::Call> call;
    std::size_t bytes = 0;
    time_point began, deadline;
    std::string sent_to;               ///< a node's name; empty = held
    bool unknown = false;              ///< was sent to a leader that went away
    std::optional<time_point> suspect; ///< its leader is not the leader any more; wait until then
    append_client_actor client;        ///< appends
    std::uint64_t client_call = 0;
    std::vector<bool> keyed; ///< appends: which items have an idempotency key
    /// Everything else; null: no answer in time.
    std::function<void(const pb::Answer*)> done;
  };

  struct held_attach {
    feed_sink_actor sink;
    attach_request request;
  };

  explicit remote_partition_state(remote_partition_actor::pointer ptr) : self{ptr} {}

  void view_changed(const partition_view& x);
  void refused(const std::string& by, std::uint64_t epoch);

  void attach(const feed_sink_actor& sink, const attach_request& request);
  bool try_attach(const feed_sink_actor& sink, const attach_request& request);
  void detach(const feed_sink_actor& sink, std::uint32_t feed);

  void append(const append_call& call);
  void commit(const commit_request& request);
  void ask(std::shared_ptr<pb::Call> call, std::function<void(const pb::Answer*)> done);
  void begin(job x);
  bool try_send(std::uint64_t token, job& x);
  void answered(const remote_answer& x);
  void refused_call(job& x, const pb::Answer& answer);
  void appended(job& x, const pb::Answer& answer);
  void fate_unknown(job& x);
  void keep_items(job& x, const std::function<bool(std::size_t)>& wanted) const;
  void answer_items(const job& x, ec code, const std::function<bool(std::size_t)>& which) const;
  void give_up(job& x, ec code);
  void hold(job& x, std::chrono::milliseconds pause);
  void retry();
  void arm();
  void tick();
  std::string status() const;

  remote_partition_actor::pointer self;
  services_ptr sv;
  partition_no no{};
  partition_view view;
  time_point not_before{};           ///< the leader was not ready
  std::map<std::uint64_t, job> jobs; ///< by token, in the order of arrival
  std::size_t bytes = 0;             ///< of jobs
  std::uint64_t next_token = 0;
  std::deque<held_attach> attaches;
  std::optional<time_point> attaches_since;
  bool ticking = false;
};

remote_partition_actor::behavior_type remote_partition(
    remote_partition_actor::stateful_pointer<remote_partition_state> self, services_ptr services,
    partition_no no);

/// Spawns it and makes it known to the directory.
remote_partition_actor spawn_remote_partition(caf::actor_system& sys, const services_ptr& services,
    partition_no no, actor_registry* actors = nullptr);

} // namespace shoal
