// The catalog share: keeps the snapshot of the catalog the same on all nodes, and has changes made
// where they can be made. The API takes it for the catalog writer.
//
// Spawned by: the node, after its catalog writer.  Monitors: nobody.  Dies: on a bug only; a new
// one reads what it lacks.
//
// Rows of the catalog are written by the writer of the node that leads partition 0, through that
// partition. The leader's share tells every node the version of its snapshot (a hash of all rows)
// each second, and at once after a change. A node with another version reads the rows from the
// leader, in pages, swaps its snapshot and says so. A change is answered when all nodes that are
// connected have it, or after `limits.catalog_patience`. A node that becomes leader of partition 0
// first reads the rows it has now; changes wait for that.
#pragma once

#include <deque>
#include <set>

#include "actors/remote/remote.hpp"
#include "actors/services.hpp"

namespace shoal {

class actor_registry;

/// The same for every order of the rows; 0 for an empty catalog.
std::uint64_t catalog_version(const catalog& x);

struct catalog_share_state {
  static inline const char* name = "catalog-share";
  using time_point = caf::actor_clock::time_point;
  using promise = caf::typed_response_promise<change_result>;

  /// A change that is made, and that others have to hear of before its asker.
  struct spreading {
    promise reply;
    change_result result;
    std::uint64_t version = 0;
    std::set<std::string> missing;
    time_point deadline;
  };

  explicit catalog_share_state(catalog_share_actor::pointer ptr) : self{ptr} {}

  caf::result<change_result> change(const catalog_change& x);
  void make(const catalog_change& x, promise reply);
  void forward(const catalog_change& x, promise reply);
  void made(const change_result& x, promise reply);
  void frame(const std::string& from, const std::string& body);
  void heard(const std::string& from, const pb::CatalogVersion& x);
  void has(const std::string& from, const pb::CatalogVersion& x);
  void announce();
  void say_have(const std::string& to);
  void fetch(std::string from_key);
  void fetched(const storage::write_batch& rows);
  void publish();
  void settle(time_point now);
  void tick();
  std::uint64_t version();

  catalog_share_actor::pointer self;
  services_ptr sv;
  std::uint64_t led_since = 0; ///< epoch of partition 0 for which this node's rows are read
  std::uint64_t heard_epoch = 0;
  std::string announcer;
  std::deque<std::pair<catalog_change, promise>> waiting; ///< for our rows to be read
  std::deque<spreading> spread;
  catalog_ptr hashed; ///< `hash` is of this one
  std::uint64_t hash = 0;
  bool fetching = false;
  std::uint64_t fetch_epoch = 0; ///< not 0: of our own rows
  std::unique_ptr<storage::database> rows_read;
};

catalog_share_actor::behavior_type catalog_share(
    catalog_share_actor::stateful_pointer<catalog_share_state> self, services_ptr services);

/// Spawns it in front of this node's own writer, and makes it known in its place. That is what
/// `remote_nodes::local_writer` names, or else what the directory knows until then.
catalog_share_actor spawn_catalog_share(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors = nullptr);

} // namespace shoal
