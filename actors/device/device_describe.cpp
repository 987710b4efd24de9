// What a device says about itself to actor-inspector. Called in its own thread.
#include <nlohmann/json.hpp>

#include "actors/device/device.hpp"

namespace shoal {

std::string device_state::describe() const {
  using json = nlohmann::ordered_json;
  auto list = json::array();
  for (auto& x : feeds) {
    auto& f = x.rules;
    list.push_back({{"biz", f.biz()->name}, {"stream", to_string(f.stream().who)},
        {"live", f.live()}, {"pulling", f.pulling()}, {"epoch", f.epoch()}, {"told", f.told()},
        {"acked", f.acked()}, {"latest", f.latest()},
        {"behind", f.latest() - std::min(f.acked(), f.latest())},
        {"source", x.source ? x.source.id() : 0}, {"source_deaths", x.source_deaths}});
  }
  return json{{"device", info ? info->device : ""}, {"user", info ? info->user : ""},
      {"verified", info && info->user_verified}, {"peer", wire->peer()},
      {"window", {{"ops", credit.ops()}, {"bytes", credit.bytes()}, {"open", credit.open()}}},
      {"verifying", verifying ? verifying->user : ""},
      {"frames_held", verifying ? verifying->held.size() : 0}, {"closing", closing},
      {"feeds", std::move(list)}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::size_t device_state::memory() const {
  auto out = feeds.capacity() * sizeof(subscription);
  if (verifying) {
    out += sizeof(*verifying) + verifying->held.capacity() * sizeof(device_frame);
    for (auto& x : verifying->held)
      out += x.body.capacity();
  }
  return out + (info ? sizeof(*info) : 0);
}

} // namespace shoal
