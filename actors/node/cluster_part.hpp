// What makes a node one of several: links to the others, the replicas it keeps, the stand-ins for
// what others lead, and the steward that watches the meta store.
//
// Owned by the node; absent from a node that is alone. Gives partitions a home here when their
// replica begins to serve, and takes it away when it stops.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "actors/inspect/standing.hpp"
#include "actors/node/steward.hpp"
#include "actors/remote/remote.hpp"
#include "actors/replication/replicator.hpp"
#include "actors/services.hpp"
#include "cluster/config.hpp"
#include "cluster/node_links.hpp"
#include "storage/audit_sweep.hpp"

namespace shoal {

class actor_registry;

struct cluster_part_options {
  cluster::config config; ///< of this node: cluster/config_nodes.hpp, `for_node`
  services_ptr services;
  std::uint64_t disk = 0;           ///< id of the node's store
  storage::audit_limits audit;      ///< how much of the audit trail is kept
  actor_registry* actors = nullptr; ///< where its actors have their seats; may be null
  /// Spawns an actor, watches it, and spawns it again should it die.
  std::function<void(const std::string& name, std::function<caf::actor()> spawn)> watch;
  /// Watches an actor; calls `died` if it dies by itself.
  std::function<void(const std::string& name, const caf::actor& hdl, std::function<void()> died)>
      watch_other;
  std::function<void()> give_up;
  /// Whether this node is to hold nothing, by its record in the meta store; said after each look.
  std::function<void(bool)> draining;
};

class cluster_part {
public:
  /// Makes `services->remote`.
  cluster_part(caf::actor_system& system, cluster_part_options options);
  ~cluster_part();

  /// Once the node's own hub and catalog writer are there. Listens for the others and dials them.
  /// Throws std::runtime_error with a sentence for people.
  void start();

  /// Hands over what this node leads, as far as others are there to take it. Bounded. If the meta
  /// store does not answer nothing can change hands: then it returns soon, and what is led here is
  /// served until `stop`.
  void leave();

  /// Stops leading and links; actors end with the node.
  void stop();

  /// Every partition has a view that this node knows.
  bool ready() const;

  /// For operators. Callable from any thread.
  inspect::cluster_standing standing() const;

  std::vector<cluster::link_status> links() const { return links_->status(); }
  replicator_actor replicator() const;
  steward_actor steward() const;

private:
  struct home;

  bool meta_answers() const;
  void open_links();
  void spawn_stand_ins();
  void spawn_replicator();
  void spawn_steward();
  void serve(partition_no no, std::uint64_t epoch, std::shared_ptr<storage::partition_log> log);
  void spawn_partition(partition_no no, const std::shared_ptr<home>& x);
  void stop_serving(partition_no no);
  void views_changed(const std::vector<replica_view>& news);

  caf::actor_system& system_;
  cluster_part_options opt_;
  std::uint64_t incarnation_;
  std::atomic<cluster::instant> meta_answered_{}; ///< when the steward last read the meta store
  std::unique_ptr<cluster::meta_store> meta_;
  std::unique_ptr<cluster::node_links> links_;
  mutable std::mutex mutex_; ///< for all below: the replicator's hooks and the links use them
  replicator_actor replicator_;
  steward_actor steward_;
  std::map<partition_no, std::shared_ptr<home>> homes_; ///< what is served here
  std::map<partition_no, cluster::view> known_;         ///< the views that are known
  replication::Report reported_;                        ///< what this node said of itself last
  inspect::replica_lag lag_;                            ///< of those who follow this node
  std::string state_;                                   ///< of this node, in the meta store
};

} // namespace shoal
