// The operator's key as files in the data folder, for people at this machine: `operator.key` has
// its id, `operator.secret` its secret, readable by the owner only.
#pragma once

#include <string>

#include "actors/catalog/catalog.hpp"

namespace shoal {

/// False, with a line in the log, if the files cannot be written.
bool write_operator_key(const std::string& data_dir, const key_config& key);

} // namespace shoal
