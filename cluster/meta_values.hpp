// The records of the meta store as JSON text. Nodes of several versions read the same records: what
// a reader does not know it ignores, what is optional may be missing, what is required is checked.
//
// Reading never throws; false leaves `out` empty. Layout: README.md, "Meta store".
#pragma once

#include <string>
#include <string_view>

#include "cluster/meta_store.hpp"

namespace shoal::cluster {

std::string to_text(const view& x);
std::string to_text(const node_info& x);
std::string to_text(const controller_record& x);
std::string to_text(const cluster_identity& x);

bool from_text(std::string_view text, view& out);
bool from_text(std::string_view text, node_info& out);
bool from_text(std::string_view text, controller_record& out);
bool from_text(std::string_view text, cluster_identity& out);

} // namespace shoal::cluster
