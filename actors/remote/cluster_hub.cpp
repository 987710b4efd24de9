#include "actors/remote/cluster_hub.hpp"

#include <algorithm>

#include "actors/registry/watched.hpp"
#include "actors/remote/wire_codec.hpp"

namespace shoal {

namespace {

constexpr auto gather_for = std::chrono::milliseconds{20};
constexpr auto tell_again = std::chrono::milliseconds{500};
constexpr auto local_timeout = std::chrono::seconds{4};
constexpr int news_per_call = 2'000;
constexpr std::int64_t unknown_since = INT64_MIN;

using device_list = google::protobuf::RepeatedPtrField<pb::Presence>;

void take_back(
    device_list& news, const std::pair<app_no, std::string>& who, std::int64_t connected_ms) {
  auto same = [&](const auto& x) {
    return !x.gone() && x.connected_ms() == connected_ms && x.app() == raw(who.first) &&
           x.device() == who.second;
  };
  news.erase(std::remove_if(news.begin(), news.end(), same), news.end());
}

} // namespace

// -- devices of this node ------------------------------------------------------------------------

void cluster_hub_state::online(const device_actor& hdl, const device_info_ptr& info) {
  self->send(sv->remote->local_hub(), atom::online::value, hdl, info);
  device_name who{info->app, info->device};
  auto& x = devices[who];
  if (x.hdl == hdl)
    return;    // bound or unbound a user
  if (x.hdl) { // this node's hub kicks it
    self->demonitor(x.hdl.address());
    names.erase(x.hdl.address());
  }
  x = {hdl, info->connected_ms, sv->steady_ms()};
  names.emplace(hdl.address(), who);
  self->monitor(hdl);
  announce(who, x, false);
}

void cluster_hub_state::down(const caf::actor_addr& source) {
  auto i = names.find(source);
  if (i == names.end())
    return;
  auto x = devices.find(i->second);
  announce(i->second, x->second, true);
  devices.erase(x);
  names.erase(i);
}

void cluster_hub_state::announce(const device_name& who, const local_device& what, bool gone) {
  auto no = sv->where.number_of(who.first, principal::device(who.second));
  // A connection that ends before it was told of never replaces one: a node that was stopped finds
  // what its devices sent before they went to others.
  if (gone)
    take_back(*news[no].mutable_devices(), who, what.connected_ms);
  auto& x = *news[no].add_devices();
  x.set_app(raw(who.first));
  x.set_device(who.second);
  x.set_connected_ms(what.connected_ms);
  x.set_gone(gone);
  if (!gone)
    x.set_age_ms(
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, sv->steady_ms() - what.since_ms)));
  arm();
}

void cluster_hub_state::announce_all(partition_no no) {
  untold.insert(no);
  untold_from = {};
  if (auto i = homes.find(no);
      i != homes.end() && sv->where.led_epoch(no) != i->second.epoch) // not ours any more
    homes.erase(i);
  arm();
}

void cluster_hub_state::arm() {
  if (ticking || (news.empty() && untold.empty()))
    return;
  ticking = true;
  self->delayed_send(self, gather_for, atom::tick::value);
}

void cluster_hub_state::tick() {
  ticking = false;
  if (!untold.empty() && self->clock().now() >= untold_from) {
    auto all = std::move(untold);
    untold.clear();
    for (auto& [who, x] : devices)
      if (all.contains(sv->where.number_of(who.first, principal::device(who.second))))
        announce(who, x, false);
  }
  tell_homes();
  arm();
}

void cluster_hub_state::tell_homes() {
  auto all = std::move(news);
  news.clear();
  for (auto& [no, x] : all) {
    x.set_node(sv->remote->self);
    if (sv->where.led_epoch(no) != 0) {
      present(no, x);
      continue;
    }
    // What is more than one call takes is told with the next ones, in order.
    for (auto first = 0; first < x.devices_size(); first += news_per_call) {
      auto call = std::make_shared<pb::Call>();
      call->mutable_present()->set_node(x.node());
      for (auto i = first; i < std::min(first + news_per_call, x.devices_size()); ++i)
        call->mutable_present()->add_devices()->Swap(x.mutable_devices(i));
      told[++next_token] = no;
      auto stand_in = caf::actor_cast<remote_partition_actor>(sv->where.partition(no));
      self->send(stand_in, atom::call::value,
          remote_question{std::move(call), caf::actor_cast<remote_asker_actor>(self), next_token});
    }
  }
}

// -- devices of the partitions that this node leads ----------------------------------------------

void cluster_hub_state::call(const remote_question& x) {
  auto no = static_cast<partition_no>(x.call->partition());
  auto answer = std::make_shared<pb::Answer>();
  if (x.call->has_replaced())
    replaced(x.call->replaced());
  else if (sv->where.led_epoch(no) != 0)
    present(no, x.call->present());
  else
    answer->set_refusal(pb::NOT_OWNER);
  if (x.asker)
    self->send(x.asker, atom::answer::value,
        remote_answer{x.token, remote_answer::outcome::answered, std::move(answer)});
}

