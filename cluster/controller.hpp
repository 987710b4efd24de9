// Who controls the cluster, and what it changes: reports of nodes, what the meta store holds and a
// time point in, swaps to try out. Pure: no actor, no link, no store, no clock.
//
// Every node has one and feeds it; the one that holds the controller record decides about nodes and
// views, the others watch whether it still does. Holding the record is no permission: every change
// is a swap that names what it replaces, so that two controllers at once, or one that wakes up
// after an hour, are harmless.
//
// Guarantees: a node that is cut off from most others neither takes the record nor changes a view,
// and lets the record go; a dead holder is followed at once, a silent one after `takeover`; what a
// dead node led is given to others at the first decision after it was judged dead (liveness.hpp).
//
// Does not: execute (see `carry_out`), hand partitions over (their leaders do), or trust its
// memory: every decision is made from the last complete read, and each read is used once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "cluster/liveness.hpp"
#include "cluster/meta_store.hpp"
#include "cluster/placement.hpp"

namespace shoal::cluster {

/// What a replica says of its partition.
struct partition_report {
  partition_no p{};
  std::uint64_t epoch = 0;
  bool leads = false;      ///< the rest is empty if not, but for `wants_view`
  bool settled = false;    ///< serves, and needs the previous replicas no more
  bool wants_view = false; ///< cannot go on in this epoch
  std::vector<std::string> in_sync;
  std::uint64_t load = 0;
  bool refilling = false; ///< damaged, and not whole again
};

/// What a node tells all others several times per `takeover`.
struct node_report {
  std::string from;
  std::uint64_t incarnation = 0;
  std::vector<std::string> reaches; ///< other nodes to which its link is up
  std::vector<partition_report> partitions;
  std::vector<std::string> refused_by{}; ///< nodes where nobody listens when it dials
  bool disk_fails = false;               ///< what its replicas write does not get there
};

struct controller_options {
  std::string self;
  std::uint64_t incarnation = 0;
  std::uint16_t partitions = 64;
  placement_options placement;
  instant takeover = std::chrono::milliseconds{1500};
  instant beat = std::chrono::milliseconds{500};
  /// A node that is dead for so long holds nothing any more: others get copies.
  instant replace_after = std::chrono::minutes{10};
};

struct controller_change {
  controller_record expected, next;
};
struct node_change {
  std::uint64_t expected_version = 0;
  node_info next;
};
using meta_change = std::variant<view_change, node_change, controller_change>;

class controller {
public:
  explicit controller(controller_options options);

  /// From any node, this one among them.
  void reported(const node_report& report, instant now);

  /// A complete read of the meta store that began after the last decisions were carried out.
  void read(const meta_contents& contents, instant now);

  /// What to try now, the most urgent first. Nothing before the next read.
  std::vector<meta_change> decide(instant now);

  /// Holds the record, as far as it knows.
  bool holds() const;
  bool is_dead(std::string_view node) const { return alive_.is_dead(node); }
  /// All that `node` holds is led by others, and without it a majority has everything, as far as
  /// their last reports say. Then what is on its disk is not needed.
  bool can_spare(const std::string& node) const;
  /// Somebody is about to be called dead: read and decide more often.
  bool is_uneasy() const { return alive_.doubts_anybody(); }

private:
  std::vector<placed_node> placed_nodes(instant now) const;
  std::vector<placed_partition> placed_partitions() const;
  placed_partition placed(partition_no p, const view& current) const;
  bool is_well(const std::string& node, partition_no p) const;
  const partition_report* report_of(const std::string& node, partition_no p) const;
  void restore(std::vector<meta_change>& out) const;
  void mark_nodes(std::vector<meta_change>& out, instant now);
  bool may_take(instant now) const;
  controller_change take() const;

  const controller_options options_;
  liveness alive_;
  meta_contents contents_;
  bool fresh_ = false;
  instant record_since_{}; ///< when this term and beat was first seen
  std::map<std::string, node_report> reports_;
  std::map<std::string, instant> dead_since_;
  std::map<partition_no, view> highest_; ///< ever read
};

/// Tries one change. `done` for a hand-over, which is not the store's business.
meta_result carry_out(meta_store& store, const meta_change& change);

} // namespace shoal::cluster
