// The gateway share: keeps the gateway's definitions the same on all nodes, change by change, and
// has changes made where they can be made (share.hpp). The API takes it for the writer.
//
// Spawned by: the node, after its gateway writer.  Monitors: nobody.  Dies: on a bug only; a new
// one reads what it lacks.
//
//   leader of partition 0                              every other node
//   change ──> writer ──> rows of revision r
//   publish, then ──GatewayVersion{epoch, r}──────────> mine is r-1: read the records of changes
//                 <────────ReadRows [r, …)──────────── from r on, apply them to the snapshot
//                 ─────────one change's rows──────────> publish
//   answer the asker <──GatewayVersion{r} (have)──────
//
// Words of instances (change::beats) go into this node's directory and to all others at once; a
// node that comes is told everything that was heard lately. Nobody answers them.
//
// A change costs each node what it carries, however many definitions there are. A node that was
// away for more than the kept changes reads all definitions, in pages. The leader also says its
// revision each second. A change is answered when all nodes that are connected have it, or after
// `limits.catalog_patience`. A node that becomes leader first reads what its own rows have beyond
// its snapshot; changes wait for that.
#pragma once

#include <optional>
#include <set>

#include "actors/gateway/registry.hpp"
#include "actors/remote/share.hpp"

namespace shoal {

class actor_registry;

struct gateway_share_state : share_state<gateway_share_state, gateway_share_actor,
                                 gateway_writer_actor, gateway_change_ptr, gateway_outcome_ptr> {
  static inline const char* name = "gateway-share";
  static constexpr const char* noun = "the gateway";

  /// Reading what this snapshot lacks: the head, then either changes or everything.
  struct reading {
    std::uint64_t epoch = 0; ///< of partition 0, if it is led here; 0: from its leader
    storage::gateway_head head;
    std::optional<gateway::registry> building; ///< everything is read, not only changes
  };

  using share_state::share_state;

  gateway_writer_actor writer() const { return sv->remote->local_gateway_writer(); }
  static gateway_outcome_ptr failed(ec code, const char* text);
  static bool spreads(const gateway_change_ptr&) { return true; }
  static bool is_done(const gateway_outcome_ptr& x);
  static std::uint64_t version_of(const gateway_outcome_ptr& x);
  pb::Control announcement() const;
  void hear(const std::string& from, const pb::Control& x);
  void set_known() const { sv->remote->set_knows_gateway(); }
  void read();

  caf::result<gateway_outcome_ptr> change(const gateway_change_ptr& x);
  gateway_outcome_ptr hear_beats(const gateway::change& x);
  void spread_beats(const std::string& to, const std::vector<gateway::service_beat>& what);
  void take_beats(const pb::ServiceBeats& x) const;
  void tell_newcomers();
  void heard(const std::string& from, const pb::GatewayVersion& x);
  void say_have(const std::string& to);
  void tick();
  std::uint64_t revision() const;

  void read_head();
  void read_changes();
  void read_all(std::string from_key);
  void take_head(const storage::write_batch& rows);
  void take_changes(const storage::write_batch& rows);
  void take_all(const storage::write_batch& rows);
  void done_reading();
  void ask_rows(std::string from, std::string to, std::uint32_t limit,
      void (gateway_share_state::*then)(const storage::write_batch&));

  std::uint64_t heard_revision = 0;
  std::set<std::string> told; ///< nodes that know our directory
  std::optional<reading> now_reading;
};

/// Spawns it in front of this node's own writer, and makes it known in its place. That is what
/// `remote_nodes::local_gateway_writer` names, or else what the directory knows until then.
gateway_share_actor spawn_gateway_share(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors = nullptr);

} // namespace shoal