/// When the connection was made, by the clock here. What was held on its way seems to be younger.
std::int64_t cluster_hub_state::since_of(const pb::Presence& x) const {
  auto age = std::min<std::uint64_t>(x.age_ms(), INT64_MAX / 2);
  return x.has_age_ms() ? sv->steady_ms() - static_cast<std::int64_t>(age) : unknown_since;
}

/// Which of two connections of a device on two nodes is the older one. Their wall clocks may be
/// set, and ages may be late: if the two do not agree nobody knows, and neither is sent away.
std::strong_ordering cluster_hub_state::order_of(
    const connection_place& a, const connection_place& b) {
  auto by_wall = std::tie(a.connected_ms, a.node) <=> std::tie(b.connected_ms, b.node);
  if (a.since_ms == unknown_since || b.since_ms == unknown_since)
    return by_wall;
  auto by_age = std::tie(a.since_ms, a.node) <=> std::tie(b.since_ms, b.node);
  return by_wall == by_age ? by_wall : std::strong_ordering::equal;
}

void cluster_hub_state::present(partition_no no, const pb::Present& x) {
  auto& h = homes[no];
  if (h.epoch != sv->where.led_epoch(no))
    h = {sv->where.led_epoch(no), {}};
  for (auto& d : x.devices()) {
    device_name who{app_no{d.app()}, d.device()};
    if (!valid_external_id(who.second) ||
        sv->where.number_of(who.first, principal::device(who.second)) != no)
      continue;
    auto i = h.devices.find(who);
    auto known = i != h.devices.end();
    auto same = known && i->second.node == x.node();
    if (d.gone()) {
      if (same && i->second.connected_ms == d.connected_ms())
        h.devices.erase(i);
      continue;
    }
    auto now = connection_place{x.node(), d.connected_ms(), since_of(d)};
    auto order = known && !same ? order_of(i->second, now) : std::strong_ordering::less;
    if (known && !same && order != std::strong_ordering::equal)
      tell_replaced(order < 0 ? i->second.node : x.node(), who,
          std::max(now.connected_ms, i->second.connected_ms));
    if (order <= 0)
      h.devices[who] = std::move(now);
  }
}

void cluster_hub_state::tell_replaced(
    const std::string& node, const device_name& who, std::int64_t connected_ms) {
  auto call = std::make_shared<pb::Call>();
  auto& x = *call->mutable_replaced();
  x.set_app(raw(who.first));
  x.set_device(who.second);
  x.set_connected_ms(connected_ms);
  if (node == sv->remote->self)
    return replaced(x);
  if (auto peer = sv->remote->peer(node))
    self->send(peer, atom::call::value, remote_question{std::move(call), {}, 0});
}

void cluster_hub_state::replaced(const pb::Replaced& x) {
  auto i = devices.find({app_no{x.app()}, x.device()});
  if (i == devices.end() || i->second.connected_ms > x.connected_ms())
    return; // it has connected here again meanwhile
  ++sv->count->replaced_devices;
  self->send(i->second.hdl, atom::kick::value,
      kick_order{ec::replaced, "a newer connection of this device took over"});
}

// -- questions -----------------------------------------------------------------------------------

void cluster_hub_state::ask_others(
    const pb::Call& call, std::function<void(const pb::Answer*)> add, std::function<void()> done) {
  auto x = std::make_shared<gathering>();
  x->add = std::move(add);
  x->done = std::move(done);
  auto shared = std::make_shared<const pb::Call>(call);
  for (auto& [node, peer] : sv->remote->peers()) {
    if (!sv->remote->ready(node))
      continue;
    ++x->open;
    gatherings[++next_token] = x;
    self->send(peer, atom::call::value,
        remote_question{shared, caf::actor_cast<remote_asker_actor>(self), next_token});
  }
  if (x->open == 0)
    x->done();
}

void cluster_hub_state::answered(const remote_answer& x) {
  auto good = x.answer && x.answer->refusal() == pb::ACCEPTED && x.answer->code() == 0;
  if (auto i = told.find(x.token); i != told.end()) {
    if (!good) {
      untold.insert(i->second);
      untold_from = self->clock().now() + tell_again;
    }
    told.erase(i);
    return arm();
  }
  auto i = gatherings.find(x.token);
  if (i == gatherings.end())
    return;
  auto of = i->second;
  gatherings.erase(i);
  of->add(good ? x.answer.get() : nullptr);
  if (--of->open == 0)
    of->done();
}

