// The other nodes, as the actors of this node see them: who talks to whom, and what they say.
//
//   device, relay, api ──> stand-in of a partition ──attach, call──> peer ══wire══> peer ──>
//                          (remote_partition)                                       │
//                                              partition, streams <──attach, pull, ack (feeds)
//                                              call server <──────────call (everything else)
//
// One `peer` per other node, one stand-in per partition, one call server, hub and catalog share per
// node. They find each other here. What crosses the wire is protocol/cluster.proto.
//
// How a node puts it together:
//  - at the start: `services::remote`, then its own hub and catalog writer, then spawn_cluster_hub,
//    spawn_catalog_share, spawn_call_server, spawn_remote_partition for each partition, spawn_peer
//    for each other node, and links whose handlers call on_frame, on_up and on_down;
//  - a view changes: set_view. If this node serves the partition now: directory::set_partition
//    first, then set_view, again if the view was said before the partition served;
//  - this node is about to stop serving a partition: directory::set_partition with a null handle
//    first (the stand-in holds what comes), then end the partition actor with `user_shutdown`;
//  - a hub or a writer that is restarted goes to set_local_hub and set_local_writer.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "cluster/node_links.hpp"
#include "protocol/cluster.pb.h"

namespace shoal {

namespace pb = wire::cluster;

/// Who leads a partition, as this node knows it; an empty name: nobody that it knows of.
struct partition_view {
  std::uint64_t epoch = 0;
  std::string leader;
};

/// A frame of a link.
struct peer_frame {
  cluster::traffic kind{};
  std::string body;
};

/// What came of a question to another node.
struct remote_answer {
  enum class outcome : std::uint8_t {
    answered, ///< `answer` is set; it may be a refusal
    not_sent, ///< no link, or its window is full: nothing happened
    lost,     ///< the link went down, or time is over: anything may have happened
  };
  std::uint64_t token = 0;
  outcome what = outcome::not_sent;
  std::shared_ptr<const pb::Answer> answer;
};

/// Asks other nodes.
using remote_asker_actor = caf::typed_actor<caf::reacts_to<atom::answer, remote_answer>>;

/// A question, encoded but for its id.
struct remote_question {
  std::shared_ptr<const pb::Call> call;
  remote_asker_actor asker; ///< null: nobody waits
  std::uint64_t token = 0;
};

/// Whatever answers questions: a peer (by asking its node), or this node's call server.
using remote_server_actor = caf::typed_actor<caf::reacts_to<atom::call, remote_question>>;

/// An attach on its way to the leader.
struct remote_attach;

/// Stands for a partition that this node does not lead: the same questions, and those of a reader.
using remote_partition_actor =
    partition_actor::extend_with<reader_actor, remote_asker_actor, remote_server_actor,
        catalog_actor, gateway_writer_actor>::extend<caf::reacts_to<atom::view, partition_view>,
        // From a peer: its node does not serve the partition. The second is the epoch it knows.
        caf::reacts_to<atom::refused, std::string, std::uint64_t>>;

struct remote_attach {
  attach_request request;
  partition_no partition{};
  std::uint64_t epoch = 0;
  remote_partition_actor stand_in;
};

/// Everything between this node and another one.
using peer_actor = remote_server_actor::
    extend_with<feed_sink_actor, feed_source_actor, remote_asker_actor>::extend<
        // From the link.
        caf::reacts_to<atom::frame, peer_frame>, caf::reacts_to<atom::up>,
        caf::reacts_to<atom::down>,
        // From a stand-in.
        caf::reacts_to<atom::attach, feed_sink_actor, remote_attach>,
        // INTERNAL: send what was gathered.
        caf::reacts_to<atom::call>,
        // INTERNAL: try again what found the window full, forget questions whose time is over.
        caf::reacts_to<atom::tick>, caf::replies_to<atom::status>::with<std::string>>;

/// The hub of the whole cluster: what devices and the API take for the hub.
using cluster_hub_actor = hub_actor::extend_with<remote_asker_actor, remote_server_actor>::extend<
    // From a stand-in: its partition has another leader.
    caf::reacts_to<atom::view, partition_no>,
    // INTERNAL: tell who came and went.
    caf::reacts_to<atom::tick>>;

/// Keeps the catalogs of all nodes the same: what the API takes for the catalog writer.
using catalog_share_actor = catalog_actor::extend<
    // From a peer: a control frame, and whose.
    caf::reacts_to<atom::frame, std::string, std::string>,
    // INTERNAL: announce; give up waiting.
    caf::reacts_to<atom::tick>>;

/// Keeps the gateway's definitions of all nodes the same: what the API takes for their writer.
using gateway_share_actor = gateway_writer_actor::extend<
    // From a peer: a control frame, and whose.
    caf::reacts_to<atom::frame, std::string, std::string>,
    // INTERNAL: announce; give up waiting.
    caf::reacts_to<atom::tick>>;

/// Serves the questions of other nodes, and of stand-ins whose partition came home.
using call_server_actor = remote_server_actor::extend_with<append_client_actor>::extend<
    // INTERNAL: give up on streams that do not answer.
    caf::reacts_to<atom::tick>>;

/// Everything that has to do with other nodes, found by name. Safe to use from any thread.
class remote_nodes {
public:
  explicit remote_nodes(std::string self_name) : self{std::move(self_name)} {}

