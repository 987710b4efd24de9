#include "actors/node/node.hpp"

#include <filesystem>
#include <random>
#include <thread>

#include <caf/all.hpp>

#include "actors/api/api_actor.hpp"
#include "actors/api/problem.hpp"
#include "actors/api/router.hpp"
#include "actors/catalog/catalog_actor.hpp"
#include "actors/catalog/catalog_codec.hpp"
#include "actors/catalog/new_key.hpp"
#include "actors/device/device.hpp"
#include "actors/device/hub.hpp"
#include "actors/device/verifier.hpp"
#include "actors/gateway/gateway_rows.hpp"
#include "actors/gateway/gateway_writer.hpp"
#include "actors/inspect/inspector.hpp"
#include "actors/log.hpp"
#include "actors/node/admin.hpp"
#include "actors/node/cluster_part.hpp"
#include "actors/node/gateway_part.hpp"
#include "actors/node/operator_key.hpp"
#include "actors/node/supervisor.hpp"
#include "actors/partition/partition.hpp"
#include "actors/partition/reader.hpp"
#include "actors/registry/watched.hpp"
#include "actors/relay/relay.hpp"
#include "actors/scheduler/scheduler.hpp"
#include "cluster/config.hpp"
#include "cluster/etcd_meta_store.hpp"
#include "protocol/device.pb.h"
#include "protocol/tls/certificate.hpp"
#include "protocol/tls/device_calls.hpp"
#include "storage/identity.hpp"
#include "storage/keys.hpp"
#include "storage/records.hpp"

namespace shoal {

namespace fs = std::filesystem;

namespace {

constexpr unsigned reader_count = 2;
constexpr auto drain_patience = std::chrono::milliseconds{2500};
/// Of a node of a cluster that starts, until it has the catalog: whoever calls a node that does not
/// know his key hears that it is wrong.
constexpr auto catalog_patience = std::chrono::milliseconds{3000};
/// Of a node that stops, for everything before its actors end.
constexpr auto stop_patience = std::chrono::milliseconds{3800};
constexpr std::uint32_t reconnect_spread_ms = 5000;

/// Hears a device connection on its loop's thread, and tells the device actor.
class device_sink : public tls::link_sink {
public:
  explicit device_sink(device_actor hdl) : hdl_{std::move(hdl)} {}

  void on_frame(frame x) override {
    caf::anon_send(hdl_, atom::frame::value, device_frame{x.type, std::move(x.body)});
  }
  void on_closed(ec) override { caf::anon_send(hdl_, atom::lost::value); }

private:
  device_actor hdl_;
};

/// Of a connection that is closed before anybody hears of it.
class deaf_sink : public tls::link_sink {
public:
  void on_frame(frame) override {}
  void on_closed(ec) override {}
};

shared_bytes going_away(std::mt19937& random) {
  wire::Close out;
  out.set_code(static_cast<std::uint32_t>(ec::going_away));
  out.set_text("this node stops");
  out.set_retry_after_ms(500 + static_cast<std::uint32_t>(random() % reconnect_spread_ms));
  return std::make_shared<const std::string>(
      encode_frame(frame_type::close, out.SerializeAsString()));
}

} // namespace

struct node::impl {
  explicit impl(node_options x) : opt{std::move(x)} {}

  void open_store();
  void make_operator_key();
  void start_actors();
  void await_catalog() const;
  bool knows_nobody() const;
  void make_gateway();
  void spawn_local_backends();
  void start_endpoint();
  void start_admin();
  void start_partitions();
  void join_cluster();
  void watch(const std::string& name, std::function<caf::actor()> spawn);
  relay_actor spawn_relay(app_no app);
  caf::actor spawn_partition(partition_no no);
  caf::actor spawn_reader(std::size_t index);
  caf::actor spawn_inspector();
  bool is_ready() const { return ready.load() && (!others || others->ready()); }
  void stop_actors();
  void answer_admin_request(const http::request& request, const http::responder& respond);
  admin_figures figures() const;
  std::shared_ptr<tls::link_sink> accept_device(tls::link link, const std::string& peer);
  void answer_request(http::request request, http::responder respond);

