#include "actors/device/hub.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/log.hpp"

namespace shoal {

namespace {

const kick_order newer_took_over{ec::replaced, "a newer connection of this device took over"};

} // namespace

void hub_state::online(const device_actor& hdl, const device_info_ptr& info) {
  auto& x = apps[info->app][info->device];
  if (x.hdl && x.hdl != hdl) {
    ++sv->count->replaced_devices;
    if (x.info->session > info->session) // what an older connection says comes late
      return self->send(hdl, atom::kick::value, newer_took_over);
    self->demonitor(x.hdl.address());
    addresses.erase(x.hdl.address());
    self->send(x.hdl, atom::kick::value, newer_took_over);
    --sv->count->devices;
  }
  if (x.info)
    forget_user(*x.info);
  if (x.hdl != hdl) {
    self->monitor(hdl);
    addresses[hdl.address()] = {info->app, info->device};
    ++sv->count->devices;
  }
  x = {hdl, info};
  if (!info->user.empty())
    users[info->app][info->user].push_back(info->device);
  log::debug("device online", {{"device", info->device}, {"user", info->user},
                                  {"session", info->session}, {"peer", info->peer}});
}

void hub_state::forget_user(const device_info& info) {
  if (info.user.empty())
    return;
  auto& of_app = users[info.app];
  auto i = of_app.find(info.user);
  if (i == of_app.end())
    return;
  std::erase(i->second, info.device);
  if (i->second.empty())
    of_app.erase(i);
}

void hub_state::down(const caf::actor_addr& source) {
  auto i = addresses.find(source);
  if (i == addresses.end())
    return;
  auto& of_app = apps[i->second.first];
  auto x = of_app.find(i->second.second);
  forget_user(*x->second.info);
  of_app.erase(x);
  addresses.erase(i);
  --sv->count->devices;
}

const hub_state::entry* hub_state::find(app_no app, const std::string& device) const {
  auto of_app = apps.find(app);
  if (of_app == apps.end())
    return nullptr;
  auto i = of_app->second.find(device);
  return i == of_app->second.end() ? nullptr : &i->second;
}

online_report hub_state::list(const online_query& q) const {
  online_report out;
  auto of_app = apps.find(q.app);
  if (of_app == apps.end())
    return out;
  out.total = of_app->second.size();
  if (!q.device.empty()) {
    if (auto* x = find(q.app, q.device))
      out.devices.push_back(x->info);
    return out;
  }
  if (!q.user.empty()) {
    auto of_user = users.find(q.app);
    if (of_user == users.end())
      return out;
    if (auto i = of_user->second.find(q.user); i != of_user->second.end())
      for (auto& device : i->second)
        if (auto* x = find(q.app, device))
          out.devices.push_back(x->info);
    return out;
  }
  for (auto i = of_app->second.upper_bound(q.after); i != of_app->second.end(); ++i) {
    if (out.devices.size() >= q.limit) {
      out.more = true;
      break;
    }
    out.devices.push_back(i->second.info);
  }
  return out;
}

std::string hub_state::describe() const {
  auto out = nlohmann::json::object();
  for (auto& [app, devices] : apps)
    out[to_string(app)] = devices.size();
  return nlohmann::json{{"online", out}}.dump();
}

hub_actor::behavior_type hub(hub_actor::stateful_pointer<hub_state> self, services_ptr services) {
  self->state.sv = std::move(services);
  self->set_down_handler([self](const caf::down_msg& dm) { self->state.down(dm.source); });
  return {
      [self](atom::online, const device_actor& hdl, const device_info_ptr& info) {
        self->state.online(hdl, info);
      },
      [self](atom::online, const online_query& q) { return self->state.list(q); },
      [self](atom::status, app_no app, const std::string& device) -> caf::result<device_status> {
        auto* x = self->state.find(app, device);
        if (x == nullptr)
          return device_status{};
        return self->delegate(x->hdl, atom::status::value);
      },
      [self](atom::kick, app_no app, const std::string& device) {
        auto* x = self->state.find(app, device);
        if (x != nullptr)
          self->send(x->hdl, atom::kick::value, kick_order{ec::kicked, "closed by an operator"});
        return x != nullptr;
      },
      [self](atom::status) { return self->state.describe(); },
  };
}

} // namespace shoal