  const std::string self;

  /// Set before the first frame can come, outlives the actors.
  void set_links(cluster::node_links* x) { links_ = x; }
  bool send(const std::string& to, cluster::traffic kind, std::string body) const;

  peer_actor peer(const std::string& name) const;
  std::vector<std::pair<std::string, peer_actor>> peers() const;
  void set_peer(const std::string& name, peer_actor hdl);
  /// Who leads a partition; also for a stand-in that is spawned later.
  void set_view(partition_no no, const partition_view& x);
  partition_view view(partition_no no) const;
  void set_stand_in(partition_no no, remote_partition_actor hdl);
  call_server_actor server() const;
  void set_server(call_server_actor hdl);
  hub_actor local_hub() const; ///< of this node's devices only
  void set_local_hub(hub_actor hdl);
  catalog_actor local_writer() const; ///< of the catalog, while this node leads partition 0
  void set_local_writer(catalog_actor hdl);
  cluster_hub_actor hub() const;
  void set_hub(cluster_hub_actor hdl);
  catalog_share_actor catalog_share() const;
  void set_catalog_share(catalog_share_actor hdl);
  gateway_writer_actor local_gateway_writer() const; ///< used while this node leads partition 0
  void set_local_gateway_writer(gateway_writer_actor hdl);
  gateway_share_actor gateway_share() const;
  void set_gateway_share(gateway_share_actor hdl);

  /// Whether the catalog here was that of the cluster once since the start. Before, it may lack
  /// keys that callers were given while this node was away, or all of them.
  bool knows_catalog() const { return knows_catalog_; }
  void set_knows_catalog() { knows_catalog_ = true; }

  /// The same for the gateway's definitions.
  bool knows_gateway() const { return knows_gateway_; }
  void set_knows_gateway() { knows_gateway_ = true; }

  /// Whether a node can be asked: said by its peer.
  bool ready(const std::string& name) const;
  void set_ready(const std::string& name, bool on);
  /// Whether the link is up: said by the link, for a peer that was spawned later.
  bool linked(const std::string& name) const;

  /// Takes what another node says about its use of limits; called by threads of the links.
  using usage_sink = std::function<void(const std::string& from, std::string body)>;
  void set_usage_sink(usage_sink x);

  /// Takes feeds, calls and control; replication is somebody else's.
  void on_frame(const std::string& from, cluster::traffic kind, std::string body);
  void on_up(const std::string& name);
  void on_down(const std::string& name);

  /// Releases every handle, so that actors can end.
  void clear();

private:
  struct node {
    peer_actor hdl;
    bool linked = false, ready = false;
  };
  struct partition {
    partition_view view;
    remote_partition_actor stand_in;
  };
  mutable std::mutex mutex_;
  std::map<std::string, node> nodes_;
  std::map<partition_no, partition> partitions_;
  call_server_actor server_;
  hub_actor local_hub_;
  catalog_actor local_writer_;
  cluster_hub_actor hub_;
  catalog_share_actor catalog_share_;
  gateway_writer_actor local_gateway_writer_;
  gateway_share_actor gateway_share_;
  usage_sink usage_;
  std::atomic<cluster::node_links*> links_{nullptr};
  std::atomic<bool> knows_catalog_{false}, knows_gateway_{false};
};

} // namespace shoal

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::partition_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::peer_frame)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::remote_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::remote_question)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::remote_attach)

// Behind the block of interfaces.hpp; the numbers only have to differ.
CAF_BEGIN_TYPE_ID_BLOCK(shoal_remote, caf::first_custom_type_id + 400)
CAF_ADD_TYPE_ID(shoal_remote, (shoal::partition_view))
CAF_ADD_TYPE_ID(shoal_remote, (shoal::peer_frame))
CAF_ADD_TYPE_ID(shoal_remote, (shoal::remote_answer))
CAF_ADD_TYPE_ID(shoal_remote, (shoal::remote_question))
CAF_ADD_TYPE_ID(shoal_remote, (shoal::remote_attach))
CAF_END_TYPE_ID_BLOCK(shoal_remote)
