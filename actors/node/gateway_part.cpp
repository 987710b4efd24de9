#include "actors/node/gateway_part.hpp"

#include "actors/gateway/sync_backend.hpp"
#include "actors/log.hpp"
#include "actors/registry/watched.hpp"

namespace shoal {

gateway_part::gateway_part(gateway_part_options options)
    : opt_{std::move(options)}, share_{std::make_shared<gateway::node_share>(
                                    *opt_.definitions, opt_.now_ms, opt_.steady_ms)} {
  if (opt_.others)
    limits_ = std::make_shared<gateway::limit_talk>(*opt_.others);
  if (!opt_.etcd.endpoints.empty())
    etcd_ = std::make_unique<gateway::etcd_asker>(*opt_.definitions, share_->etcd, opt_.etcd);
  if (opt_.digest_file.empty())
    return;
  auto x = gateway::digest_log_options{};
  x.file = opt_.digest_file;
  x.max_bytes = opt_.digest_max_bytes;
  digest_ = std::make_shared<gateway::digest_writer>(std::move(x));
  share_->digest = [to = digest_](std::string&& lines) { to->add(std::move(lines)); };
}

gateway_part::~gateway_part() {
  plain_.reset();
  etcd_.reset();
  if (digest_)
    digest_->stop(); // with what the loops handed over when they ended
}

std::function<std::unique_ptr<tls::loop_service>(tls::io_loop&)> gateway_part::services_of_loops() {
  return [share = share_](
             tls::io_loop& loop) { return std::make_unique<gateway::http_entrance>(loop, share); };
}

caf::actor gateway_part::spawn(
    caf::actor_system& system, actor_registry* actors, const std::string& node) {
  auto x = gateway::supervisor_options{share_, digest_, limits_};
  auto hdl = spawn_watched(
      system, actors, below_root(actors, node, "gateway"), gateway::supervisor, std::move(x));
  return caf::actor_cast<caf::actor>(hdl);
}

caf::actor gateway_part::spawn_local(caf::actor_system& system, const std::string& name,
    const std::function<gateway::local_backend_actor(caf::actor_system&)>& make) {
  auto hdl = make(system);
  if (auto flaw = locals().add(name, hdl); !flaw.empty())
    log::error("local backend not added", {{"name", name}, {"why", flaw}});
  return caf::actor_cast<caf::actor>(hdl);
}

caf::actor gateway_part::spawn_sync(
    caf::actor_system& system, actor_registry* actors, services_ptr services) {
  return spawn_local(system, "sync", [&](caf::actor_system& in) -> gateway::local_backend_actor {
    return spawn_watched(
        in, actors, below_root(actors, "sync"), gateway::sync_backend, std::move(services));
  });
}

std::string gateway_part::render_figures() const {
  auto out = share_->counts.render();
  if (!etcd_)
    return out;
  auto add = [&](const char* name, const char* help, auto value) {
    auto series = "shoal_gateway_etcd_" + std::string{name};
    out += "# HELP " + series + " " + help + "\n# TYPE " + series + " gauge\n" + series + " " +
           std::to_string(value) + "\n";
  };
  auto now = share_->etcd.now();
  auto silent_ms = now.silent_since_ms == 0 ? 0 : steady_ms() - now.silent_since_ms;
  add("prefixes", "Prefixes that groups of the gateway look at", now.prefixes);
  add("instances", "Instances below them", now.instances);
  add("silent_seconds", "For how long etcd has not answered; 0 while it does",
      static_cast<double>(silent_ms) / 1e3);
  return out;
}

void gateway_part::listen(std::function<void(http::request, http::responder)> otherwise) {
  if (opt_.plain_port == 0)
    return;
  auto x = tls::endpoint_options{};
  x.address = opt_.plain_address;
  x.port = opt_.plain_port;
  x.loops = opt_.io_loops;
  x.tls = false;
  x.max_connections = opt_.max_connections;
  x.max_http_body = opt_.max_http_body;
  auto handlers = tls::endpoint_handlers{};
  handlers.on_request = std::move(otherwise);
  handlers.make_service = [share = share_](tls::io_loop& loop) {
    auto options = gateway::entrance_options{};
    options.behind_balancer = true;
    return std::make_unique<gateway::http_entrance>(loop, share, options);
  };
  plain_ = std::make_unique<tls::endpoint>(std::move(x), std::move(handlers));
}

} // namespace shoal
