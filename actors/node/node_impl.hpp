// What a node is made of: private to its sources, which share the work as the methods below are
// grouped.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/inspect/inspector.hpp"
#include "actors/node/admin.hpp"
#include "actors/node/cluster_part.hpp"
#include "actors/node/gateway_part.hpp"
#include "actors/node/node.hpp"
#include "actors/node/send_off.hpp"
#include "actors/node/supervisor.hpp"
#include "actors/registry/registry.hpp"
#include "actors/services.hpp"
#include "protocol/tls/endpoint.hpp"

namespace shoal {

struct node::impl {
  explicit impl(node_options x) : opt{std::move(x)} {}

  // node.cpp
  void open_store();
  void make_operator_key();
  bool is_ready() const { return ready.load() && (!others || others->ready()); }

  // node_actors.cpp
  void start_actors();
  void give_up();
  void start_partitions();
  void join_cluster();
  void start_writers();
  void start_entrances();
  void watch(const std::string& name, std::function<caf::actor()> spawn);
  relay_actor spawn_relay(app_no app);
  caf::actor spawn_partition(partition_no no);
  caf::actor spawn_reader(std::size_t index);
  caf::actor spawn_inspector();
  void look_at_drain(bool draining);
  void stop_actors();

  // node_gateway.cpp
  void make_gateway();
  void spawn_local_backends();

  // node_sockets.cpp
  void start_endpoint();
  void start_admin();
  void await_catalog() const;
  bool knows_nobody() const;
  std::shared_ptr<tls::link_sink> accept_device(tls::link link, const std::string& peer);
  void answer_request(http::request request, http::responder respond);
  void answer_admin_request(const http::request& request, const http::responder& respond);
  admin_figures figures() const;

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
  send_off leaving;                     ///< the steward's thread only
  std::unique_ptr<cluster_part> others; ///< null: this node is alone
  std::unique_ptr<gateway_part> gate;
  inspector_actor inspecting; ///< guarded by api_mutex
  std::unique_ptr<tls::endpoint> endpoint, admin;
  mutable std::mutex endpoint_mutex; ///< for who looks at it while the node stops
  std::atomic<bool> ready{false}, gave_up{false};
  bool started = false;
};

} // namespace shoal
