#include "actors/gateway/path_params.hpp"

#include <algorithm>
#include <string_view>

namespace shoal::gateway {

std::vector<api_param> implied_params(const api_definition& x) {
  auto out = std::vector<api_param>{};
  auto known = [](const std::vector<api_param>& list, std::string_view name) {
    return std::ranges::any_of(
        list, [&](auto& p) { return p.location == param_place::path && p.name == name; });
  };
  auto rest = std::string_view{x.backend.path.empty() ? x.path : x.backend.path};
  for (auto open = rest.find('{'); open != rest.npos; open = rest.find('{')) {
    rest.remove_prefix(open + 1);
    auto name = rest.substr(0, rest.find_first_of("*}"));
    if (!known(x.params, name) && !known(out, name))
      out.push_back({std::string{name}, "string", param_place::path, true, {}, ""});
  }
  return out;
}

} // namespace shoal::gateway
