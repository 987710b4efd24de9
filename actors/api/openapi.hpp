// The API's description, protocol/server_api.yaml, as part of the program.
#pragma once

#include <string_view>

namespace shoal::api {

extern const std::string_view openapi_yaml;

} // namespace shoal::api
