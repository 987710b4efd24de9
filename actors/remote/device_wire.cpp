// Devices that are online, on the wire between nodes. The declarations are in wire_codec.hpp.
#include <algorithm>

#include "actors/remote/wire_codec.hpp"

namespace shoal {

namespace {

constexpr std::uint32_t max_list = 10'000;

} // namespace

void put(pb::DeviceInfo& to, const device_info& x) {
  to.set_device(x.device);
  to.set_user(x.user);
  to.set_user_verified(x.user_verified);
  to.set_os(x.os);
  to.set_app_version(x.app_version);
  to.set_region(x.region);
  to.set_model(x.model);
  to.set_network(x.network);
  to.set_sdk(x.sdk);
  to.set_peer(x.peer);
  for (auto& [name, value] : x.tags)
    (*to.mutable_tags())[name] = value;
  to.set_connected_ms(x.connected_ms);
  to.set_session(x.session);
}

device_info_ptr take(const pb::DeviceInfo& from, app_no app) {
  auto out = std::make_shared<device_info>();
  out->app = app;
  out->device = from.device();
  out->user = from.user();
  out->user_verified = from.user_verified();
  out->os = from.os();
  out->app_version = from.app_version();
  out->region = from.region();
  out->model = from.model();
  out->network = from.network();
  out->sdk = from.sdk();
  out->peer = from.peer();
  out->tags = {from.tags().begin(), from.tags().end()};
  out->connected_ms = from.connected_ms();
  out->session = from.session();
  return out;
}

void put(pb::OnlineQuery& to, const online_query& x) {
  to.set_app(raw(x.app));
  to.set_user(x.user);
  to.set_device(x.device);
  to.set_after(x.after);
  to.set_limit(x.limit);
}

online_query take(const pb::OnlineQuery& from) {
  return {app_no{from.app()}, from.user(), from.device(), from.after(),
      std::min(from.limit(), max_list)};
}

void put(pb::OnlineReport& to, const online_report& x) {
  for (auto& info : x.devices)
    put(*to.add_devices(), *info);
  to.set_total(x.total);
  to.set_more(x.more);
}

online_report take(const pb::OnlineReport& from, app_no app) {
  online_report out;
  for (auto& info : from.devices())
    out.devices.push_back(take(info, app));
  out.total = from.total();
  out.more = from.more();
  return out;
}

void put(pb::DeviceStatus& to, const device_status& x) {
  if (x.info)
    put(*to.mutable_info(), *x.info);
  for (auto& f : x.feeds) {
    auto& out = *to.add_feeds();
    out.set_biz(f.biz);
    out.set_epoch(f.epoch);
    out.set_sent(f.sent);
    out.set_acked(f.acked);
    out.set_latest(f.latest);
    out.set_catching_up(f.catching_up);
  }
}

device_status take(const pb::DeviceStatus& from, app_no app) {
  device_status out;
  if (from.has_info())
    out.info = take(from.info(), app);
  for (auto& f : from.feeds())
    out.feeds.push_back({f.biz(), f.epoch(), f.sent(), f.acked(), f.latest(), f.catching_up()});
  return out;
}

} // namespace shoal
