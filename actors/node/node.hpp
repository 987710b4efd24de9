// The node: everything one `shoald` process is, from the data folder to the listening sockets.
//
//   node (this object, and its root supervisor actor)
//    ├─ partition 0..63 ── stream … (on demand)
//    ├─ reader 0..1 (detached)      verifier (detached)
//    ├─ catalog writer              hub
//    ├─ relay per app (on demand)   api 0..1
//    ├─ endpoint ── device … (one per connection)
//    └─ one of several nodes: links, replicator, steward, peers, stand-ins (cluster_part.hpp)
//
// Owns all of it and the order of starting and stopping. `start` throws std::runtime_error with a
// sentence for people. `stop` is clean: no new connections, devices are told to come back later
// with jitter, the log is flushed, actors end.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "actors/gateway/local_backend.hpp"
#include "actors/limits.hpp"
#include "storage/audit_sweep.hpp"

namespace shoal::cluster {
struct config;
struct etcd_options;
} // namespace shoal::cluster

namespace shoal {

struct node_options {
  std::string name = "n1";
  std::string data_dir = "shoal-data";
  std::string address = "127.0.0.1";
  std::uint16_t port = 8443; ///< devices and API, TLS; 0 = any free one
  std::string admin_address = "127.0.0.1";
  std::uint16_t admin_port = 9464; ///< /metrics, /healthz, /readyz, plain HTTP; 0 = any free one
  std::string certificate; ///< PEM; empty: a self-signed development certificate in the data folder
  std::string key;
  unsigned io_loops = 0; ///< 0 = number of cores
  std::size_t max_connections = 18'000;
  std::vector<std::string> web_origins; ///< whose pages may open a WebSocket; empty: any
  std::size_t max_frame = 64 * 1024;
  std::size_t max_http_body = 16 * 1024 * 1024;
  std::uint16_t partitions = 64;
  std::size_t block_cache_mb = 256;
  std::size_t memtable_mb = 16;
  bool gateway_digest = true; ///< a line per call in gateway-digest.log of the data folder
  std::size_t gateway_digest_max_mb = 128; ///< of one file; eight older ones are kept
  std::string gateway_plain_address = "127.0.0.1";
  std::uint16_t gateway_plain_port = 0; ///< plain HTTP for a balancer; 0: none
  /// The etcd that names instances of gateway groups (cluster/config_nodes.hpp); null: none does.
  std::shared_ptr<const cluster::etcd_options> gateway_etcd;
  bool ephemeral = false; ///< keep everything in memory
  bool new_epoch = false; ///< the data folder was restored from a backup: start a new history
  limits limit;
  /// Actors that groups of kind `local` of the gateway call, by name: how to spawn each, also again
  /// should it die. "sync" is the node's own.
  std::map<std::string, std::function<gateway::local_backend_actor(caf::actor_system&)>>
      local_backends;
  storage::audit_limits audit; ///< how much of the audit trail is kept
  /// The cluster's configuration, for this node (cluster/config_nodes.hpp); null: it is alone.
  std::shared_ptr<const cluster::config> cluster;
  std::string config_text; ///< what the operator configured, without secrets; for bug reports
  std::function<void()> on_give_up; ///< too many actors died; called once, from an actor's thread
};

class node {
public:
  explicit node(node_options options);
  ~node();

  void start();
  /// Idempotent; done within about 5 s.
  void stop();

  std::uint16_t port() const;
  std::uint16_t admin_port() const;

  /// The operator's key: id, and the file that holds its secret.
  const std::string& operator_key() const;
  std::string operator_secret_file() const;

  /// "" or why the old certificate stays.
  std::string reload_certificate();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace shoal
