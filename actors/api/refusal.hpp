// Why a request is not served: thrown by the pieces that read requests, turned into a problem
// document in one place.
#pragma once

#include <string>

#include "protocol/codes.hpp"

namespace shoal::api {

struct refusal {
  ec code = ec::invalid_argument;
  std::string detail; ///< one sentence for people; names the field
};

} // namespace shoal::api
