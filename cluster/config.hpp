// A node's configuration: every option with its default, here and nowhere else.
//
// Read once at the start, from a TOML file, into plain structs; components are given what they need
// of it and never look options up. What an option means, its unit and its bounds are declared in
// config_options.hpp; `dump` prints all of that.
//
// One file serves all nodes of a cluster: it lists them as [[nodes]], and `for_node`
// (config_nodes.hpp) makes of it the configuration of one. A file without [[nodes]] is about one
// node, described by [node] and [listen].
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::cluster {

struct config {
  struct node_section {
    std::string name = "n1";
    std::string data_dir = "shoal-data";
    bool operator==(const node_section&) const = default;
  } node;

  struct listen_section {
    std::string address = "127.0.0.1";
    std::uint16_t port = 8443;
    std::string admin_address = "127.0.0.1";
    std::uint16_t admin_port = 9464;
    std::string certificate;
    std::string key;
    unsigned io_loops = 0;
    std::size_t max_connections = 18'000;
    std::vector<std::string> web_origins;
    bool operator==(const listen_section&) const = default;
  } listen;

  struct cluster_section {
    std::string name = "shoal";
    std::uint16_t partitions = 64;
    std::uint32_t replicas = 0;
    std::string meta = "local";
    std::uint32_t takeover_ms = 1500;
    bool operator==(const cluster_section&) const = default;
  } cluster;

  struct link_section {
    std::string ca;
    std::string certificate;
    std::string key;
    bool operator==(const link_section&) const = default;
  } link;

  struct etcd_section {
    std::vector<std::string> endpoints;
    std::string ca;
    std::string certificate;
    std::string key;
    std::string prefix;
    bool operator==(const etcd_section&) const = default;
  } etcd;

  struct limits_section {
    std::size_t max_frame = 64 * 1024;
    std::size_t max_http_body = 16 * 1024 * 1024;
    std::uint32_t payload_max = 1024 * 1024;
    std::uint32_t batch_items = 10'000;
    std::uint32_t subscriptions_per_device = 64;
    std::uint32_t heartbeat_min_s = 5;
    std::uint32_t heartbeat_max_s = 3600;
    std::uint32_t heartbeat_default_s = 60;
    std::uint32_t window_ops = 256;
    std::uint32_t window_bytes = 256 * 1024;
    std::uint32_t ack_timeout_s = 30;
    std::uint32_t clock_window_s = 300;
    std::uint32_t stream_idle_s = 120;
    std::uint32_t audit_records = 10'000;
    std::uint32_t audit_days = 400;
    bool operator==(const limits_section&) const = default;
  } limits;

  struct storage_section {
    std::size_t block_cache_mb = 256;
    std::size_t memtable_mb = 16;
    std::size_t replica_log_mb = 4096;
    bool operator==(const storage_section&) const = default;
  } storage;

  struct gateway_section {
    std::string digest = "file";
    std::size_t digest_max_mb = 128;
    std::string plain_address = "127.0.0.1";
    std::uint16_t plain_port = 0;
    std::vector<std::string> discovery_etcd;
    std::string discovery_etcd_prefix;
    std::string discovery_etcd_ca;
    std::string discovery_etcd_certificate;
    std::string discovery_etcd_key;
    bool operator==(const gateway_section&) const = default;
  } gateway;

  struct log_section {
    std::string level = "info";
    std::string format = "kv";
    bool operator==(const log_section&) const = default;
  } log;

  /// One [[nodes]] entry. Addresses are host:port.
  struct node_entry {
    std::string name;
    std::string address;
    std::string link;
    std::string admin;
    std::string data_dir;
    bool operator==(const node_entry&) const = default;
  };
  std::vector<node_entry> nodes;

  bool operator==(const config&) const = default;
};

/// A sentence for people: file, line if it is known, option, and what was expected.
class config_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Reads a file. Options that it does not mention keep their defaults. Throws config_error.
config load_config(const std::string& file);

/// The same for text at hand; `file` is only for messages.
config parse_config(std::string_view text, const std::string& file);

/// The configuration as TOML, every option explained. `parse_config` reads it back as it was.
std::string dump(const config& x);

} // namespace shoal::cluster
