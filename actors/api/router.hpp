// Which route a method and path mean. Segments are compared as they were sent, nothing is decoded
// or normalised: what a caller signed is what is matched, and there are no two spellings of one
// resource. The table is the same as protocol/server_api.yaml; a test compares them.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::api {

/// Who may use a route.
enum class access : std::uint8_t {
  anyone,    ///< unsigned
  operator_, ///< the operator's keys
  manage,    ///< admin keys of the app, and the operator
  admin,     ///< admin keys of the app
  write,     ///< admin and write
  read,      ///< admin, write and read
};

enum class route_id : std::uint8_t {
  time,
  openapi,
  create_app,
  list_apps,
  show_app,
  set_users_auth,
  create_key,
  list_keys,
  change_key,
  delete_key,
  put_biz,
  show_biz,
  list_bizs,
  patch_biz,
  biz_online,
  biz_offline,
  audit,
  sync,
  sync_batch,
  stream,
  stream_ops,
  stream_cursors,
  stream_why,
  device,
  kick_device,
  user,
  online,
  nodes,
  node_state,
  gw_settings,
  gw_put_settings,
  gw_patch_settings,
  gw_groups,
  gw_group,
  gw_put_group,
  gw_patch_group,
  gw_delete_group,
  gw_services,
  gw_put_instance,
  gw_delete_instance,
  gw_rules,
  gw_rule,
  gw_put_rule,
  gw_delete_rule,
  gw_protos,
  gw_proto,
  gw_put_proto,
  gw_delete_proto,
  gw_apis,
  gw_api,
  gw_put_api,
  gw_patch_api,
  gw_delete_api,
  gw_api_online,
  gw_api_offline,
  gw_api_versions,
  gw_api_diff,
  gw_api_rollback,
  gw_api_example,
  gw_api_test_call,
  gw_export,
  gw_import,
  gw_copy,
};

struct route {
  route_id id;
  access who;
  std::string_view method;
  std::string_view pattern;    ///< "{name}" matches one segment
  std::string_view query = ""; ///< names of its query parameters, with a space between
};

std::span<const route> routes();

/// "POST /v1/apps/{app}/sync", in the order of `routes`.
std::vector<std::string> route_names();

constexpr std::size_t max_params = 4;

struct route_match {
  const route* found = nullptr;
  std::array<std::string, max_params>
      params;          ///< in the order of the pattern; the app is always the first
  std::string allowed; ///< not found, but these methods exist for the path: "GET, PUT"
};

route_match match_route(std::string_view method, std::string_view path);

} // namespace shoal::api
