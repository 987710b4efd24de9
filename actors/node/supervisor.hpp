// The root supervisor: replaces what dies, within a budget; over it, the node is no longer ready
// and its process ends.
//
// Spawned by: the node, first.  Monitors: every long-lived actor that `watch` was told about.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include <caf/all.hpp>

#include "actors/restart_budget.hpp"
#include "actors/services.hpp"

namespace shoal {

/// How to replace one actor: spawns it, publishes it in the directory, returns its handle.
struct child_role {
  std::string name;
  std::function<caf::actor()> spawn;
};
using child_role_ptr = std::shared_ptr<const child_role>;

using supervisor_actor = caf::typed_actor<
    // Spawns and watches; answered when the child exists.
    caf::replies_to<atom::online, child_role_ptr>::with<bool>,
    // Watches somebody who was spawned elsewhere; told by its death only.
    caf::reacts_to<atom::online, caf::actor, child_role_ptr>>;

struct supervisor_state {
  static inline const char* name = "node";

  explicit supervisor_state(supervisor_actor::pointer ptr) : self{ptr} {}

  void start(const child_role_ptr& role);
  void watch(const caf::actor& hdl, const child_role_ptr& role);
  bool restarted(const child_role_ptr& role);
  void down(const caf::down_msg& dm);
  std::string describe() const; ///< JSON

  supervisor_actor::pointer self;
  services_ptr sv;
  std::function<void()> give_up;
  restart_budget budget{20, std::chrono::seconds{60}};
  std::unordered_map<caf::actor_addr, child_role_ptr> children;
};

supervisor_actor::behavior_type supervisor(
    supervisor_actor::stateful_pointer<supervisor_state> self, services_ptr services,
    std::function<void()> give_up);

} // namespace shoal

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(shoal::child_role_ptr)
