// An audit record of something that is no change of the catalog: a device is kicked, a node
// drained. It goes the way of all audit records, through the catalog's writer and the log of
// partition 0, so every replica has it.
#pragma once

#include <string_view>

#include <nlohmann/json.hpp>

#include "actors/interfaces.hpp"

namespace shoal {

struct remark {
  std::string what;     ///< "device kicked"
  std::string note;     ///< where it was done
  nlohmann::json about; ///< the record's `after`
};

constexpr std::size_t max_remark_bytes = 4096;

/// `by` is the key id of who asked; null `app`: of the whole server.
catalog_change change_of(const remark& x, std::string by, app_ptr app);

/// False if `change` is no remark, or one that cannot be read.
bool read_remark(const catalog_change& change, remark& out);

} // namespace shoal
