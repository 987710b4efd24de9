#include "actors/node/steward.hpp"

#include <algorithm>
#include <cstdio>
#include <random>

#include "actors/catalog/new_key.hpp"
#include "actors/log.hpp"
#include "actors/node/operator_key.hpp"
#include "cluster/config_nodes.hpp"
#include "storage/identity.hpp"
#include "storage/records.hpp"

namespace shoal {

using cluster::instant;
using cluster::meta_result;
using cluster::node_info;
using cluster::node_state;

namespace {

constexpr auto look_interval = std::chrono::milliseconds{250};
constexpr auto hurried_interval = std::chrono::milliseconds{60};
/// Each swap costs a round trip, in which this actor learns no view, swaps none that was handed
/// over, and does not renew its right to control. After so long it looks again first.
constexpr auto swaps_at_once = std::chrono::milliseconds{100};

std::int64_t ms(instant x) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(x).count();
}

} // namespace

void steward_state::start(steward_options x) {
  opt = std::move(x);
  auto hdl = caf::actor_cast<steward_actor>(self);
  cluster::controller_options rules;
  rules.self = opt.config.node.name;
  rules.incarnation = opt.incarnation;
  rules.partitions = opt.config.cluster.partitions;
  rules.placement.replicas = cluster::replicas_of(opt.config);
  rules.takeover = std::chrono::milliseconds{opt.config.cluster.takeover_ms};
  rules.beat = rules.takeover / 3;
  brain.emplace(rules);
  watch = opt.meta->watch([hdl, asked = asked_to_look] {
    if (!asked->exchange(true))
      caf::anon_send(hdl, atom::call::value);
  });
}

void steward_state::tick() {
  look();
  tell_soon();
  keep_operator_key();
  self->delayed_send(self, look_interval, atom::tick::value);
}

void steward_state::tell_soon() {
  self->request(opt.replicator, std::chrono::seconds{5}, atom::status::value)
      .then([this](const std::vector<replica_report>& replicas) { tell_others(replicas); },
          [](caf::error&) {});
}

// -- the meta store ------------------------------------------------------------------------------

void steward_state::look() {
  looking_soon = false;
  *asked_to_look = false;
  cluster::meta_contents found;
  auto started = boot_time();
  if (opt.meta->read_all(found) != meta_result::done) {
    auto why = opt.meta->problem();
    if (problem.empty() && !leaving)
      log::warn("meta store is away; nothing changes hands", {{"why", why}});
    problem = why.empty() ? "not readable" : why;
    return;
  }
  if (!problem.empty())
    log::info("meta store is back");
  problem.clear();
  opt.meta_answered();
  if (!joined && !join())
    return;
  meta = std::move(found);
  read_at = started;
  take_views();
  enlist();
  judge_loss();
  tell_state();
  decide();
}

void steward_state::look_again() {
  if (!asked_to_look->exchange(true))
    self->send(self, atom::call::value);
}

void steward_state::take_views() {
  std::vector<replica_view> news, fresh;
  for (auto& [no, view] : meta.views) {
    auto& known = published[no];
    if (view.epoch > known) {
      known = view.epoch;
      news.push_back({no, view});
    }
  }
  if (!news.empty()) {
    self->send(opt.replicator, atom::change::value, news);
    opt.views_changed(news);
  }
  // This read began after the damage was noticed: nobody has a promise for more than it shows.
  for (auto& x : std::exchange(quarantined, {}))
    fresh.push_back({x.partition, meta.views[x.partition]});
  if (!fresh.empty())
    self->send(opt.replicator, atom::report::value, fresh);
}

/// Once, before anything is served: is this our cluster, and what is the epoch of its history?
bool steward_state::join() {
  std::random_device random;
  char id[17];
  std::snprintf(id, sizeof id, "%08x%08x", random(), random());
  cluster::cluster_identity found;
  auto result = opt.meta->join({opt.config.cluster.name, opt.config.cluster.partitions, id}, found);
  if (result == meta_result::conflict) {
    log::error("the meta store belongs to another cluster: giving up",
        {{"name", found.name}, {"partitions", found.partitions}});
    opt.give_up();
  }
  joined = result == meta_result::done;
  if (joined) // all nodes serve one history, whatever their own stores began with
    opt.services->epoch = storage::crc32c(found.id) | 1u;
  return joined;
}

