// A node's actors: spawned, watched, ended. The data is in node_impl.hpp.
#include <thread>

#include "actors/api/api_actor.hpp"
#include "actors/catalog/catalog_actor.hpp"
#include "actors/device/device.hpp"
#include "actors/device/hub.hpp"
#include "actors/device/verifier.hpp"
#include "actors/gateway/gateway_writer.hpp"
#include "actors/log.hpp"
#include "actors/node/node_impl.hpp"
#include "actors/partition/partition.hpp"
#include "actors/partition/reader.hpp"
#include "actors/registry/watched.hpp"
#include "actors/relay/relay.hpp"
#include "actors/scheduler/scheduler.hpp"
#include "cluster/config.hpp"
#include "storage/keys.hpp"
#include "storage/records.hpp"

namespace shoal {

namespace {

constexpr unsigned reader_count = 2;

} // namespace

// -- who watches ---------------------------------------------------------------------------------

void node::impl::watch(const std::string& name, std::function<caf::actor()> spawn) {
  auto remembered = [this, spawn = std::move(spawn)] {
    auto hdl = spawn();
    std::lock_guard lock{children_mutex};
    children.push_back(hdl);
    return hdl;
  };
  caf::scoped_actor self{*system};
  auto role = std::make_shared<const child_role>(child_role{name, std::move(remembered)});
  self->request(root, std::chrono::seconds{10}, atom::online::value, child_role_ptr{role})
      .receive([](bool) {},
          [&](caf::error& e) {
            throw std::runtime_error("cannot start " + name + ": " + to_string(e));
          });
}

// -- actors --------------------------------------------------------------------------------------

caf::actor node::impl::spawn_partition(partition_no no) {
  log->flush(); // a predecessor's entries may still be on their way; this happens once per crash
  partition_options x;
  x.services = sv;
  x.no = no;
  x.actors = &actors;
  x.audit = opt.audit;
  auto row = storage::log_place_key(no);
  std::string value;
  storage::log_place place;
  if (db->get(row, value) == storage::lookup::found && !storage::decode(value, row, place))
    throw std::runtime_error("the log place of partition " + to_string(no) + " is damaged");
  x.log = storage::make_local_partition_log(*log, no, sv->view_epoch, place.lsn);
  auto hdl = spawn_watched(
      *system, &actors, below_root(&actors, "partition " + to_string(no)), partition, std::move(x));
  sv->where.set_partition(no, hdl);
  return caf::actor_cast<caf::actor>(hdl);
}

caf::actor node::impl::spawn_reader(std::size_t index) {
  auto hdl = spawn_watched<caf::detached>(*system, &actors,
      below_root(&actors, "reader " + std::to_string(index), "reader"), reader, sv);
  readers[index] = hdl;
  sv->where.set_readers(readers);
  return caf::actor_cast<caf::actor>(hdl);
}

caf::actor node::impl::spawn_inspector() {
  inspector_options x;
  x.services = sv;
  x.actors = &actors;
  x.node.name = opt.name;
  x.node.ready = [this] { return is_ready(); };
  x.node.hub = [this] { return sv->remote ? sv->remote->local_hub() : sv->where.hub(); };
  if (others) {
    x.node.links = [this] { return others->links(); };
    x.node.standing = [this] { return others->standing(); };
    x.node.leader = [this](partition_no no) {
      auto view = sv->remote->view(no);
      return std::pair{view.leader, view.epoch};
    };
  }
  x.node.config = [this] { return opt.config_text; };
  x.node.metrics = [this] { return render_figures(figures()); };
  auto hdl = spawn_watched<caf::detached>(
      *system, &actors, below_root(&actors, ""), inspector, std::move(x));
  std::lock_guard lock{api_mutex};
  inspecting = hdl;
  return caf::actor_cast<caf::actor>(hdl);
}

relay_actor node::impl::spawn_relay(app_no app) {
  auto known = sv->catalog.load()->app(app);
  auto hdl = spawn_watched(
      *system, &actors, below_root(&actors, known ? known->id : to_string(app)), relay, sv, app);
  auto gone = [this, app]() -> caf::actor {
    sv->where.drop_relay(app); // devices that attach again make a new one
    return {};
  };
  auto role = std::make_shared<const child_role>(child_role{"relay", gone});
  auto actor = caf::actor_cast<caf::actor>(hdl);
  caf::anon_send(root, atom::online::value, actor, child_role_ptr{role});
  std::lock_guard lock{children_mutex};
  children.push_back(actor);
  return hdl;
}

// -- starting and stopping -----------------------------------------------------------------------

void node::impl::start_actors() {
  config.load<scheduler>();
  config.set("scheduler.max-threads", std::max(2u, std::thread::hardware_concurrency()));
  config.set("scheduler.max-throughput", 300u);
  system = std::make_unique<caf::actor_system>(config);
  root = spawn_watched(
      *system, &actors, {opt.name}, supervisor, sv, std::function<void()>{[this] { give_up(); }});
  actors.set_root(root.id());
  readers.resize(reader_count);
  for (std::size_t i = 0; i < reader_count; ++i)
    watch("reader", [this, i] { return spawn_reader(i); });
  if (opt.cluster)
    join_cluster();
  else
    start_partitions();
  start_writers();
  start_entrances();
  make_gateway();
  watch("gateway", [this] { return gate->spawn(*system, &actors, opt.name); });
  spawn_local_backends();
  if (others)
    others->start();
  watch("inspector", [this] { return spawn_inspector(); });
  sv->where.set_relay_factory([this](app_no app) { return spawn_relay(app); });
}

void node::impl::give_up() {
  ready = false;
  if (!gave_up.exchange(true) && opt.on_give_up)
    opt.on_give_up();
}

void node::impl::start_writers() {
  watch("catalog", [this] {
    auto hdl = spawn_catalog_writer(*system, sv, &actors);
    if (sv->remote)
      sv->remote->set_local_writer(hdl); // everybody asks the catalog share, which asks this
    else
      sv->where.set_catalog_writer(hdl);
    return caf::actor_cast<caf::actor>(hdl);
  });
  watch("gateway-writer", [this] {
    auto hdl = spawn_gateway_writer(*system, sv, &actors);
    if (sv->remote)
      sv->remote->set_local_gateway_writer(hdl); // as for the catalog
    else
      sv->where.set_gateway_writer(hdl);
    return caf::actor_cast<caf::actor>(hdl);
  });
}

/// Those that devices and callers come to.
void node::impl::start_entrances() {
  watch("hub", [this] {
    auto hdl = spawn_watched(*system, &actors, below_root(&actors, ""), hub, sv);
    if (sv->remote)
      sv->remote->set_local_hub(hdl);
    else
      sv->where.set_hub(hdl);
    return caf::actor_cast<caf::actor>(hdl);
  });
  watch("verifier", [this] {
    auto hdl = spawn_watched<caf::detached>(
        *system, &actors, below_root(&actors, "", "verifier"), verifier, sv);
    sv->where.set_verifier(hdl);
    return caf::actor_cast<caf::actor>(hdl);
  });
  apis.resize(std::max(2u, std::thread::hardware_concurrency()));
  for (std::size_t i = 0; i < apis.size(); ++i)
    watch("api", [this, i] {
      auto hdl = spawn_watched(
          *system, &actors, below_root(&actors, "api " + std::to_string(i)), api::api, sv);
      std::lock_guard lock{api_mutex};
      apis[i] = hdl;
      return caf::actor_cast<caf::actor>(hdl);
    });
}

void node::impl::start_partitions() {
  for (std::uint16_t i = 0; i < opt.partitions; ++i)
    watch("partition", [this, i] { return spawn_partition(partition_no{i}); });
}

void node::impl::join_cluster() {
  cluster_part_options x;
  x.config = *opt.cluster;
  x.services = sv;
  x.disk = store_id;
  x.audit = opt.audit;
  x.actors = &actors;
  x.watch = [this](const std::string& name, std::function<caf::actor()> spawn) {
    watch(name, std::move(spawn));
  };
  x.watch_other = [this](
                      const std::string& name, const caf::actor& hdl, std::function<void()> died) {
    auto again = [died = std::move(died)]() -> caf::actor {
      died();
      return {};
    };
    auto role = std::make_shared<const child_role>(child_role{name, std::move(again)});
    caf::anon_send(root, atom::online::value, hdl, child_role_ptr{role});
  };
  x.give_up = [this] { give_up(); };
  x.draining = [this](bool on) { look_at_drain(on); };
  others = std::make_unique<cluster_part>(*system, std::move(x));
}

/// What this node leads moves by itself; its devices have to be asked. Called by the steward, some
/// times a second.
void node::impl::look_at_drain(bool draining) {
  if (!draining) {
    if (leaving.begun())
      log::info("this node drains no more", {{"devices_asked", leaving.asked()}});
    return leaving.end();
  }
  if (!leaving.begun())
    log::info("this node drains: its devices are asked to go", {{"devices", count.devices.load()}});
  std::vector<caf::actor_id> connected;
  actors.walk(
      0, SIZE_MAX,
      [](const char* kind, std::string_view) {
        return std::string_view{kind} == device_state::name;
      },
      [&](actor_row&& x) { connected.push_back(x.id); });
  for (auto id : leaving.due(connected, std::chrono::steady_clock::now()))
    if (auto hdl = actors.handle(id))
      caf::anon_send(caf::actor_cast<device_actor>(hdl), atom::kick::value,
          kick_order{ec::going_away, "this node is being drained"});
}

void node::impl::stop_actors() {
  sv->where.set_relay_factory(nullptr);
  if (gate)
    gate->locals().clear();
  {
    std::lock_guard lock{children_mutex};
    for (auto& x : children)
      caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
    children.clear();
  }
  caf::anon_send_exit(root, caf::exit_reason::user_shutdown);
  root = supervisor_actor{};
  readers.clear();
  apis.clear();
  inspecting = inspector_actor{};
  sv->where.clear();
}

} // namespace shoal
