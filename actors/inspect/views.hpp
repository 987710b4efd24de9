// What the inspector answers: one function per path of /inspect, each returning JSON
// (tools/inspector/README.md lists fields). They run on the inspector's own thread and may wait,
// but not for long: everything here has a bound.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/api/query.hpp"
#include "actors/api/refusal.hpp"
#include "actors/inspect/sampler.hpp"
#include "actors/inspect/standing.hpp"
#include "actors/registry/registry.hpp"
#include "actors/services.hpp"
#include "cluster/node_links.hpp"

namespace shoal::inspect {

using json = nlohmann::ordered_json;

/// What the node tells the inspector about itself; functions are called on the inspector's thread.
struct node_sources {
  std::string name;
  std::uint16_t port = 0, admin_port = 0;
  std::function<bool()> ready;
  std::function<std::string()> metrics; ///< Prometheus text
  std::function<hub_actor()> hub;       ///< of this node's devices only
  /// Name of who leads a partition, and the view's epoch; empty: this node leads all.
  std::function<std::pair<std::string, std::uint64_t>(partition_no)> leader;
  std::function<std::vector<cluster::link_status>()> links; ///< empty: a node alone
  std::function<cluster_standing()> standing;               ///< empty: a node alone
  std::function<std::string()> config;                      ///< TOML without secrets
};

struct context {
  services_ptr sv;
  actor_registry& actors;
  caf::actor_system& system;
  node_sources node;
  sampler samples;
  std::int64_t started_ms = 0; ///< by the steady clock
  caf::actor_id self = 0;      ///< the inspector cannot answer its own probes

  std::pair<std::string, std::uint64_t> leader_of(partition_no no) const {
    return node.leader ? node.leader(no) : std::pair{node.name, sv->view_epoch};
  }

  /// Asks an actor and waits for its answer, a second at most; throws `refusal` without one.
  template <class Answer, class Handle, class... Ts>
  Answer ask(const Handle& whom, Ts&&... message) {
    if (!whom)
      throw api::refusal{ec::going_away, "the actor to ask does not live"};
    caf::scoped_actor asker{system};
    Answer out;
    auto failed = false;
    asker->request(whom, std::chrono::seconds{1}, std::forward<Ts>(message)...)
        .receive([&](Answer& x) { out = std::move(x); }, [&](caf::error&) { failed = true; });
    if (failed)
      throw api::refusal{ec::overloaded, "the actor to ask did not answer within a second"};
    return out;
  }
};

json actor_list(context& c, std::string_view query);
json one_actor(context& c, caf::actor_id id);
json why_waiting(context& c, caf::actor_id id);
json supervision_tree(context& c, std::string_view query);
json one_stream(context& c, std::string_view app, std::string_view who);
json stored_cursors_of(
    context& c, std::string_view app, std::string_view who, std::string_view query);
json one_device(context& c, std::string_view app, std::string_view device);
json partitions(context& c);
json nodes(context& c);
json dead(context& c);
json stuck(context& c, std::string_view query);
json scheduler(context& c);
json trace(context& c, std::string_view query);
json snapshot(context& c);
json bundle(context& c);

/// The actor of this kind and label, if it lives here.
std::optional<actor_row> labelled(context& c, std::string_view kind, const std::string& label);
/// What a path names; throws `refusal` if there is no such thing.
app_ptr app_named(context& c, std::string_view name);
principal principal_named(std::string_view text);

/// One actor as an object; the fields of a list's row.
json row_json(const actor_row& x, const actor_registry& in);

} // namespace shoal::inspect
