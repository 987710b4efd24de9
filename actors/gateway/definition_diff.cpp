#include "actors/gateway/definition_diff.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

namespace shoal::gateway {

using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 5> given{
    "id", "version", "revision", "created_ms", "updated_ms"};

void compare(
    const std::string& path, const json* before, const json* after, json& out, unsigned depth);

void compare_objects(
    const std::string& path, const json& before, const json& after, json& out, unsigned depth) {
  auto names = std::set<std::string>{};
  for (auto& [name, value] : before.items())
    names.insert(name);
  for (auto& [name, value] : after.items())
    names.insert(name);
  for (auto& name : names) {
    if (depth == 0 && std::find(given.begin(), given.end(), name) != given.end())
      continue;
    auto in = [&](const json& x) {
      auto i = x.find(name);
      return i == x.end() ? nullptr : &*i;
    };
    compare(path.empty() ? name : path + "." + name, in(before), in(after), out, depth + 1);
  }
}

void compare_lists(
    const std::string& path, const json& before, const json& after, json& out, unsigned depth) {
  for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i)
    compare(path + "[" + std::to_string(i) + "]", i < before.size() ? &before[i] : nullptr,
        i < after.size() ? &after[i] : nullptr, out, depth + 1);
}

void compare(
    const std::string& path, const json* before, const json* after, json& out, unsigned depth) {
  if (before && after) {
    if (*before == *after)
      return;
    if (before->is_object() && after->is_object())
      return compare_objects(path, *before, *after, out, depth);
    if (before->is_array() && after->is_array())
      return compare_lists(path, *before, *after, out, depth);
  }
  auto line = json{{"field", path}};
  if (before)
    line["before"] = *before;
  if (after)
    line["after"] = *after;
  out.push_back(std::move(line));
}

} // namespace

json differences(const json& before, const json& after) {
  auto out = json::array();
  compare("", &before, &after, out, 0);
  return out;
}

std::vector<std::string> changed_fields(const json& list) {
  auto out = std::vector<std::string>{};
  for (auto& line : list) {
    auto name = line.at("field").get<std::string>();
    name = name.substr(0, name.find_first_of(".["));
    if (out.empty() || out.back() != name)
      out.push_back(std::move(name));
  }
  return out;
}

} // namespace shoal::gateway
