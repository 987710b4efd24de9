// The catalog share: keeps the snapshot of the catalog the same on all nodes, and has changes made
// where they can be made (share.hpp). The API takes it for the catalog writer.
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

#include "actors/remote/share.hpp"

namespace shoal {

class actor_registry;

/// The same for every order of the rows; 0 for an empty catalog.
std::uint64_t catalog_version(const catalog& x);

struct catalog_share_state : share_state<catalog_share_state, catalog_share_actor, catalog_actor,
                                 catalog_change, change_result> {
  static inline const char* name = "catalog-share";
  static constexpr const char* noun = "the catalog";

  using share_state::share_state;

  catalog_actor writer() const { return sv->remote->local_writer(); }
  static change_result failed(ec code, const char* text) { return {code, text, {}, {}, {}}; }
  static bool spreads(const catalog_change& x) { return x.what != catalog_change::kind::remark; }
  static bool is_done(const change_result& x) { return x.code == ec::none; }
  std::uint64_t version_of(const change_result&) { return version(); }
  pb::Control announcement();
  void hear(const std::string& from, const pb::Control& x);
  void set_known() const { sv->remote->set_knows_catalog(); }
  void read();

  void heard(const std::string& from, const pb::CatalogVersion& x);
  void say_have(const std::string& to);
  void fetch(std::string from_key);
  void fetched(const storage::write_batch& rows);
  void publish();
  std::uint64_t version();

  catalog_ptr hashed; ///< `hash` is of this one
  std::uint64_t hash = 0;
  bool fetching = false;
  std::uint64_t fetch_epoch = 0; ///< not 0: of our own rows
  std::unique_ptr<storage::database> rows_read;
};

/// Spawns it in front of this node's own writer, and makes it known in its place. That is what
/// `remote_nodes::local_writer` names, or else what the directory knows until then.
catalog_share_actor spawn_catalog_share(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors = nullptr);

} // namespace shoal
