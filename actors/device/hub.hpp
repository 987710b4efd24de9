// The hub: who is online on this node. The newest connection of a device id wins; the older one is
// told so.
//
// Spawned by: the node.  Monitors: every registered device.  Dies: on a bug only; a new hub starts
// empty, and devices that were online before are missing in its lists until they connect again,
// while their delivery goes on.
#pragma once

#include <map>
#include <unordered_map>

#include "actors/services.hpp"

namespace shoal {

struct hub_state {
  static inline const char* name = "hub";

  struct entry {
    device_actor hdl;
    device_info_ptr info;
  };

  explicit hub_state(hub_actor::pointer ptr) : self{ptr} {}

  void online(const device_actor& hdl, const device_info_ptr& info);
  void down(const caf::actor_addr& source);
  online_report list(const online_query& q) const;
  const entry* find(app_no app, const std::string& device) const;
  void forget_user(const device_info& info);
  std::string describe() const; ///< JSON

  hub_actor::pointer self;
  services_ptr sv;
  std::map<app_no, std::map<std::string, entry>> apps; ///< by device id, in order, for pages
  std::map<app_no, std::map<std::string, std::vector<std::string>>> users; ///< user -> device ids
  std::unordered_map<caf::actor_addr, std::pair<app_no, std::string>> addresses;
};

hub_actor::behavior_type hub(hub_actor::stateful_pointer<hub_state> self, services_ptr services);

} // namespace shoal
