#include "actors/api/router.hpp"

#include "actors/metrics.hpp"

namespace shoal::api {

namespace {

constexpr route table[] = {
    // The hot ones first.
    {route_id::sync, access::write, "POST", "/v1/apps/{app}/sync"},
    {route_id::sync_batch, access::write, "POST", "/v1/apps/{app}/sync/batch"},
    {route_id::stream, access::read, "GET", "/v1/apps/{app}/streams/{principal}/{biz}"},
    {route_id::stream_ops, access::read, "GET", "/v1/apps/{app}/streams/{principal}/{biz}/ops",
        "after limit"},
    {route_id::stream_cursors, access::read, "GET",
        "/v1/apps/{app}/streams/{principal}/{biz}/cursors", "after limit device"},
    {route_id::stream_why, access::read, "GET", "/v1/apps/{app}/streams/{principal}/{biz}/why",
        "id device"},
    {route_id::device, access::read, "GET", "/v1/apps/{app}/devices/{device}"},
    {route_id::kick_device, access::admin, "DELETE", "/v1/apps/{app}/devices/{device}/connection"},
    {route_id::user, access::read, "GET", "/v1/apps/{app}/users/{user}"},
    {route_id::online, access::read, "GET", "/v1/apps/{app}/online", "after limit"},
    {route_id::create_app, access::operator_, "POST", "/v1/apps"},
    {route_id::list_apps, access::operator_, "GET", "/v1/apps"},
    {route_id::show_app, access::manage, "GET", "/v1/apps/{app}"},
    {route_id::set_users_auth, access::admin, "PUT", "/v1/apps/{app}/users-auth"},
    {route_id::create_key, access::manage, "POST", "/v1/apps/{app}/keys"},
    {route_id::list_keys, access::manage, "GET", "/v1/apps/{app}/keys"},
    {route_id::change_key, access::manage, "PATCH", "/v1/apps/{app}/keys/{key}"},
    {route_id::delete_key, access::manage, "DELETE", "/v1/apps/{app}/keys/{key}"},
    {route_id::list_bizs, access::read, "GET", "/v1/apps/{app}/biz"},
    {route_id::put_biz, access::admin, "PUT", "/v1/apps/{app}/biz/{biz}"},
    {route_id::show_biz, access::read, "GET", "/v1/apps/{app}/biz/{biz}"},
    {route_id::patch_biz, access::admin, "PATCH", "/v1/apps/{app}/biz/{biz}"},
    {route_id::biz_online, access::admin, "POST", "/v1/apps/{app}/biz/{biz}/online"},
    {route_id::biz_offline, access::admin, "POST", "/v1/apps/{app}/biz/{biz}/offline"},
    {route_id::audit, access::admin, "GET", "/v1/apps/{app}/audit", "after limit"},
    {route_id::audit, access::operator_, "GET", "/v1/audit", "after limit"},
    {route_id::gw_settings, access::read, "GET", "/v1/apps/{app}/gateway/settings"},
    {route_id::gw_put_settings, access::admin, "PUT", "/v1/apps/{app}/gateway/settings"},
    {route_id::gw_patch_settings, access::admin, "PATCH", "/v1/apps/{app}/gateway/settings"},
    {route_id::gw_groups, access::read, "GET", "/v1/apps/{app}/gateway/groups"},
    {route_id::gw_group, access::read, "GET", "/v1/apps/{app}/gateway/groups/{group}"},
    {route_id::gw_put_group, access::admin, "PUT", "/v1/apps/{app}/gateway/groups/{group}"},
    {route_id::gw_patch_group, access::admin, "PATCH", "/v1/apps/{app}/gateway/groups/{group}"},
    {route_id::gw_delete_group, access::admin, "DELETE", "/v1/apps/{app}/gateway/groups/{group}"},
    {route_id::gw_services, access::read, "GET", "/v1/apps/{app}/gateway/services"},
    {route_id::gw_put_instance, access::write, "PUT",
        "/v1/apps/{app}/gateway/services/{service}/instances/{address}"},
    {route_id::gw_delete_instance, access::write, "DELETE",
        "/v1/apps/{app}/gateway/services/{service}/instances/{address}"},
    {route_id::gw_rules, access::read, "GET", "/v1/apps/{app}/gateway/auth-rules"},
    {route_id::gw_rule, access::read, "GET", "/v1/apps/{app}/gateway/auth-rules/{rule}"},
    {route_id::gw_put_rule, access::admin, "PUT", "/v1/apps/{app}/gateway/auth-rules/{rule}"},
    {route_id::gw_delete_rule, access::admin, "DELETE", "/v1/apps/{app}/gateway/auth-rules/{rule}"},
    {route_id::gw_protos, access::read, "GET", "/v1/apps/{app}/gateway/protos"},
    {route_id::gw_proto, access::read, "GET", "/v1/apps/{app}/gateway/protos/{proto}"},
    {route_id::gw_put_proto, access::admin, "PUT", "/v1/apps/{app}/gateway/protos/{proto}"},
    {route_id::gw_delete_proto, access::admin, "DELETE", "/v1/apps/{app}/gateway/protos/{proto}"},
    {route_id::gw_apis, access::read, "GET", "/v1/apps/{app}/gateway/apis",
        "status kind format group host method need_sign need_encrypt need_etag operation q after "
        "limit detail"},
    {route_id::gw_api, access::read, "GET", "/v1/apps/{app}/gateway/apis/{operation}"},
    {route_id::gw_put_api, access::admin, "PUT", "/v1/apps/{app}/gateway/apis/{operation}",
        "version"},
    {route_id::gw_patch_api, access::admin, "PATCH", "/v1/apps/{app}/gateway/apis/{operation}",
        "version"},
    {route_id::gw_delete_api, access::admin, "DELETE", "/v1/apps/{app}/gateway/apis/{operation}",
        "version"},
    {route_id::gw_api_online, access::admin, "POST",
        "/v1/apps/{app}/gateway/apis/{operation}/online"},
    {route_id::gw_api_offline, access::admin, "POST",
        "/v1/apps/{app}/gateway/apis/{operation}/offline"},
    {route_id::gw_api_versions, access::read, "GET",
        "/v1/apps/{app}/gateway/apis/{operation}/versions"},
    {route_id::gw_api_diff, access::read, "GET", "/v1/apps/{app}/gateway/apis/{operation}/diff",
        "from to"},
    {route_id::gw_api_rollback, access::admin, "POST",
        "/v1/apps/{app}/gateway/apis/{operation}/rollback"},
    {route_id::gw_api_example, access::read, "GET",
        "/v1/apps/{app}/gateway/apis/{operation}/example"},
    {route_id::gw_api_test_call, access::admin, "POST",
        "/v1/apps/{app}/gateway/apis/{operation}/test-call"},
    {route_id::gw_export, access::read, "GET", "/v1/apps/{app}/gateway/export", "after limit"},
    {route_id::gw_import, access::admin, "POST", "/v1/apps/{app}/gateway/import", "dry_run"},
    {route_id::gw_copy, access::admin, "POST", "/v1/apps/{app}/gateway/copy", "dry_run"},
    {route_id::nodes, access::operator_, "GET", "/v1/nodes"},
    {route_id::node_state, access::operator_, "PUT", "/v1/nodes/{node}/state"},
    {route_id::time, access::anyone, "GET", "/v1/time"},
    {route_id::openapi, access::anyone, "GET", "/v1/openapi.yaml"},
};

// The next segment without its slash; `rest` moves behind it.
std::string_view take_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  auto segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  return segment;
}

bool matches(
    std::string_view pattern, std::string_view path, std::array<std::string, max_params>& params) {
  auto n = std::size_t{0};
  while (pattern.starts_with('/') && path.starts_with('/')) {
    auto expected = take_segment(pattern), given = take_segment(path);
    if (expected.starts_with('{')) {
      if (given.empty())
        return false;
      params[n++] = given;
    } else if (expected != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

} // namespace

static_assert(std::size(table) <= std::tuple_size_v<decltype(metrics::api_duration)>);

std::span<const route> routes() { return table; }

std::vector<std::string> route_names() {
  std::vector<std::string> out;
  for (const auto& x : table)
    out.push_back(std::string{x.method}.append(" ").append(x.pattern));
  return out;
}

route_match match_route(std::string_view method, std::string_view path) {
  auto out = route_match{};
  for (const auto& x : table) {
    if (!matches(x.pattern, path, out.params))
      continue;
    if (x.method == method) {
      out.found = &x;
      out.allowed.clear();
      return out;
    }
    out.allowed.append(out.allowed.empty() ? "" : ", ").append(x.method);
  }
  return out;
}

} // namespace shoal::api
