// The small consistent store behind the partition table: views and nodes. It is read at the start
// and when something changes, never per request, and may block: call it from a thread that may
// wait.
//
// One node keeps it in its own database (`local_meta_store`). What it guarantees for any number of
// nodes: of two swaps that expect the same epoch, one wins; a view that was read back was written
// whole.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/partition_table.hpp"

namespace shoal::cluster {

struct node_info {
  std::string name;
  std::string address; ///< host:port for other nodes; empty for a node that is alone
  bool operator==(const node_info&) const = default;
};

enum class meta_result : std::uint8_t {
  done,
  missing,
  conflict, ///< somebody else was faster, or the new epoch is not greater: read again
  failed,   ///< not reachable or damaged; whether a swap happened is unknown
};

class meta_store {
public:
  virtual ~meta_store() = default;

  virtual meta_result get_view(partition_no p, view& out) = 0;

  /// Replaces the view whose epoch is `expected_epoch` (0: none exists) by `next`, whose epoch must
  /// be greater.
  virtual meta_result swap_view(partition_no p, std::uint64_t expected_epoch, const view& next) = 0;

  virtual meta_result list_nodes(std::vector<node_info>& out) = 0;

  /// Adds a node, or replaces what is known of the one with this name.
  virtual meta_result put_node(const node_info& node) = 0;
};

enum class load_result : std::uint8_t { found, missing, failed };

/// Where a local meta store keeps its values. `save` returns when the value survives a power
/// failure, false if not.
struct meta_hooks {
  std::function<load_result(std::string_view name, std::string& value)> load;
  std::function<bool(std::string_view name, std::string_view value)> save;
};

/// For a cluster of one node. Safe to use from several threads.
std::unique_ptr<meta_store> make_local_meta_store(meta_hooks hooks);

/// Fills the table for a node that is alone: it leads every partition. Reads the views, creates
/// those that are missing. `conflict` if the store says that another node leads one of them.
meta_result adopt_all(meta_store& store, const std::string& node, partition_table& out);

} // namespace shoal::cluster
