#include "actors/gateway/copy.hpp"

#include <set>

#include <nlohmann/json.hpp>

#include "actors/gateway/api_list.hpp"
#include "actors/gateway/change.hpp"
#include "actors/gateway/definition_codec.hpp"

namespace shoal::gateway {
namespace {

using nlohmann::json;

std::vector<api_ptr> chosen(const world& from, const copy_request& what) {
  if (what.operations.empty()) {
    auto page = list_apis(from, {}, "", max_edits);
    if (page.total > page.apis.size())
      throw bad_field{"operations",
          "these are " + std::to_string(page.total) + " APIs, and one copy has at most " +
              std::to_string(max_edits) + ": name some, or export and import"};
    return std::move(page.apis);
  }
  auto out = std::vector<api_ptr>{};
  for (auto i = std::size_t{0}; i < what.operations.size(); ++i) {
    auto& found = from.api(what.operations[i]);
    if (!found)
      throw bad_field{"operations[" + std::to_string(i) + "]", "there is no such API to copy"};
    out.push_back(found);
  }
  return out;
}

} // namespace

json copied(const world& from, const world& to, const copy_request& what) {
  auto apis = json::array(), groups = apis, rules = apis, protos = apis;
  auto group_names = std::set<std::string>{}, rule_names = group_names, proto_names = group_names;
  for (auto& x : chosen(from, what)) {
    auto& api = apis.emplace_back(to_json(*x, shown::exported));
    if (auto& there = to.api(x->operation))
      api["status"] = to_string(there->status);
    group_names.insert({x->group, x->migrate.group});
    rule_names.insert(x->auth_rule);
    proto_names.insert({x->request.proto, x->response.proto});
  }
  for (auto& name : group_names)
    if (auto& x = from.group(name); x && (what.groups || !to.group(name)))
      groups.push_back(to_json(x->set, shown::exported));
  for (auto& name : rule_names)
    if (auto& x = from.authorizer(name))
      rules.push_back(to_json(*x, shown::exported));
  for (auto& name : proto_names)
    if (auto& x = from.proto(name))
      protos.push_back(to_json(x->set, shown::exported));
  return {{"apis", std::move(apis)}, {"groups", std::move(groups)},
      {"auth_rules", std::move(rules)}, {"protos", std::move(protos)}};
}

} // namespace shoal::gateway
