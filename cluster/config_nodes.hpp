// What a configuration says about nodes: which one this process is, who its peers are, and whether
// the parts of the file go together.
//
// Pure functions over `config`; nothing here reads files or dials.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/config.hpp"
#include "cluster/etcd_meta_store.hpp"
#include "cluster/node_links.hpp"

namespace shoal::cluster {

struct host_port {
  std::string host; ///< without the brackets of an IPv6 address
  std::uint16_t port = 0;
  bool operator==(const host_port&) const = default;
};

/// Reads "host:port" and "[::1]:port"; false if the text is neither.
bool from_string(std::string_view text, host_port& out);

/// True for what may name a node: it goes into certificates, paths and keys. 1 to 63 lower case
/// letters, digits and hyphens, no hyphen at the ends.
bool is_node_name(std::string_view text);

/// What two options together get wrong; `what` is empty if nothing is.
struct inconsistent {
  std::string_view section, key; ///< the place to point at
  std::size_t nth = 0;           ///< of [[nodes]]
  std::string what;
};
inconsistent inconsistency(const config& x);

/// The configuration of one node out of that of all: fills [node] and [listen] from its [[nodes]]
/// entry and puts its name for {node} into all paths. An empty `name` is enough if there is
/// one entry at most; without entries the configuration stays as it is. Throws config_error.
config for_node(config all, const std::string& name);

/// The other nodes of what `for_node` returned; empty for a node that is alone.
std::vector<peer_address> peers_of(const config& x);

/// Copies that a partition should have: [cluster] replicas, or its default for so many nodes.
std::size_t replicas_of(const config& x);

/// What all keys in etcd begin with: [etcd] prefix, or its default; ends with a slash.
std::string etcd_prefix(const config& x);

/// How to reach etcd; without endpoints if [cluster] meta is "local".
etcd_options etcd_of(const config& x);

/// How to reach the etcd that names instances of gateway groups: what [gateway] says, or else
/// [etcd]. Without endpoints if neither does.
etcd_options discovery_etcd_of(const config& x);

/// Options for the wires between nodes, but for the incarnation, which each start draws anew.
link_options links_of(const config& x);

} // namespace shoal::cluster
