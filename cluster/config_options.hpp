// The table of options: section, key, bounds, unit and meaning of each, once.
//
// For config.cpp only: reading and printing both walk over it. `for_each_option` visits the options
// of sections that exist once, `for_each_node_option` those of one [[nodes]] entry.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string_view>

#include "cluster/config.hpp"

namespace shoal::cluster {

struct option_info {
  std::string_view section, key, help;
  std::string_view unit = {};                           ///< of numbers
  std::uint64_t min = 0;                                ///< of numbers, inclusive
  std::uint64_t max = 0;                                ///< of numbers, inclusive
  std::initializer_list<std::string_view> choices = {}; ///< of texts; empty: any text
  bool may_be_empty = false;                            ///< of texts
  bool must_be_given = false;                           ///< has no default
  bool is_host_port = false;                            ///< of texts
};

/// Calls `visit(info, field)` for every option, section by section.
template <class Config, class Visitor>
void for_each_option(Config& x, Visitor visit) {
  constexpr auto mib = std::uint64_t{1} << 20;
  auto text = [&](std::string_view section, std::string_view key, std::string_view help,
                  auto& field) {
    visit(option_info{section, key, help}, field);
  };
  auto optional_text = [&](std::string_view section, std::string_view key, std::string_view help,
                           auto& field) {
    auto info = option_info{section, key, help};
    info.may_be_empty = true;
    visit(info, field);
  };
  auto texts = [&](std::string_view section, std::string_view key, std::string_view help,
                   auto& field) {
    auto info = option_info{section, key, help};
    info.may_be_empty = true;
    visit(info, field);
  };
  auto choice = [&](std::string_view section, std::string_view key, std::string_view help,
                    std::initializer_list<std::string_view> choices, auto& field) {
    auto info = option_info{section, key, help};
    info.choices = choices;
    visit(info, field);
  };
  auto number = [&](std::string_view section, std::string_view key, std::string_view help,
                    std::string_view unit, std::uint64_t min, std::uint64_t max, auto& field) {
    visit(option_info{section, key, help, unit, min, max}, field);
  };

  text("node", "name", "Name of this node in logs, metrics and the cluster.", x.node.name);
  text("node", "data_dir", "Folder for everything that survives; one process at a time.",
      x.node.data_dir);

  text("listen", "address", "Address for devices and the server API (TLS).", x.listen.address);
  number("listen", "port", "Port for devices and the server API; 0 = any free one.", "", 0, 65535,
      x.listen.port);
  text("listen", "admin_address", "Address for metrics and health, plain HTTP: keep it private.",
      x.listen.admin_address);
  number("listen", "admin_port", "Port for metrics and health; 0 = any free one.", "", 0, 65535,
      x.listen.admin_port);
  optional_text("listen", "certificate",
      "PEM file with the certificate chain; empty = a self-signed development certificate in the "
      "data folder.",
      x.listen.certificate);
  optional_text("listen", "key", "PEM file with the private key of the certificate.", x.listen.key);
  number("listen", "io_loops", "Threads that own sockets; 0 = one per core.", "threads", 0, 256,
      x.listen.io_loops);
  number("listen", "max_connections", "More are refused; each takes a file descriptor.",
      "connections", 1, 1'000'000, x.listen.max_connections);
  texts("listen", "web_origins",
      "Whose pages may open a WebSocket, each as scheme://host[:port]; none = any page.",
      x.listen.web_origins);

  text("cluster", "name", "Nodes of clusters with different names refuse each other.",
      x.cluster.name);
  number("cluster", "partitions",
      "Shares that principals are spread over; fixed when the cluster is created.", "partitions", 1,
      4096, x.cluster.partitions);
  number("cluster", "replicas",
      "Nodes that hold a copy of each partition; 0 = three, or all nodes if they are fewer.",
      "nodes", 0, 7, x.cluster.replicas);
  choice("cluster", "meta",
      "Where it is kept which node owns what: in the node's own folder (one node), or in etcd.",
      {"local", "etcd"}, x.cluster.meta);
  number("cluster", "takeover_ms",
      "A node that most others cannot reach for so long loses what it leads.", "milliseconds", 200,
      60'000, x.cluster.takeover_ms);

  optional_text("link", "ca",
      "PEM file with the certificate that signed those of all nodes. {node} in any path of this "
      "file is the node's name.",
      x.link.ca);
  optional_text("link", "certificate",
      "PEM file with the certificate that the node shows to the others; must hold its name.",
      x.link.certificate);
  optional_text("link", "key", "PEM file with the private key of the certificate.", x.link.key);

  texts("etcd", "endpoints", "Where etcd answers, all members; each as http(s)://host:port.",
      x.etcd.endpoints);
  optional_text(
      "etcd", "ca", "PEM file with the certificate that signed those of etcd.", x.etcd.ca);
  optional_text(
      "etcd", "certificate", "PEM file with the certificate to show to etcd.", x.etcd.certificate);
  optional_text("etcd", "key", "PEM file with the private key of the certificate.", x.etcd.key);
  optional_text("etcd", "prefix",
      "What all keys of this cluster begin with; empty = /shoal/ and the cluster's name.",
      x.etcd.prefix);

  number("limits", "max_frame", "Largest frame that a device may send.", "bytes", 1024, 16 * mib,
      x.limits.max_frame);
  number("limits", "max_http_body", "Largest body of an API call.", "bytes", 1024, 1024 * mib,
      x.limits.max_http_body);
  number("limits", "payload_max", "Largest payload that a biz may allow for its ops.", "bytes", 1,
      mib, x.limits.payload_max);
  number("limits", "batch_items", "Most items in one call with many targets.", "items", 1, 100'000,
      x.limits.batch_items);
  number("limits", "subscriptions_per_device", "Most bizs that one device may subscribe to.",
      "subscriptions", 1, 10'000, x.limits.subscriptions_per_device);
  number("limits", "heartbeat_min_s", "Shortest heartbeat that a device may choose.", "seconds", 1,
      86'400, x.limits.heartbeat_min_s);
  number("limits", "heartbeat_max_s", "Longest heartbeat that a device may choose.", "seconds", 1,
      86'400, x.limits.heartbeat_max_s);
  number("limits", "heartbeat_default_s", "Heartbeat of a device that does not choose.", "seconds",
      1, 86'400, x.limits.heartbeat_default_s);
  number("limits", "window_ops", "Most ops under way to a device, unacknowledged.", "ops", 1,
      1'000'000, x.limits.window_ops);
  number("limits", "window_bytes", "Most bytes under way to a device; one op always fits.", "bytes",
      1024, 64 * mib, x.limits.window_bytes);
  number("limits", "ack_timeout_s", "A device that acknowledges nothing for so long is let go.",
      "seconds", 1, 3600, x.limits.ack_timeout_s);
  number("limits", "clock_window_s", "How far the clock of a signer may be off.", "seconds", 1,
      86'400, x.limits.clock_window_s);
  number("limits", "stream_idle_s", "A stream that nobody uses for so long leaves the memory.",
      "seconds", 1, 86'400, x.limits.stream_idle_s);
  number("limits", "audit_records",
      "Records of who changed what that are kept of each app; the oldest go in the background.",
      "records", 1, 100'000'000, x.limits.audit_records);
  number("limits", "audit_days", "How long they are kept at most.", "days", 1, 36'500,
      x.limits.audit_days);

  number("storage", "block_cache_mb", "Memory for what is read from disk.", "MiB", 8, 1'048'576,
      x.storage.block_cache_mb);
  number("storage", "memtable_mb",
      "Memory for what was written last, per family; a start after a crash reads twice as much.",
      "MiB", 1, 1024, x.storage.memtable_mb);
  number("storage", "replica_log_mb",
      "Disk for records kept for replicas that are behind, of all partitions, at least 4 MiB for "
      "each; four times as much while replicas are filled. Who needs older ones gets a copy of the "
      "whole partition.",
      "MiB", 64, 1'048'576, x.storage.replica_log_mb);

  choice("gateway", "digest",
      "Where a line per call of the gateway is written: gateway-digest.log in the data folder, or "
      "nowhere.",
      {"file", "off"}, x.gateway.digest);
  number("gateway", "digest_max_mb", "Size of that file; then it is rotated, and eight are kept.",
      "MiB", 1, 1'048'576, x.gateway.digest_max_mb);
  text("gateway", "plain_address",
      "Address of the plain HTTP port for a balancer, whose X-Forwarded-For is believed: keep it "
      "private.",
      x.gateway.plain_address);
  number("gateway", "plain_port", "Port of it; 0 = none.", "", 0, 65535, x.gateway.plain_port);
  texts("gateway", "discovery_etcd",
      "Where the etcd answers that names the instances of groups with discovery \"etcd\", all "
      "members, each as http(s)://host:port; none = that of [etcd], if it is given.",
      x.gateway.discovery_etcd);
  optional_text("gateway", "discovery_etcd_prefix",
      "Below which keys these groups may look; goes before the source of each as it is.",
      x.gateway.discovery_etcd_prefix);
  optional_text("gateway", "discovery_etcd_ca",
      "PEM file with the certificate that signed those of discovery_etcd.",
      x.gateway.discovery_etcd_ca);
  optional_text("gateway", "discovery_etcd_certificate",
      "PEM file with the certificate to show to discovery_etcd.",
      x.gateway.discovery_etcd_certificate);
  optional_text("gateway", "discovery_etcd_key",
      "PEM file with the private key of the certificate.", x.gateway.discovery_etcd_key);

  choice("log", "level", "Least important lines that are written.",
      {"trace", "debug", "info", "warn", "error", "off"}, x.log.level);
  choice("log", "format", "Form of a line.", {"kv", "json"}, x.log.format);
}

/// Calls `visit(info, field)` for every option of one [[nodes]] entry.
template <class Entry, class Visitor>
void for_each_node_option(Entry& x, Visitor visit) {
  auto host_port = [&](std::string_view key, std::string_view help, auto& field) {
    auto info = option_info{"nodes", key, help};
    info.must_be_given = true;
    info.is_host_port = true;
    visit(info, field);
  };
  auto name = option_info{"nodes", "name",
      "Name of the node, unique in the cluster: lower case letters, digits and hyphens."};
  name.must_be_given = true;
  visit(name, x.name);
  host_port("address", "Where devices and the server API connect (TLS).", x.address);
  host_port("link", "Where the other nodes connect (TLS with the certificates of [link]).", x.link);
  host_port("admin", "Metrics and health, plain HTTP: keep it private.", x.admin);
  auto folder = option_info{"nodes", "data_dir",
      "Folder for everything that survives; empty = data_dir of [node] with /{node} behind it."};
  folder.may_be_empty = true;
  visit(folder, x.data_dir);
}

} // namespace shoal::cluster