/// Tells the cluster where this node is, once per start.
void steward_state::enlist() {
  auto& me = opt.config.node.name;
  node_info known;
  for (auto& x : meta.nodes)
    if (x.name == me)
      known = x;
  if (known.incarnation == opt.incarnation) {
    if (!enlisted) // nobody answered that it is done, but it was
      be_enlisted();
    return;
  }
  if (enlisted) { // another process has taken the name since
    log::error("another process runs as this node: giving up", {{"node", me}});
    return opt.give_up();
  }
  if (!disk_judged && (opt.lost.empty() || cluster::is_replaced(known, opt.disk)))
    return judge_disk(known);
  auto next = known;
  next.name = me;
  next.disk = opt.disk;
  for (auto& x : opt.config.nodes)
    if (x.name == me) {
      next.address = x.address;
      next.link = x.link;
      next.admin = x.admin;
    }
  next.incarnation = opt.incarnation;
  next.down = false;
  next.version = known.version + 1;
  if (next.state == node_state::removed)
    next.state = node_state::up;
  if (opt.meta->swap_node(known.version, next) == meta_result::done)
    be_enlisted();
}

void steward_state::be_enlisted() {
  enlisted = true;
  if (storage::set_enlisted(*opt.services->db) != ec::none)
    log::warn("this disk does not keep that the cluster knows it; the next start asks again");
}

/// A node that stops sends its devices away by itself.
void steward_state::tell_state() const {
  if (!enlisted || leaving)
    return;
  for (auto& x : meta.nodes)
    if (x.name == opt.config.node.name && x.incarnation == opt.incarnation)
      opt.state(x.state);
}

void steward_state::swap(partition_no no, const cluster::view& next, const std::string& why) {
  auto result = opt.meta->swap_view(no, meta.views[no].epoch, next);
  log::info("view", {{"partition", raw(no)}, {"epoch", next.epoch}, {"leader", next.leader},
                        {"why", why}, {"done", result == meta_result::done}});
}

void steward_state::need(const replica_need& x) {
  switch (x.what) {
  case replica_need::kind::read_view:
    quarantined.push_back(x);
    break;
  case replica_need::kind::settled:
    settled[x.partition] = x.epoch;
    break;
  case replica_need::kind::wants_view:
    wishes[x.partition] = x.epoch;
    break;
  case replica_need::kind::handed_over: {
    auto known = meta.views.find(x.partition);
    if (known == meta.views.end())
      break;
    auto next = known->second;
    ++next.epoch;
    next.leader = x.text;
    swap(x.partition, next, "handed over");
    break;
  }
  }
  look_again(); // everybody should know soon
}

// -- control -------------------------------------------------------------------------------------

void steward_state::decide() {
  auto controlled = brain->holds();
  brain->read(meta, boot_time());
  auto changed = false;
  auto hand_overs = std::vector<cluster::view_change>{};
  auto until = boot_time() + swaps_at_once;
  for (auto& change : brain->decide(boot_time())) {
    auto* view = std::get_if<cluster::view_change>(&change);
    if (leaving && view != nullptr && view->next.leader == opt.config.node.name)
      continue;
    if (view != nullptr && view->how == cluster::view_change::way::hand_over) {
      hand_overs.push_back(*view);
      continue;
    }
    if (boot_time() >= until) {
      changed = true; // the rest is decided again
      break;
    }
    auto result = cluster::carry_out(*opt.meta, change);
    changed = changed || result == meta_result::done;
    if (view != nullptr)
      log::info("view",
          {{"partition", raw(view->p)}, {"epoch", view->next.epoch}, {"leader", view->next.leader},
              {"why", view->why}, {"done", result == meta_result::done}});
  }
  // Last: what this node leads serves nobody from here on until this actor swaps the view.
  for (auto& x : hand_overs)
    hand_over(x);
  if (controlled != brain->holds())
    log::info(brain->holds() ? "this node controls" : "this node controls no more");
  if (changed)
    look_again(); // what was decided is to be known here at once
}

/// Every partition goes to a replica that has everything; asked again until none is led here.
void steward_state::leave() {
  leaving = true;
  for (auto& held : own.held()) {
    auto no = partition_no{static_cast<std::uint16_t>(held.partition())};
    auto known = meta.views.find(no);
    if (known == meta.views.end())
      continue;
    auto& view = known->second;
    for (auto& other : held.in_sync())
      if (other != opt.config.node.name && view.leader == opt.config.node.name &&
          std::count(view.replicas.begin(), view.replicas.end(), other) != 0) {
        self->send(opt.replicator, atom::moved::value, no, other);
        break;
      }
  }
}

