// The small consistent store behind the partition table: views, nodes, who controls, and what
// cluster this is. It is read at the start and when something may have changed, never per request,
// and may block: call it from a thread that may wait.
//
// One node keeps it in its own database (`make_local_meta_store`), several keep it in etcd
// (`make_etcd_meta_store`, etcd_meta_store.hpp). Safe to use from several threads.
//
// What it guarantees: every record carries its own counter, which only grows; of two swaps that
// expect the same counter, one wins; what was read back was written whole. It trusts compare-and-
// swap only, neither leases nor watches nor the order of the store's revisions. What it does not:
// decide (controller.hpp), or tell whether a `failed` swap happened. Keys and values: README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/key_value.hpp"
#include "cluster/partition_table.hpp"

namespace shoal::cluster {

enum class node_state : std::uint8_t {
  up,
  draining, ///< keeps nothing that others can hold
  removed,  ///< will not come back: what it held is copied elsewhere
};

const char* to_string(node_state x);

struct node_info {
  std::string name;
  std::string address; ///< host:port for devices and the server API
  std::string link;    ///< host:port for other nodes; empty for a node that is alone
  std::string admin;
  std::uint64_t incarnation = 0; ///< random, of the last start of the process
  node_state state = node_state::up;
  /// Most others could not reach it, says the controller. The node says that it is back by a swap
  /// with a new incarnation, the controller when it is reachable again.
  bool down = false;
  std::uint64_t version = 0; ///< of this record; 0 = there was none yet
  /// Id of the store in its data folder. A node that comes with another one has lost what it
  /// promised. 0 = not known.
  std::uint64_t disk = 0;
  bool operator==(const node_info&) const = default;
};

/// Whether `disk` came in the place of the one that is known under the node's name.
inline bool is_replaced(const node_info& known, std::uint64_t disk) {
  return known.disk != 0 && known.disk != disk;
}

/// Who controls. Holding it allows nothing: it only keeps nodes from doing the same work twice.
struct controller_record {
  std::uint64_t term = 0; ///< grows with every new holder; 0 = there was none yet
  std::uint64_t beat = 0; ///< grows while the holder is alive
  std::string node;
  std::uint64_t incarnation = 0;
  /// Somebody who saw the same term and beat for longer than this, by its own clock, may take it.
  std::uint32_t ttl_ms = 0;
  bool operator==(const controller_record&) const = default;
};

/// Written once, by the first node of a cluster.
struct cluster_identity {
  std::string name;
  std::uint16_t partitions = 0;
  std::string id; ///< random: tells two clusters of the same name apart
  bool operator==(const cluster_identity&) const = default;
};

/// Everything, as read by a few calls one after another.
struct meta_contents {
  controller_record controller;
  std::vector<node_info> nodes; ///< sorted by name
  std::map<partition_no, view> views;
  bool operator==(const meta_contents&) const = default;
};

class meta_store {
public:
  explicit meta_store(std::unique_ptr<key_value> values) : values_{std::move(values)} {}

  meta_result get_view(partition_no p, view& out);

  /// All views there are. `failed` if one of them cannot be read: it is there, so nobody may take
  /// it for missing.
  meta_result list_views(std::map<partition_no, view>& out);

  /// Replaces the view whose epoch is `expected_epoch` (0: none exists) by `next`, whose epoch must
  /// be greater. Views that view_rules.hpp calls malformed are a `conflict`, always.
  meta_result swap_view(partition_no p, std::uint64_t expected_epoch, const view& next);

  meta_result get_node(std::string_view name, node_info& out);
  meta_result list_nodes(std::vector<node_info>& out);

  /// Replaces the record of this name whose version is `expected_version` (0: none exists) by
  /// `next`, whose version must be greater.
  meta_result swap_node(std::uint64_t expected_version, const node_info& next);

  meta_result get_controller(controller_record& out);

  /// Replaces exactly `expected` (term 0: none exists) by `next`, whose (term, beat) must be
  /// greater.
  meta_result swap_controller(const controller_record& expected, const controller_record& next);

  meta_result get_identity(cluster_identity& out);

  /// Creates the identity unless there is one; `found` is what the cluster has. `conflict` if that
  /// has another name or number of partitions than `wanted`: this node must not take part.
  meta_result join(const cluster_identity& wanted, cluster_identity& found);

  /// If the store counts its changes, and nothing but the controller's record changed since the
  /// last read, this is one small call.
  meta_result read_all(meta_contents& out);

  /// See key_value.hpp. A hint means: read again. Read again every few seconds without one, too.
  std::unique_ptr<meta_watch> watch(std::function<void()> hint);

  key_value& values() { return *values_; }

  /// See key_value.hpp.
  void interrupt() { values_->interrupt(); }

  /// Why the last call that failed did, for people.
  std::string problem() const { return values_->problem(); }

private:
  template <class T>
  meta_result load(std::string_view name, T& out, std::optional<stored_value>& raw);
  template <class T>
  meta_result load(std::string_view name, T& out);

  /// What the last complete read found, and what it may still stand for.
  struct last_read {
    meta_contents contents;
    std::int64_t revision = 0; ///< of the store before it began; 0 = of no use
    int uses = 0;
  };
  bool still_true(const controller_record& now, std::int64_t changed, std::int64_t store_revision);

  std::unique_ptr<key_value> values_;
  std::mutex mutex_; ///< for `last_`
  last_read last_;
};

enum class load_result : std::uint8_t { found, missing, failed };

/// Where a local meta store keeps its values. `save` returns when the value survives a power
/// failure, false if not; `list` appends all whose names begin with `prefix`, false if it cannot.
struct meta_hooks {
  std::function<load_result(std::string_view name, std::string& value)> load;
  std::function<bool(std::string_view name, std::string_view value)> save;
  std::function<bool(
      std::string_view prefix, std::vector<std::pair<std::string, std::string>>& out)>
      list;
};

/// For a cluster of one node.
std::unique_ptr<meta_store> make_local_meta_store(meta_hooks hooks);

/// Hooks that keep everything in memory, for nodes that keep nothing and for tests.
meta_hooks memory_meta_hooks();

} // namespace shoal::cluster