  node_options opt;
  metrics count;
  actor_registry actors;
  std::unique_ptr<nonce_cache> hello_nonces, request_nonces;
  std::unique_ptr<storage::database> db;
  std::unique_ptr<storage::commit_log> log;
  services_ptr sv;
  std::uint64_t store_id = 0;
  std::string operator_key;
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  supervisor_actor root;
  std::vector<caf::actor> children; ///< everything that `stop_actors` ends
  std::mutex children_mutex;
  std::vector<reader_actor> readers;
  std::mutex api_mutex;
  std::vector<api_actor> apis;
  std::atomic<std::size_t> next_api{0};
  std::unique_ptr<cluster_part> others; ///< null: this node is alone
  std::unique_ptr<gateway_part> gate;
  inspector_actor inspecting; ///< guarded by api_mutex
  std::unique_ptr<tls::endpoint> endpoint, admin;
  mutable std::mutex endpoint_mutex; ///< for who looks at it while the node stops
  std::atomic<bool> ready{false};
  bool started = false;
};

// -- store ---------------------------------------------------------------------------------------

void node::impl::open_store() {
  if (opt.ephemeral) {
    db = storage::make_memory_database();
  } else {
    fs::create_directories(opt.data_dir);
    storage::rocks_options x;
    x.block_cache_bytes = opt.block_cache_mb << 20;
    x.memtable_bytes = opt.memtable_mb << 20;
    x.log = [](std::string_view line) { shoal::log::warn("storage engine", {{"says", line}}); };
    db = storage::open_rocks_database((fs::path{opt.data_dir} / "db").string(), x);
  }
  auto now_s = wall_clock_ms() / 1000;
  storage::store_identity identity;
  auto code = storage::open_identity(*db, now_s, identity);
  if (code == ec::none && opt.new_epoch)
    code = storage::new_epoch(*db, now_s, identity);
  if (code != ec::none)
    throw std::runtime_error(
        "the store in " + opt.data_dir + " cannot be read: " + std::string{to_string(code)});
  sv = std::make_shared<services>(opt.partitions);
  sv->name = opt.name;
  sv->epoch = identity.epoch;
  store_id = identity.store_id;
  sv->limit = opt.limit;
  sv->limit.device_calls = tls::device_calls::most;
  sv->limit.max_frame = static_cast<std::uint32_t>(opt.max_frame);
  sv->count = &count;
  sv->db = db.get();
  sv->catalog.store(std::make_shared<const catalog>(load_catalog(*db)));
  sv->gateway->store(std::make_shared<const gateway::registry>(gateway::load_registry(*db)));
  sv->serves_calls = [cell = sv->gateway](app_no app) {
    auto now = cell->load();
    auto& in = now->find(app);
    return in && in->settings().set.enabled;
  };
  log = storage::make_group_committer(*db);
  sv->log = log.get();
  auto start = wall_clock_ms();
  auto clock_window = std::chrono::milliseconds{opt.limit.clock_window}.count();
  hello_nonces = std::make_unique<nonce_cache>(start, clock_window);
  request_nonces = std::make_unique<nonce_cache>(start, clock_window);
  sv->hello_nonces = hello_nonces.get();
  sv->request_nonces = request_nonces.get();
}

void node::impl::make_operator_key() {
  auto known = sv->catalog.load();
  for (auto& key : known->keys(app_no{0}))
    if (key->role == key_role::operator_ && key->enabled) {
      operator_key = key->id;
      return;
    }
  auto key = new_key(app_no{0}, key_role::operator_, "made at first start", wall_clock_ms());
  storage::write_batch rows;
  auto row = row_of(key);
  rows.put(std::move(row.key), std::move(row.value));
  if (db->write(rows, true) != ec::none)
    throw std::runtime_error("cannot write to " + opt.data_dir);
  if (!write_operator_key(opt.data_dir, key))
    throw std::runtime_error("cannot write to " + opt.data_dir);
  operator_key = key.id;
  sv->catalog.store(std::make_shared<const catalog>(
      known->with(std::make_shared<const key_config>(std::move(key)))));
}

// -- actors --------------------------------------------------------------------------------------

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

void node::impl::start_actors() {
  config.load<scheduler>();
  config.set("scheduler.max-threads", std::max(2u, std::thread::hardware_concurrency()));
  config.set("scheduler.max-throughput", 300u);
  system = std::make_unique<caf::actor_system>(config);
  auto give_up = [this] {
    ready = false;
    if (opt.on_give_up)
      opt.on_give_up();
  };
  root =
      spawn_watched(*system, &actors, {opt.name}, supervisor, sv, std::function<void()>{give_up});
  actors.set_root(root.id());
  readers.resize(reader_count);
  for (std::size_t i = 0; i < reader_count; ++i)
    watch("reader", [this, i] { return spawn_reader(i); });
  if (opt.cluster)
    join_cluster();
  else
    start_partitions();
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
  make_gateway();
  watch("gateway", [this] { return gate->spawn(*system, &actors, opt.name); });
  spawn_local_backends();
  if (others)
    others->start();
  watch("inspector", [this] { return spawn_inspector(); });
  sv->where.set_relay_factory([this](app_no app) { return spawn_relay(app); });
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
  x.watch_partition = [this](const caf::actor& hdl, std::function<void()> died) {
    auto again = [died = std::move(died)]() -> caf::actor {
      died();
      return {};
    };
    auto role = std::make_shared<const child_role>(child_role{"partition", std::move(again)});
    caf::anon_send(root, atom::online::value, hdl, child_role_ptr{role});
  };
  x.give_up = opt.on_give_up;
  others = std::make_unique<cluster_part>(*system, std::move(x));
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

// -- sockets -------------------------------------------------------------------------------------

std::shared_ptr<tls::link_sink> node::impl::accept_device(tls::link link, const std::string& peer) {
  if (knows_nobody()) {
    link.close(nullptr, ec::going_away);
    return std::make_shared<deaf_sink>();
  }
  device_options x;
  x.services = sv;
  x.wire = connection_of(link, peer);
  return std::make_shared<device_sink>(
      spawn_watched(*system, &actors, {peer}, device, std::move(x)));
}

void node::impl::answer_request(http::request request, http::responder respond) {
  ++count.api_calls;
  if (knows_nobody())
    return respond(api::problem(
        ec::going_away, "this node does not have the cluster's keys yet", sv->now_ms()));
  api_actor hdl;
  {
    std::lock_guard lock{api_mutex};
    hdl = apis[next_api++ % apis.size()];
  }
  caf::anon_send(
      hdl, atom::call::value, api_call{std::move(request), std::move(respond), steady_us()});
}

void node::impl::await_catalog() const {
  auto end = std::chrono::steady_clock::now() + catalog_patience;
  while (others && !(sv->remote->knows_catalog() && sv->remote->knows_gateway()) &&
         std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
}

/// Nobody can be told from a stranger yet: others may know him.
bool node::impl::knows_nobody() const {
  return others && !sv->remote->knows_catalog() && sv->catalog.load()->keys(app_no{0}).empty();
}

void node::impl::make_gateway() {
  auto x = gateway_part_options{};
  x.definitions = sv->gateway.get();
  x.now_ms = sv->now_ms;
  if (opt.gateway_digest)
    x.digest_file = (fs::path{opt.data_dir} / "gateway-digest.log").string();
  x.digest_max_bytes = opt.gateway_digest_max_mb << 20;
  x.plain_address = opt.gateway_plain_address;
  x.plain_port = opt.gateway_plain_port;
  x.io_loops = opt.io_loops != 0 ? opt.io_loops : std::max(1u, std::thread::hardware_concurrency());
  x.max_connections = opt.max_connections;
  x.max_http_body = opt.max_http_body;
  if (opt.gateway_etcd)
    x.etcd = *opt.gateway_etcd;
  if (opt.cluster) {
    auto reachable = [remote = sv->remote] {
      auto out = std::set<std::string>{};
      for (auto& [name, hdl] : remote->peers())
        if (remote->ready(name))
          out.insert(name);
      return out;
    };
    auto tell = [remote = sv->remote](const std::string& to, std::string body) {
      remote->send(to, cluster::traffic::control, std::move(body));
    };
    x.others = gateway::limit_links{reachable, tell};
  }
  gate = std::make_unique<gateway_part>(std::move(x));
  if (auto limits = gate->limits())
    sv->remote->set_usage_sink([limits](const std::string& from, std::string body) {
      limits->heard(from, std::move(body));
    });
}

void node::impl::spawn_local_backends() {
  watch("local backend sync", [this] { return gate->spawn_sync(*system, &actors, sv); });
  for (auto& [name, make] : opt.local_backends) {
    if (auto flaw = gate->locals().problem_of(name); !flaw.empty())
      throw std::runtime_error("local backend \"" + name + "\": " + flaw);
    watch("local backend " + name,
        [this, name = name, make = make] { return gate->spawn_local(*system, name, make); });
  }
}

void node::impl::start_endpoint() {
  tls::endpoint_options x;
  x.address = opt.address;
  x.port = opt.port;
  x.loops = opt.io_loops != 0 ? opt.io_loops : std::max(1u, std::thread::hardware_concurrency());
  x.certificate_file = opt.certificate;
  x.key_file = opt.key;
  if (x.certificate_file.empty()) {
    auto folder = fs::path{opt.data_dir};
    fs::create_directories(folder);
    x.certificate_file = (folder / "dev-cert.pem").string();
    x.key_file = (folder / "dev-key.pem").string();
    if (!fs::exists(x.certificate_file) || !fs::exists(x.key_file))
      tls::write_self_signed(x.certificate_file, x.key_file, {"localhost", "127.0.0.1"});
    log::warn("self-signed development certificate", {{"file", x.certificate_file}});
    opt.certificate = x.certificate_file;
  }
  x.max_connections = opt.max_connections;
  x.web_origins = opt.web_origins;
  x.max_frame = opt.max_frame;
  x.max_http_body = opt.max_http_body;
  auto made = std::make_unique<tls::endpoint>(
      x, tls::endpoint_handlers{
             [this](tls::link link, const std::string& peer) { return accept_device(link, peer); },
             [this](http::request request, http::responder respond) {
               answer_request(std::move(request), std::move(respond));
             },
             gate->services_of_loops(),
         });
  gate->listen([this](http::request request, http::responder respond) {
    answer_request(std::move(request), std::move(respond));
  });
  std::lock_guard lock{endpoint_mutex};
  endpoint = std::move(made);
}

void node::impl::start_admin() {
  tls::endpoint_options y;
  y.address = opt.admin_address;
  y.port = opt.admin_port;
  y.loops = 1;
  y.tls = false;
  y.max_connections = 100;
  admin = std::make_unique<tls::endpoint>(
      y, tls::endpoint_handlers{
             nullptr, [this](const http::request& request, const http::responder& respond) {
               answer_admin_request(request, respond);
             }});
}

admin_figures node::impl::figures() const {
  std::lock_guard lock{endpoint_mutex};
  return {is_ready(), &count, endpoint ? endpoint->stats() : tls::endpoint_stats{}, log->stats(),
      db->approximate_size(), api::route_names(), gate ? gate->render_figures() : std::string{}};
}

void node::impl::answer_admin_request(
    const http::request& request, const http::responder& respond) {
  if (!request.path.starts_with("/inspect/"))
    return respond(answer_admin(request, figures()));
  inspector_actor hdl;
  {
    std::lock_guard lock{api_mutex};
    hdl = inspecting;
  }
  caf::anon_send(
      hdl, atom::call::value, api_call{request, respond, 0}); // it may wait, this may not
}

// -- node ----------------------------------------------------------------------------------------

node::node(node_options options) : impl_{std::make_unique<impl>(std::move(options))} {}

node::~node() { stop(); }

void node::start() {
  impl_->open_store();
  if (!impl_->opt.cluster) // several nodes have one, made by who leads the catalog
    impl_->make_operator_key();
  impl_->started = true;
  impl_->start_actors();
  impl_->start_admin();
  impl_->await_catalog();
  impl_->start_endpoint();
  impl_->ready = true;
  log::info("node ready", {{"name", impl_->opt.name}, {"port", port()},
                              {"admin_port", admin_port()}, {"epoch", impl_->sv->epoch}});
}

void node::stop() {
  auto& x = *impl_;
  if (!x.started)
    return;
  x.started = false;
  x.ready = false;
  auto begin = std::chrono::steady_clock::now();
  if (x.others)
    x.others->leave(); // first: devices that are sent away find their streams elsewhere
  if (x.endpoint) {
    x.endpoint->stop_accepting();
    std::mt19937 random{std::random_device{}()};
    auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begin);
    x.endpoint->drain([&](std::size_t) { return going_away(random); },
        std::min(drain_patience, stop_patience - passed));
  }
  if (x.others)
    x.others->stop();
  x.log->flush();
  {
    std::unique_lock lock{x.endpoint_mutex};
    auto ends = std::move(x.endpoint);
    lock.unlock();
    ends.reset(); // tells every device actor that its connection is gone
  }
  if (x.gate)
    x.gate->close();
  x.admin.reset();
  x.stop_actors();
  x.system->await_all_actors_done();
  x.gate.reset();
  x.log.reset(); // flushes what the dying actors still handed in
  x.system.reset();
  x.sv.reset();
  x.db.reset();
  log::info("node stopped", {{"name", x.opt.name}});
}

std::uint16_t node::port() const { return impl_->endpoint->port(); }
std::uint16_t node::admin_port() const { return impl_->admin->port(); }
const std::string& node::operator_key() const { return impl_->operator_key; }
std::string node::operator_secret_file() const {
  return (fs::path{impl_->opt.data_dir} / "operator.secret").string();
}
std::string node::reload_certificate() { return impl_->endpoint->reload_certificate(); }

} // namespace shoal
