// How a node sets up its gateway. The data is in node_impl.hpp.
#include <filesystem>
#include <set>
#include <stdexcept>
#include <thread>

#include "actors/node/node_impl.hpp"
#include "cluster/etcd_meta_store.hpp"

namespace shoal {

namespace {

/// How the gateways of a cluster's nodes tell each other what they have used of their limits.
gateway::limit_links limit_links_of(const std::shared_ptr<remote_nodes>& remote) {
  auto reachable = [remote] {
    auto out = std::set<std::string>{};
    for (auto& [name, hdl] : remote->peers())
      if (remote->ready(name))
        out.insert(name);
    return out;
  };
  auto tell = [remote](const std::string& to, std::string body) {
    remote->send(to, cluster::traffic::control, std::move(body));
  };
  return {reachable, tell};
}

[[noreturn]] void refuse_local_backend(const std::string& name, const std::string& flaw) {
  throw std::runtime_error("local backend \"" + name + "\": " + flaw);
}

} // namespace

void node::impl::make_gateway() {
  auto x = gateway_part_options{};
  x.definitions = sv->gateway.get();
  x.now_ms = sv->now_ms;
  x.steady_ms = sv->steady_ms;
  if (opt.gateway_digest)
    x.digest_file = (std::filesystem::path{opt.data_dir} / "gateway-digest.log").string();
  x.digest_max_bytes = opt.gateway_digest_max_mb << 20;
  x.plain_address = opt.gateway_plain_address;
  x.plain_port = opt.gateway_plain_port;
  x.io_loops = opt.io_loops != 0 ? opt.io_loops : std::max(1u, std::thread::hardware_concurrency());
  x.max_connections = opt.max_connections;
  x.max_http_body = opt.max_http_body;
  if (opt.gateway_etcd)
    x.etcd = *opt.gateway_etcd;
  if (opt.cluster)
    x.others = limit_links_of(sv->remote);
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
      refuse_local_backend(name, flaw);
    watch("local backend " + name,
        [this, name = name, make = make] { return gate->spawn_local(*system, name, make); });
  }
}

} // namespace shoal
