#include "actors/node/cluster_part.hpp"

#include <algorithm>
#include <random>
#include <thread>

#include "actors/catalog/catalog_actor.hpp"
#include "actors/log.hpp"
#include "actors/partition/partition.hpp"
#include "actors/registry/watched.hpp"
#include "actors/remote/call_server.hpp"
#include "actors/remote/catalog_share.hpp"
#include "actors/remote/cluster_hub.hpp"
#include "actors/remote/gateway_share.hpp"
#include "actors/remote/peer.hpp"
#include "actors/remote/remote_partition.hpp"
#include "cluster/config_nodes.hpp"
#include "cluster/etcd_meta_store.hpp"
#include "storage/identity.hpp"
#include "storage/lost_records.hpp"

namespace shoal {

namespace {

/// A partition's streams outlive its leadership for so long: they have callers to answer.
constexpr auto farewell = std::chrono::milliseconds{500};

/// How long a node that stops waits until others lead what it led; and how long for the first of
/// them, since the meta store may have gone away meanwhile.
constexpr auto leave_patience = std::chrono::milliseconds{2000};
constexpr auto first_patience = std::chrono::milliseconds{1000};

/// It is read four times a second.
constexpr cluster::instant meta_silence = std::chrono::milliseconds{1500};

std::uint64_t random_number() {
  std::random_device source;
  return (std::uint64_t{source()} << 32 | source()) | 1;
}

cluster::replica_options rules_of(const cluster::config& x) {
  cluster::replica_options out;
  auto take_over = std::chrono::milliseconds{x.cluster.takeover_ms};
  out.suspend_after = take_over / 2;
  out.heartbeat = take_over / 10;
  out.resend_after = take_over / 5;
  auto held = x.cluster.partitions * cluster::replicas_of(x) / x.nodes.size() + 1; // about, here
  out.keep_bytes = std::max((x.storage.replica_log_mb << 20) / held, out.in_flight_bytes);
  return out;
}

} // namespace

/// A partition that is served here.
struct cluster_part::home {
  std::uint64_t epoch = 0;
  std::shared_ptr<storage::partition_log> log;
  partition_actor hdl;
};

cluster_part::cluster_part(caf::actor_system& system, cluster_part_options options)
    : system_{system}, opt_{std::move(options)}, incarnation_{random_number()} {
  auto& c = opt_.config;
  cluster::etcd_options etcd;
  etcd.endpoints = c.etcd.endpoints;
  etcd.prefix = cluster::etcd_prefix(c);
  etcd.ca = c.etcd.ca;
  etcd.certificate = c.etcd.certificate;
  etcd.key = c.etcd.key;
  meta_ = cluster::make_etcd_meta_store(etcd);
  opt_.services->remote = std::make_shared<remote_nodes>(c.node.name);
}

void cluster_part::start() {
  open_links();
  spawn_stand_ins();
  spawn_replicator();
  spawn_steward();
  links_->set_peers(cluster::peers_of(opt_.config));
}

cluster_part::~cluster_part() { stop(); }

void cluster_part::leave() {
  auto homes = [this] {
    std::lock_guard lock{mutex_};
    return homes_.size();
  };
  using clock = std::chrono::steady_clock;
  const auto begin = clock::now();
  const auto all = homes();
  auto left = all;
  for (auto round = 0; left > 0 && meta_answers(); ++round) {
    auto patience = left == all ? first_patience : leave_patience;
    if (clock::now() - begin >= patience)
      break;
    if (round % 5 == 0)
      caf::anon_send(steward(), atom::stop::value);
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    left = homes();
  }
  if (left == 0)
    return;
  log::warn("this node ends while it leads", {{"partitions", left}});
  meta_->interrupt(); // the steward must not wait for it when its turn to end comes
}

bool cluster_part::meta_answers() const {
  return boot_time() - meta_answered_.load() < meta_silence;
}

void cluster_part::stop() {
  if (!links_)
    return;
  meta_->interrupt();
  links_->stop(); // no frames, and no news of peers, from here on
  std::lock_guard lock{mutex_};
  for (const auto& hdl :
      {caf::actor_cast<caf::actor>(steward_), caf::actor_cast<caf::actor>(replicator_)})
    if (hdl)
      caf::anon_send_exit(hdl, caf::exit_reason::user_shutdown);
  steward_ = steward_actor{};
  replicator_ = replicator_actor{};
  for (auto& [no, x] : homes_)
    if (x->hdl)
      caf::anon_send_exit(x->hdl, caf::exit_reason::user_shutdown);
  homes_.clear();
}

steward_actor cluster_part::steward() const {
  std::lock_guard lock{mutex_};
  return steward_;
}

replicator_actor cluster_part::replicator() const {
  std::lock_guard lock{mutex_};
  return replicator_;
}

bool cluster_part::ready() const {
  std::lock_guard lock{mutex_};
  return known_.size() == opt_.config.cluster.partitions;
}

inspect::cluster_standing cluster_part::standing() const {
  inspect::cluster_standing out;
  out.self = opt_.config.node.name;
  out.copies_wanted = cluster::replicas_of(opt_.config);
  if (auto silent = boot_time() - meta_answered_.load(); silent > meta_silence)
    out.meta_away_ms = std::chrono::duration_cast<std::chrono::milliseconds>(silent).count();
  for (auto& x : links_->status())
    if (x.up)
      out.reached.insert(x.peer.name);
  std::lock_guard lock{mutex_};
  out.state = state_;
  out.followers = lag_.followers();
  for (auto& [no, x] : homes_)
    out.served.insert(no);
  for (std::uint16_t i = 0; i < opt_.config.cluster.partitions; ++i) {
    inspect::partition_standing p;
    p.no = partition_no{i};
    if (auto x = known_.find(p.no); x != known_.end()) {
      p.epoch = x->second.epoch;
      p.leader = x->second.leader;
      p.replicas = x->second.replicas;
    }
    out.partitions.push_back(std::move(p));
  }
  for (auto& held : reported_.held())
    if (held.leads() && held.partition() < out.partitions.size())
      for (auto& name : held.in_sync())
        if (auto& p = out.partitions[held.partition()];
            std::find(p.replicas.begin(), p.replicas.end(), name) != p.replicas.end())
          p.in_sync.push_back(name);
  return out;
}

// -- links ---------------------------------------------------------------------------------------

void cluster_part::open_links() {
  auto x = cluster::links_of(opt_.config);
  x.incarnation = incarnation_;
  x.dead_after = std::chrono::milliseconds{opt_.config.cluster.takeover_ms};
  x.heartbeat = x.dead_after / 4;
  cluster::link_handlers on;
  auto remote = opt_.services->remote;
  on.on_frame = [this, remote](
                    const cluster::peer_info& from, cluster::traffic kind, std::string body) {
    if (kind != cluster::traffic::replication)
      return remote->on_frame(from.name, kind, std::move(body));
    constexpr auto report_tag = '\x12'; // a frame with nothing but a report begins so
    if (body.starts_with(report_tag)) {
      if (auto hdl = steward())
        caf::anon_send(hdl, atom::frame::value, replication_frame{from.name, std::move(body)});
    } else if (auto hdl = replicator()) {
      caf::anon_send(hdl, atom::frame::value, replication_frame{from.name, std::move(body)});
    }
  };
  on.on_up = [remote](const cluster::peer_info& peer) {
    log::info("link up", {{"peer", peer.name}});
    remote->on_up(peer.name);
  };
  on.on_down = [this, remote](const cluster::peer_info& peer, const std::string& why) {
    log::warn("link down", {{"peer", peer.name}, {"why", why}});
    remote->on_down(peer.name);
    if (auto hdl = steward())
      caf::anon_send(hdl, atom::lost::value, hurried_reports);
  };
  links_ = cluster::make_node_links(x, on);
  remote->set_links(links_.get());
}

void cluster_part::spawn_stand_ins() {
  auto sv = opt_.services;
  opt_.watch("cluster-hub", [this, sv] {
    return caf::actor_cast<caf::actor>(spawn_cluster_hub(system_, sv, opt_.actors));
  });
  opt_.watch("catalog-share", [this, sv] {
    return caf::actor_cast<caf::actor>(spawn_catalog_share(system_, sv, opt_.actors));
  });
  opt_.watch("gateway-share", [this, sv] {
    return caf::actor_cast<caf::actor>(spawn_gateway_share(system_, sv, opt_.actors));
  });
  for (std::uint16_t i = 0; i < opt_.config.cluster.partitions; ++i)
    opt_.watch("stand-in", [this, sv, no = partition_no{i}] {
      return caf::actor_cast<caf::actor>(spawn_remote_partition(system_, sv, no, opt_.actors));
    });
  for (auto& peer : cluster::peers_of(opt_.config))
    opt_.watch("peer", [this, sv, name = peer.name] {
      return caf::actor_cast<caf::actor>(spawn_peer(system_, sv, name, opt_.actors));
    });
  opt_.watch("call-server", [this, sv] {
    return caf::actor_cast<caf::actor>(spawn_call_server(system_, sv, opt_.actors));
  });
}

// -- replicas ------------------------------------------------------------------------------------

void cluster_part::spawn_replicator() {
  replicator_options x;
  x.services = opt_.services;
  x.self = opt_.config.node.name;
  x.partitions = opt_.config.cluster.partitions;
  x.rules = rules_of(opt_.config);
  x.now = boot_time;
  // A disk that the cluster does not know may be there in the place of one that it knows; one that
  // lost records may have promised more than it holds.
  x.hold_back = !storage::is_enlisted(*opt_.services->db) ||
                !storage::lost_records(*opt_.services->db).empty();
  x.send = [this](const std::string& to, std::string bytes) {
    return links_->send(to, cluster::traffic::replication, std::move(bytes));
  };
  x.hooks.serving = [this](partition_no no, std::uint64_t epoch,
                        std::shared_ptr<replicated_log> log) { serve(no, epoch, std::move(log)); };
  x.hooks.stopped = [this](partition_no no, const std::string& why) {
    log::info("partition leaves", {{"partition", raw(no)}, {"why", why}});
    stop_serving(no);
  };
  auto tell = [this](replica_need need) {
    if (auto hdl = steward())
      caf::anon_send(hdl, atom::report::value, std::move(need));
  };
  using what = replica_need::kind;
  x.hooks.read_view = [tell](partition_no no) { tell({no, what::read_view, 0, {}}); };
  x.hooks.wants_view = [tell](partition_no no, const cluster::view_wish& wish) {
    tell({no, what::wants_view, wish.epoch, wish.why});
  };
  x.hooks.settled = [tell](partition_no no, std::uint64_t epoch) {
    tell({no, what::settled, epoch, {}});
  };
  x.hooks.handed_over = [tell](partition_no no, const cluster::hand_over_result& result) {
    if (result.ready)
      tell({no, what::handed_over, 0, result.to});
  };
  auto hdl = spawn_watched<caf::detached>(system_, opt_.actors,
      below_root(opt_.actors, "", "replicator"), shoal::replicator, std::move(x));
  std::lock_guard lock{mutex_};
  replicator_ = hdl;
}

void cluster_part::serve(
    partition_no no, std::uint64_t epoch, std::shared_ptr<storage::partition_log> log) {
  auto x = std::make_shared<home>();
  x->epoch = epoch;
  x->log = std::move(log);
  {
    std::lock_guard lock{mutex_};
    homes_[no] = x;
  }
  spawn_partition(no, x);
  log::info("partition serves", {{"partition", raw(no)}, {"epoch", epoch}});
}

void cluster_part::spawn_partition(partition_no no, const std::shared_ptr<home>& x) {
  partition_options y;
  y.services = opt_.services;
  y.no = no;
  y.log = x->log;
  y.audit = opt_.audit;
  y.actors = opt_.actors;
  {
    std::lock_guard lock{mutex_};
    y.after_death = static_cast<bool>(x->hdl);
  }
  auto hdl = spawn_watched(system_, opt_.actors,
      below_root(opt_.actors, "partition " + to_string(no)), partition, std::move(y));
  {
    std::lock_guard lock{mutex_};
    auto i = homes_.find(no);
    if (i == homes_.end() || i->second != x) { // it has left meanwhile
      caf::anon_send_exit(hdl, caf::exit_reason::user_shutdown);
      return;
    }
    x->hdl = hdl;
    opt_.services->where.set_partition(no, hdl, x->epoch);
  }
  opt_.watch_other(
      "partition", caf::actor_cast<caf::actor>(hdl), [this, no, x] { spawn_partition(no, x); });
}

void cluster_part::stop_serving(partition_no no) {
  partition_actor hdl;
  {
    std::lock_guard lock{mutex_};
    auto i = homes_.find(no);
    if (i == homes_.end())
      return;
    hdl = i->second->hdl;
    homes_.erase(i);
    opt_.services->where.set_partition(no, {}, 0);
  }
  if (hdl)
    caf::delayed_anon_send(caf::actor_cast<caf::actor>(hdl), farewell,
        caf::exit_msg{{}, caf::exit_reason::user_shutdown});
}

// -- views ---------------------------------------------------------------------------------------

void cluster_part::spawn_steward() {
  steward_options x;
  x.services = opt_.services;
  x.config = opt_.config;
  x.incarnation = incarnation_;
  x.disk = opt_.disk;
  x.lost = storage::lost_records(*opt_.services->db);
  x.meta_answered = [this] { meta_answered_ = boot_time(); };
  x.meta = meta_.get();
  x.links = [this] { return links_->status(); };
  x.send = [this](const std::string& to, std::string bytes) {
    links_->send(to, cluster::traffic::replication, std::move(bytes));
  };
  x.replicator = replicator();
  x.views_changed = [this](const std::vector<replica_view>& news) { views_changed(news); };
  x.give_up = opt_.give_up;
  x.state = [this](cluster::node_state now) {
    {
      std::lock_guard lock{mutex_};
      state_ = cluster::to_string(now);
    }
    if (opt_.draining)
      opt_.draining(now != cluster::node_state::up);
  };
  x.looked = [this](const std::vector<replica_report>& replicas) {
    auto now = boot_time();
    std::lock_guard lock{mutex_};
    for (auto& replica : replicas)
      lag_.look(replica.partition, replica.status, now);
  };
  x.reported = [this](const replication::Report& said) {
    std::lock_guard lock{mutex_};
    reported_ = said;
  };
  auto hdl = spawn_watched<caf::detached>(
      system_, opt_.actors, below_root(opt_.actors, ""), shoal::steward, std::move(x));
  {
    std::lock_guard lock{mutex_};
    steward_ = hdl;
  }
  opt_.services->where.set_membership(caf::actor_cast<membership_actor>(hdl));
  // What it knew of replicas that wait for it is gone: the process starts afresh.
  opt_.watch_other("steward", caf::actor_cast<caf::actor>(hdl), opt_.give_up);
}

void cluster_part::views_changed(const std::vector<replica_view>& news) {
  std::lock_guard lock{mutex_};
  for (auto& x : news) {
    known_[x.partition] = x.view;
    opt_.services->remote->set_view(x.partition, {x.view.epoch, x.view.leader});
  }
}

} // namespace shoal
