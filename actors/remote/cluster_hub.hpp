// The hub of the cluster: what this node's devices and API take for the hub. Devices are handed on
// to this node's own hub; questions about devices are asked of all nodes and merged.
//
// The newest connection of a device id wins, in the whole cluster. The node that leads the
// partition of the device decides it: every node tells it who came and went (`Present`), it keeps a
// list in memory and tells the node of an older connection (`Replaced`). When a partition gets
// another leader, all nodes tell that one anew. News that got lost is told again, so two
// connections of one device can live side by side for as long as nobody leads the partition; longer
// only if the wall clocks of their nodes and the connections' ages disagree about which is newer.
//
// Spawned by: the node, after its hub.  Monitors: this node's devices.  Dies: on a bug only; a new
// one knows the devices that connect from then on.
#pragma once

#include <compare>
#include <map>
#include <set>
#include <unordered_map>

#include "actors/remote/remote.hpp"
#include "actors/services.hpp"

namespace shoal {

class actor_registry;

struct cluster_hub_state {
  static inline const char* name = "cluster-hub";
  using device_name = std::pair<app_no, std::string>;

  struct local_device {
    device_actor hdl;
    std::int64_t connected_ms = 0;
    std::int64_t since_ms = 0; ///< the same by the steady clock
  };

  /// Where a device is connected, as the leader of its partition knows it.
  struct connection_place {
    std::string node;
    std::int64_t connected_ms = 0; ///< by that node's wall clock
    std::int64_t since_ms = 0;     ///< by this node's steady clock, as far as it is known here
  };

  struct home {
    std::uint64_t epoch = 0; ///< in which this node led the partition when it learned this
    std::map<device_name, connection_place> devices;
  };

  /// A question that was asked of several nodes.
  struct gathering {
    std::size_t open = 0;
    std::function<void(const pb::Answer*)> add; ///< null: that node did not answer
    std::function<void()> done;
  };

  explicit cluster_hub_state(cluster_hub_actor::pointer ptr) : self{ptr} {}

  void online(const device_actor& hdl, const device_info_ptr& info);
  void down(const caf::actor_addr& source);
  void announce(const device_name& who, const local_device& x, bool gone);
  void announce_all(partition_no no);
  void tell_homes();
  void arm();
  void tick();

  void call(const remote_question& x);
  void present(partition_no no, const pb::Present& x);
  std::int64_t since_of(const pb::Presence& x) const;
  static std::strong_ordering order_of(const connection_place& a, const connection_place& b);
  void replaced(const pb::Replaced& x);
  void tell_replaced(const std::string& node, const device_name& who, std::int64_t connected_ms);

  caf::result<online_report> list(const online_query& q);
  caf::result<device_status> status(app_no app, const std::string& device);
  caf::result<bool> kick(app_no app, const std::string& device);
  void ask_others(
      const pb::Call& call, std::function<void(const pb::Answer*)> add, std::function<void()> done);
  void answered(const remote_answer& x);

  cluster_hub_actor::pointer self;
  services_ptr sv;
  std::map<device_name, local_device> devices;
  std::unordered_map<caf::actor_addr, device_name> names;
  std::map<partition_no, home> homes;
  std::map<partition_no, pb::Present> news; ///< not told yet
  std::set<partition_no> untold;            ///< their leaders have to be told everything
  caf::actor_clock::time_point untold_from{};
  std::map<std::uint64_t, partition_no> told;                     ///< by token
  std::map<std::uint64_t, std::shared_ptr<gathering>> gatherings; ///< by token
  std::uint64_t next_token = 0;
  bool ticking = false;
};

cluster_hub_actor::behavior_type cluster_hub(
    cluster_hub_actor::stateful_pointer<cluster_hub_state> self, services_ptr services);

/// Spawns it in front of this node's own hub, and makes it known in its place. That is what
/// `remote_nodes::local_hub` names, or else what the directory knows until then.
cluster_hub_actor spawn_cluster_hub(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors = nullptr);

} // namespace shoal
