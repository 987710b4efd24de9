// The steward: keeps this node and the cluster's meta store in agreement. It reads the views and
// tells everybody here, says what this node and its replicas need, and, while its node is the
// controller, decides for all (the rules are cluster/controller.hpp and cluster/placement.hpp).
//
// Spawned by: the node's cluster part, detached, because the meta store may make it wait.  Dies:
// with the node only.  While the meta store is away nothing changes hands; what is owned goes on.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/replication/replicator.hpp"
#include "actors/services.hpp"
#include "cluster/config.hpp"
#include "cluster/controller.hpp"
#include "cluster/meta_store.hpp"
#include "cluster/node_links.hpp"
#include "protocol/replication.pb.h"

namespace shoal {

/// What a replica of this node asks for.
struct replica_need {
  enum class kind : std::uint8_t {
    read_view,   ///< somebody knows a newer view; or it is damaged, and asks for a fresh one
    wants_view,  ///< of `epoch` at least
    settled,     ///< the view of `epoch` took over: its previous replicas are not needed
    handed_over, ///< the node `text` has everything: make it the leader
  };
  partition_no partition{};
  kind what{};
  std::uint64_t epoch = 0;
  std::string text;
};

/// What a steward knows of the cluster, for operators.
struct cluster_picture {
  cluster::meta_contents meta;
  std::vector<cluster::link_status> links;
  std::string self;
  bool controls = false;
  std::int64_t read_ago_ms = 0; ///< since the meta store was last read
  std::string problem;          ///< why it cannot be read; empty: it can
};

using steward_actor = membership_actor::extend<
    // From the replicas.
    caf::reacts_to<atom::report, replica_need>,
    // From the steward of another node: a report, as bytes (protocol/replication.proto).
    caf::reacts_to<atom::frame, replication_frame>,
    caf::replies_to<atom::status>::with<std::shared_ptr<const cluster_picture>>,
    // The node is about to stop: hand over what it leads.
    caf::reacts_to<atom::stop>,
    // From the meta store's watch: something may have changed.
    caf::reacts_to<atom::call>,
    // A link went down: so many reports are to follow each other quickly, until it is clear
    // whether anybody listens there.
    caf::reacts_to<atom::lost, int>,
    // INTERNAL: look again.
    caf::reacts_to<atom::tick>>;

struct steward_options {
  services_ptr services;
  cluster::config config;
  std::uint64_t incarnation = 0;
  std::uint64_t disk = 0;              ///< id of the store of this node
  std::string lost;                    ///< storage::lost_records of it
  cluster::meta_store* meta = nullptr; ///< outlives it
  std::function<std::vector<cluster::link_status>()> links;
  std::function<void(const std::string& to, std::string bytes)> send;
  replicator_actor replicator;
  std::function<void(const std::vector<replica_view>&)> views_changed;
  std::function<void()> meta_answered; ///< the meta store was read just now
  std::function<void()> give_up;       ///< this node must not take part any more
  /// What the meta store says that this node is to be; after each look.
  std::function<void(cluster::node_state)> state;
  /// What the replicas here say of themselves, before the others are told.
  std::function<void(const std::vector<replica_report>&)> looked;
  /// What this node told the others of itself.
  std::function<void(const replication::Report&)> reported;
};

struct steward_state {
  static inline const char* name = "steward";

  struct measured_load {
    cluster::instant at{};
    std::uint64_t committed = 0;
    double per_second = 0;
  };

  explicit steward_state(steward_actor::pointer ptr) : self{ptr} {}

  void start(steward_options x);
  void tick();
  void tell_soon();
  void look();
  void look_again();
  void take_views();
  bool join();
  void enlist();
  void be_enlisted();
  void tell_state() const;
  void judge_disk(const cluster::node_info& known);
  void judge_loss();
  void forget_loss();
  void leave();
  void take_report(const replication_frame& x);
  void tell_others(const std::vector<replica_report>& replicas);
  std::uint64_t load_of(partition_no no, std::uint64_t committed);
  void add_held(const replica_report& x, replication::Report& out);
  void need(const replica_need& x);
  void swap(partition_no no, const cluster::view& next, const std::string& why);
  void decide();
  void hand_over(const cluster::view_change& x);
  node_list nodes() const;
  node_list change_node(const std::string& node, const std::string& state);
  void keep_operator_key();
  std::shared_ptr<const cluster_picture> picture() const;

  steward_actor::pointer self;
  steward_options opt;
  /// A look was asked for and has not begun: many hints at once are one.
  std::shared_ptr<std::atomic<bool>> asked_to_look = std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<cluster::meta_watch> watch;
  cluster::meta_contents meta;
  cluster::instant read_at{}; ///< when `meta` was read
  std::string problem;
  bool joined = false; ///< the cluster is ours, and we know the epoch of its history
  bool leaving = false;
  bool enlisted = false; ///< our record says that this start of the process is here
  bool disk_judged = false, judging = false;
  cluster::instant complained{}; ///< that this node waits with a store that lost records
  bool looking_soon = false;
  cluster::instant disk_failed{};                  ///< when a replica last rested because of it
  std::map<partition_no, std::uint64_t> published; ///< epoch that everybody here knows
  replication::Report own;                         ///< what we said last
  std::optional<cluster::controller> brain;        ///< decides, if this node controls
  std::map<partition_no, std::uint64_t> settled;   ///< epoch of views without need of previous ones
  std::map<partition_no, measured_load> loads;
  std::map<partition_no, std::uint64_t> wishes; ///< epochs that views are needed of
  std::vector<replica_need> quarantined;
  std::map<std::string, std::vector<replication::Order>> orders;
  std::string key_written;
};

/// For `atom::lost`.
inline constexpr int hurried_reports = 6;

steward_actor::behavior_type steward(
    steward_actor::stateful_pointer<steward_state> self, steward_options options);

} // namespace shoal

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::replica_need)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<const shoal::cluster_picture>)

CAF_BEGIN_TYPE_ID_BLOCK(shoal_steward, caf::first_custom_type_id + 220)
CAF_ADD_TYPE_ID(shoal_steward, (shoal::replica_need))
CAF_ADD_TYPE_ID(shoal_steward, (std::shared_ptr<const shoal::cluster_picture>))
CAF_END_TYPE_ID_BLOCK(shoal_steward)