caf::result<online_report> cluster_hub_state::list(const online_query& q) {
  auto promise = self->make_response_promise<online_report>();
  auto out = std::make_shared<online_report>();
  auto add = [out, q](const online_report& part) {
    out->devices.insert(out->devices.end(), part.devices.begin(), part.devices.end());
    out->total += part.total;
    out->more = out->more || part.more;
  };
  auto finish = [out, q, promise]() mutable {
    auto& all = out->devices;
    std::sort(all.begin(), all.end(), [](auto& a, auto& b) {
      return std::pair{std::string_view{a->device}, -a->connected_ms} <
             std::pair{std::string_view{b->device}, -b->connected_ms};
    });
    all.erase(std::unique(
                  all.begin(), all.end(), [](auto& a, auto& b) { return a->device == b->device; }),
        all.end());
    if (q.user.empty() && q.device.empty() && all.size() > q.limit) {
      all.resize(q.limit);
      out->more = true;
    }
    promise.deliver(std::move(*out));
  };
  auto then_others = [this, q, add, finish] {
    pb::Call call;
    put(*call.mutable_online(), q);
    ask_others(
        call,
        [add, app = q.app](const pb::Answer* x) {
          if (x != nullptr)
            add(take(x->online(), app));
        },
        finish);
  };
  self->request(sv->remote->local_hub(), local_timeout, atom::online::value, q)
      .then(
          [add, then_others](const online_report& mine) {
            add(mine);
            then_others();
          },
          [then_others](caf::error&) { then_others(); });
  return promise;
}

caf::result<device_status> cluster_hub_state::status(app_no app, const std::string& device) {
  auto promise = self->make_response_promise<device_status>();
  auto then_others = [this, app, device, promise]() mutable {
    auto out = std::make_shared<device_status>();
    pb::Call call;
    call.mutable_status()->set_app(raw(app));
    call.mutable_status()->set_device(device);
    ask_others(
        call,
        [out, app](const pb::Answer* x) {
          if (x != nullptr && x->status().has_info())
            *out = take(x->status(), app);
        },
        [out, promise]() mutable { promise.deliver(std::move(*out)); });
  };
  self->request(sv->remote->local_hub(), local_timeout, atom::status::value, app, device)
      .then(
          [promise, then_others](const device_status& mine) mutable {
            if (mine.info)
              promise.deliver(mine);
            else
              then_others();
          },
          [then_others](caf::error&) mutable { then_others(); });
  return promise;
}

caf::result<bool> cluster_hub_state::kick(app_no app, const std::string& device) {
  auto promise = self->make_response_promise<bool>();
  auto then_others = [this, app, device, promise]() mutable {
    auto out = std::make_shared<bool>(false);
    pb::Call call;
    call.mutable_kick()->set_app(raw(app));
    call.mutable_kick()->set_device(device);
    ask_others(
        call, [out](const pb::Answer* x) { *out = *out || (x != nullptr && x->kicked()); },
        [out, promise]() mutable { promise.deliver(*out); });
  };
  self->request(sv->remote->local_hub(), local_timeout, atom::kick::value, app, device)
      .then(
          [promise, then_others](bool was_here) mutable {
            if (was_here)
              promise.deliver(true);
            else
              then_others();
          },
          [then_others](caf::error&) mutable { then_others(); });
  return promise;
}

// -- the actor -----------------------------------------------------------------------------------

cluster_hub_actor::behavior_type cluster_hub(
    cluster_hub_actor::stateful_pointer<cluster_hub_state> self, services_ptr services) {
  self->state.sv = std::move(services);
  self->set_down_handler([self](const caf::down_msg& dm) { self->state.down(dm.source); });
  return {
      [self](atom::online, const device_actor& hdl, const device_info_ptr& info) {
        self->state.online(hdl, info);
      },
      [self](atom::online, const online_query& q) { return self->state.list(q); },
      [self](atom::status, app_no app, const std::string& device) {
        return self->state.status(app, device);
      },
      [self](atom::kick, app_no app, const std::string& device) {
        return self->state.kick(app, device);
      },
      [self](atom::status) {
        return self->delegate(self->state.sv->remote->local_hub(), atom::status::value);
      },
      [self](atom::answer, const remote_answer& x) { self->state.answered(x); },
      [self](atom::call, const remote_question& x) { self->state.call(x); },
      [self](atom::view, partition_no no) { self->state.announce_all(no); },
      [self](atom::tick) { self->state.tick(); },
  };
}

cluster_hub_actor spawn_cluster_hub(
    caf::actor_system& sys, const services_ptr& services, actor_registry* actors) {
  if (!services->remote->local_hub())
    services->remote->set_local_hub(services->where.hub());
  auto hdl =
      spawn_watched(sys, actors, below_root(actors, "", "cluster-hub"), cluster_hub, services);
  services->remote->set_hub(hdl);
  services->where.set_hub(caf::actor_cast<hub_actor>(hdl));
  return hdl;
}

} // namespace shoal
