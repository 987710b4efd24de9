#include "actors/node/supervisor.hpp"

#include <nlohmann/json.hpp>

#include "actors/log.hpp"

namespace shoal {

void supervisor_state::start(const child_role_ptr& role) {
  if (auto hdl = role->spawn())
    watch(hdl, role);
}

void supervisor_state::watch(const caf::actor& hdl, const child_role_ptr& role) {
  self->monitor(hdl);
  children[hdl.address()] = role;
}

/// False if there can be no successor, damaged rows for instance; nobody else would notice.
bool supervisor_state::restarted(const child_role_ptr& role) {
  try {
    start(role);
    return true;
  } catch (const std::exception& e) {
    log::error("actor cannot be replaced, giving up", {{"role", role->name}, {"why", e.what()}});
    return false;
  }
}

void supervisor_state::down(const caf::down_msg& dm) {
  auto i = children.find(dm.source);
  if (i == children.end())
    return;
  auto role = i->second;
  children.erase(i);
  if (dm.reason == caf::exit_reason::user_shutdown)
    return;
  ++sv->count->restarts;
  log::error("actor died",
      {{"role", role->name}, {"died_id", dm.source.id()}, {"why", to_string(dm.reason)}});
  if (!budget.allow(sv->steady_ms()))
    log::error("too many actors died, giving up", {{"role", role->name}});
  else if (restarted(role))
    return;
  give_up();
}

std::string supervisor_state::describe() const {
  return nlohmann::json{{"children", children.size()},
      {"budget", {{"used", budget.used(sv->steady_ms())}, {"max", budget.max()}}}}
      .dump();
}

supervisor_actor::behavior_type supervisor(
    supervisor_actor::stateful_pointer<supervisor_state> self, services_ptr services,
    std::function<void()> give_up) {
  self->state.sv = std::move(services);
  self->state.give_up = std::move(give_up);
  self->set_down_handler([self](const caf::down_msg& dm) { self->state.down(dm); });
  return {
      [self](atom::online, const child_role_ptr& role) {
        self->state.start(role);
        return true;
      },
      [self](atom::online, const caf::actor& hdl, const child_role_ptr& role) {
        self->state.watch(hdl, role);
      },
  };
}

} // namespace shoal
