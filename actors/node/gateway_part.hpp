// The gateway of a node: what the I/O loops share, the services they own, the plain port, the
// gateway's actor. Owned by the node; made before its endpoint, ended after it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <caf/all.hpp>

#include "actors/gateway/etcd_discovery.hpp"
#include "actors/gateway/http_entrance.hpp"
#include "actors/gateway/local_backends.hpp"
#include "actors/gateway/supervisor.hpp"
#include "actors/registry/registry.hpp"
#include "actors/services.hpp"
#include "protocol/tls/endpoint.hpp"

namespace shoal {

struct gateway_part_options {
  const gateway::registry_cell* definitions = nullptr; ///< outlives the part
  clock_fn now_ms = wall_clock_ms;
  clock_fn steady_ms = shoal::steady_ms;
  std::string digest_file; ///< empty: no digest log
  std::size_t digest_max_bytes = 128u << 20;
  std::string plain_address = "127.0.0.1";
  std::uint16_t plain_port = 0; ///< 0: no plain port
  unsigned io_loops = 1;        ///< of the plain port
  std::size_t max_connections = 18'000;
  std::size_t max_http_body = 16 * 1024 * 1024;
  /// Where the instances of groups with discovery `etcd` are named; without endpoints: nowhere.
  cluster::etcd_options etcd;
  /// How it hears of the other nodes of a cluster, and talks to them.
  std::optional<gateway::limit_links> others;
};

class gateway_part {
public:
  explicit gateway_part(gateway_part_options options);
  ~gateway_part();

  /// For the node's endpoint.
  std::function<std::unique_ptr<tls::loop_service>(tls::io_loop&)> services_of_loops();

  /// Spawns the gateway's actor.
  caf::actor spawn(caf::actor_system& system, actor_registry* actors, const std::string& node);

  /// Backends of this node that are actors. Handles in it have to go before the actor system does.
  gateway::local_backends& locals() { return *share_->locals; }

  /// Adds one and spawns its actor; again should it die.
  caf::actor spawn_local(caf::actor_system& system, const std::string& name,
      const std::function<gateway::local_backend_actor(caf::actor_system&)>& make);

  /// The one that every node has: "sync" (sync_backend.hpp).
  caf::actor spawn_sync(caf::actor_system& system, actor_registry* actors, services_ptr services);

  /// Opens the plain port, if there is to be one. Throws std::runtime_error. What is not the
  /// gateway's goes to `otherwise`.
  void listen(std::function<void(http::request, http::responder)> otherwise);
  std::uint16_t plain_port() const { return plain_ ? plain_->port() : std::uint16_t{0}; }
  tls::endpoint* plain() { return plain_.get(); }
  void close() { plain_.reset(); }

  /// Hears what other nodes say about their use of limits; null without others.
  std::shared_ptr<gateway::limit_talk> limits() const { return limits_; }

  /// Prometheus text.
  std::string render_figures() const;

private:
  gateway_part_options opt_;
  gateway::node_share_ptr share_;
  std::shared_ptr<gateway::digest_writer> digest_;
  std::shared_ptr<gateway::limit_talk> limits_;
  std::unique_ptr<gateway::etcd_asker> etcd_;
  std::unique_ptr<tls::endpoint> plain_;
};

} // namespace shoal