void steward_state::hand_over(const cluster::view_change& x) {
  auto known = meta.views.find(x.p);
  if (known == meta.views.end())
    return;
  auto& leader = known->second.leader;
  if (leader == opt.config.node.name)
    return self->send(opt.replicator, atom::moved::value, x.p, x.next.leader);
  replication::Order order;
  order.set_partition(raw(x.p));
  order.set_epoch(x.expected_epoch);
  order.set_to(x.next.leader);
  orders[leader].push_back(std::move(order));
}

node_list steward_state::nodes() const {
  node_list out;
  for (auto& x : meta.nodes) {
    // Nobody looks any more after one that is removed, and what was known last is no answer.
    auto alive = !x.down && x.state != node_state::removed;
    node_entry y{
        x.name, x.address, x.link, x.admin, cluster::to_string(x.state), alive, false, 0, 0};
    y.controls = meta.controller.node == x.name;
    for (auto& [no, view] : meta.views) {
      y.leads += view.leader == x.name;
      y.holds += static_cast<std::uint32_t>(
          std::count(view.replicas.begin(), view.replicas.end(), x.name));
    }
    out.nodes.push_back(std::move(y));
  }
  if (out.nodes.empty())
    return {ec::storage_failed, problem.empty() ? "no node is known yet" : problem, {}};
  return out;
}

node_list steward_state::change_node(const std::string& node, const std::string& state) {
  for (auto& x : meta.nodes) {
    if (x.name != node)
      continue;
    auto next = x;
    ++next.version;
    for (auto known : {node_state::up, node_state::draining, node_state::removed})
      if (state == cluster::to_string(known))
        next.state = known;
    auto result = opt.meta->swap_node(x.version, next);
    if (result == meta_result::conflict)
      return {ec::moving, "somebody else changed the node: try again", {}};
    if (result != meta_result::done)
      return {ec::storage_failed, "the meta store is away: " + opt.meta->problem(), {}};
    x = next;
    look_again();
    auto out = nodes();
    std::erase_if(out.nodes, [&](const node_entry& y) { return y.name != node; });
    return out;
  }
  return {ec::not_found, "no node is called " + node, {}};
}

// -- the rest ------------------------------------------------------------------------------------

/// The cluster has one operator key: the leader of the catalog makes it, every node keeps a copy of
/// its secret for the people at this machine.
void steward_state::keep_operator_key() {
  auto known = opt.services->catalog.load();
  for (auto& key : known->keys(app_no{0}))
    if (key->role == key_role::operator_ && key->enabled) {
      if (key_written != key->id && write_operator_key(opt.config.node.data_dir, *key))
        key_written = key->id;
      return;
    }
  auto writer = opt.services->where.catalog_writer();
  if (!writer || opt.services->where.led_epoch(partition_no{0}) == 0)
    return;
  catalog_change change;
  change.what = catalog_change::kind::put_key;
  change.key = std::make_shared<const key_config>(
      new_key(app_no{0}, key_role::operator_, "made at the first start", opt.services->now_ms()));
  change.create = true;
  change.actor = "node " + opt.config.node.name;
  self->request(writer, std::chrono::seconds{5}, atom::change::value, change)
      .then([](const change_result&) {}, [](caf::error&) {});
}

std::shared_ptr<const cluster_picture> steward_state::picture() const {
  auto out = std::make_shared<cluster_picture>();
  out->meta = meta;
  out->links = opt.links();
  out->self = opt.config.node.name;
  out->controls = brain->holds();
  out->read_ago_ms = ms(boot_time() - read_at);
  out->problem = problem;
  return out;
}

steward_actor::behavior_type steward(
    steward_actor::stateful_pointer<steward_state> self, steward_options options) {
  self->state.start(std::move(options));
  self->send(self, atom::tick::value);
  return {
      [self](atom::report, const replica_need& x) { self->state.need(x); },
      [self](atom::frame, const replication_frame& x) { self->state.take_report(x); },
      [self](atom::online) { return self->state.nodes(); },
      [self](atom::change, const std::string& node, const std::string& state) {
        return self->state.change_node(node, state);
      },
      [self](atom::status) { return self->state.picture(); },
      [self](atom::stop) { self->state.leave(); },
      [self](atom::call) { self->state.look(); },
      [self](atom::lost, int reports) {
        self->state.tell_soon();
        if (reports > 1)
          self->delayed_send(self, hurried_interval, atom::lost::value, reports - 1);
      },
      [self](atom::tick) { self->state.tick(); },
  };
}

} // namespace shoal
