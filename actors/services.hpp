// What the actors of one node share. Built by the node before the first actor, outlives them all;
// everything in it is either immutable or safe to use from any thread. Passed by shared_ptr, one
// pointer per actor.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/catalog/catalog.hpp"
#include "actors/clock.hpp"
#include "actors/interfaces.hpp"
#include "actors/limits.hpp"
#include "actors/metrics.hpp"
#include "protocol/nonce_cache.hpp"
#include "storage/commit_log.hpp"
#include "storage/database.hpp"

namespace shoal {

class remote_nodes;

namespace gateway {
class registry_cell; // actors/gateway/registry.hpp
} // namespace gateway

/// Where the node's actors are found. Slots change when a supervisor replaces a dead actor.
class directory {
public:
  explicit directory(std::uint16_t partitions) : partitions_(partitions) {}

  std::uint16_t partition_count() const { return static_cast<std::uint16_t>(partitions_.size()); }
  partition_no number_of(app_no app, const principal& who) const {
    return partition_of(app, who, partition_count());
  }

  /// Who serves a partition: its actor if this node leads it, else the stand-in that asks the
  /// leader, else null.
  partition_actor partition(partition_no no) const;
  partition_actor owner_of(app_no app, const principal& who) const {
    return partition(number_of(app, who));
  }
  /// This node leads the partition and serves it; a null handle: not any more.
  void set_partition(partition_no no, partition_actor hdl, std::uint64_t epoch = 1);
  /// What stands for a partition while this node does not serve it (actors/remote).
  void set_stand_in(partition_no no, partition_actor hdl, reader_actor reader);
  /// The epoch in which this node serves the partition; 0: it does not.
  std::uint64_t led_epoch(partition_no no) const;

  /// The relay of an app, spawned by the node on first use.
  relay_actor relay(app_no app);
  /// How `relay` makes a missing one; set once, before the first device connects.
  void set_relay_factory(std::function<relay_actor(app_no)> factory);
  /// Forgets a relay that died.
  void drop_relay(app_no app);

  reader_actor reader() const; ///< one of this node's, in turn
  /// Who reads the rows of a partition: a reader of this node if it leads it, else the stand-in.
  reader_actor reader_for(partition_no no) const;
  reader_actor reader_for(app_no app, const principal& who) const {
    return reader_for(number_of(app, who));
  }
  void set_readers(std::vector<reader_actor> hdls);
  verifier_actor verifier() const;
  void set_verifier(verifier_actor hdl);
  hub_actor hub() const;
  void set_hub(hub_actor hdl);
  catalog_actor catalog_writer() const;
  void set_catalog_writer(catalog_actor hdl);
  gateway_writer_actor gateway_writer() const;
  void set_gateway_writer(gateway_writer_actor hdl);
  membership_actor membership() const; ///< null: this node is alone
  void set_membership(membership_actor hdl);

  /// Releases every handle, so that actors can end.
  void clear();

private:
  mutable std::mutex mutex_;
  struct slot {
    partition_actor local, stand_in;
    reader_actor stand_in_reader;
    std::uint64_t epoch = 0; ///< of `local`
  };
  std::vector<slot> partitions_;
  std::map<app_no, relay_actor> relays_;
  std::function<relay_actor(app_no)> relay_factory_;
  std::vector<reader_actor> readers_;
  mutable std::atomic<std::size_t> next_reader_{0};
  verifier_actor verifier_;
  hub_actor hub_;
  catalog_actor catalog_writer_;
  gateway_writer_actor gateway_writer_;
  membership_actor membership_;
};

struct services {
  services(std::uint16_t partitions);
  moment now() const { return {now_ms(), steady_ms()}; }

  std::string name = "n1"; ///< of this node
  clock_fn now_ms = wall_clock_ms;
  clock_fn steady_ms = shoal::steady_ms;
  std::uint64_t epoch = 1;      ///< history epoch of the store
  std::uint64_t view_epoch = 1; ///< epoch of the partitions' views
  limits limit;
  catalog_cell catalog;
  const std::shared_ptr<gateway::registry_cell> gateway; ///< what is defined for the gateway
  /// Whether devices of an app may make calls of its gateway; empty: no device may.
  std::function<bool(app_no)> serves_calls;
  storage::database* db = nullptr;
  storage::commit_log* log = nullptr;
  metrics* count = nullptr;
  nonce_cache* hello_nonces = nullptr;
  nonce_cache* request_nonces = nullptr;
  directory where;
  std::shared_ptr<remote_nodes> remote; ///< the other nodes (actors/remote); null: there are none
};

using services_ptr = std::shared_ptr<services>;

} // namespace shoal
