#include "actors/node/node.hpp"

#include <filesystem>
#include <random>

#include <caf/all.hpp>

#include "actors/catalog/catalog_codec.hpp"
#include "actors/catalog/new_key.hpp"
#include "actors/device/going_away.hpp"
#include "actors/gateway/gateway_rows.hpp"
#include "actors/log.hpp"
#include "actors/node/lost_store.hpp"
#include "actors/node/node_impl.hpp"
#include "actors/node/operator_key.hpp"
#include "cluster/config_nodes.hpp"
#include "protocol/device.pb.h"
#include "protocol/tls/device_calls.hpp"
#include "storage/identity.hpp"

namespace shoal {

namespace fs = std::filesystem;

namespace {

constexpr auto drain_patience = std::chrono::milliseconds{2500};
/// Of a node that stops, for everything before its actors end.
constexpr auto stop_patience = std::chrono::milliseconds{3800};

shared_bytes going_away(std::mt19937& random) {
  wire::Close out;
  out.set_code(static_cast<std::uint32_t>(ec::going_away));
  out.set_text("this node stops");
  out.set_retry_after_ms(absence_ms(static_cast<std::uint32_t>(random())));
  return std::make_shared<const std::string>(
      encode_frame(frame_type::close, out.SerializeAsString()));
}

} // namespace

// -- store ---------------------------------------------------------------------------------------

void node::impl::open_store() {
  auto copies = opt.cluster && cluster::replicas_of(*opt.cluster) > 1;
  if (opt.ephemeral) {
    db = storage::make_memory_database();
  } else {
    fs::create_directories(opt.data_dir);
    storage::rocks_options x;
    x.block_cache_bytes = opt.block_cache_mb << 20;
    x.memtable_bytes = opt.memtable_mb << 20;
    x.stop_when_damaged = copies;
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
  face_lost_records(*db, {opt.data_dir, copies, opt.new_epoch});
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
