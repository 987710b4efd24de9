// Where the nodes are: --node, else --cluster, else $SHOAL_NODE, else $SHOAL_CLUSTER, else this
// machine's admin port. With --node and a cluster's configuration a word without a port is the name
// of one of its nodes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/inspector/session.hpp"
#include "tools/terminal/environment.hpp"

namespace shoal::inspector {

using terminal::environment;
using terminal::process_environment;

/// Throws `bad_usage`. `nodes` and `cluster` are what the flags say, or empty.
std::vector<node_address> find_nodes(
    const environment& env, const std::string& nodes, const std::string& cluster);

/// The nodes of a cluster's configuration: `name` and `admin` of each [[nodes]] entry.
std::vector<node_address> nodes_of_file(const std::string& file);

/// "http://a:1,b:2" and the like.
std::vector<node_address> nodes_of_list(std::string_view text);

} // namespace shoal::inspector
