#include "actors/gateway/bundle.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/gateway/api_list.hpp"

namespace shoal::gateway {

using nlohmann::json;

namespace {

template <class T, class Show>
json sorted(const persistent_map<T>& map, Show show) {
  auto all = std::vector<std::pair<std::string, T>>{};
  map.each([&](const std::string& name, const T& x) { all.emplace_back(name, x); });
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.first < b.first; });
  auto out = json::array();
  for (auto& [name, x] : all)
    out.push_back(show(*x));
  return out;
}

/// Reads each element of a list of the document on top of what it replaces.
template <class T, class Old>
void read_list(const json& bundle, const char* name, std::vector<edit>& out, Old old) {
  auto list = bundle.find(name);
  if (list == bundle.end())
    return;
  if (!list->is_array())
    throw bad_field{name, "must be a list"};
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto where = std::string{name} + "[" + std::to_string(i) + "]";
    try {
      auto key = T{};
      read((*list)[i], reading::asked, key); // for its name
      auto x = replacement_of(old(key));
      read((*list)[i], reading::asked, x);
      out.push_back(put(std::move(x)));
    } catch (const bad_field& why) {
      throw bad_field{why.path.empty() ? where : where + "." + why.path, why.sentence};
    }
  }
}

} // namespace

json bundle_of(const world& in, std::string_view after, std::size_t limit) {
  auto out = json::object();
  if (after.empty()) {
    if (in.settings().set.revision != 0)
      out["settings"] = to_json(in.settings().set, shown::exported);
    out["groups"] = sorted(in.groups(), [](auto& x) { return to_json(x.set, shown::exported); });
    out["auth_rules"] =
        sorted(in.authorizers(), [](auto& x) { return to_json(x, shown::exported); });
    out["protos"] = sorted(in.protos(), [](auto& x) { return to_json(x.set, shown::exported); });
  }
  auto page = list_apis(in, {}, after, limit);
  auto& apis = out["apis"] = json::array();
  for (auto& x : page.apis)
    apis.push_back(to_json(*x, shown::exported));
  if (!page.next.empty())
    out["next"] = page.next;
  return out;
}

std::vector<edit> edits_of(const json& bundle, const world* now) {
  if (!bundle.is_object())
    throw bad_field{"body", "must be an object"};
  for (auto& [name, value] : bundle.items())
    if (name != "settings" && name != "groups" && name != "auth_rules" && name != "protos" &&
        name != "apis")
      throw bad_field{name.substr(0, 64), "is no field here"};
  auto out = std::vector<edit>{};
  read_list<proto_definition>(bundle, "protos", out, [&](auto& x) {
    auto live = now ? now->proto(x.name) : nullptr;
    return live ? &live->set : nullptr;
  });
  read_list<api_group>(bundle, "groups", out, [&](auto& x) {
    auto live = now ? now->group(x.name) : nullptr;
    return live ? &live->set : nullptr;
  });
  read_list<api_definition>(
      bundle, "apis", out, [&](auto& x) { return now ? now->api(x.operation).get() : nullptr; });
  read_list<authorizer_rule>(bundle, "auth_rules", out,
      [&](auto& x) { return now ? now->authorizer(x.name).get() : nullptr; });
  if (auto i = bundle.find("settings"); i != bundle.end()) {
    auto x = replacement_of(now ? &now->settings().set : nullptr);
    read(*i, reading::asked, x);
    out.push_back(put(std::move(x)));
  }
  return out;
}

api_definition replacement_of(const api_definition*) { return {}; }
authorizer_rule replacement_of(const authorizer_rule*) { return {}; }
proto_definition replacement_of(const proto_definition*) { return {}; }

api_group replacement_of(const api_group* old) {
  auto out = api_group{};
  if (old)
    out.signing.key = old->signing.key;
  return out;
}

app_settings replacement_of(const app_settings* old) {
  auto out = app_settings{};
  if (old) {
    out.secret = old->secret;
    out.decryption_keys = old->decryption_keys;
  }
  return out;
}

json summary_of(const change_outcome& x, const world* before) {
  auto out = json::array();
  auto existed = [&](const entry& what) {
    if (!before)
      return false;
    switch (what.kind) {
    case entry_kind::settings:
      return before->settings().set.revision != 0;
    case entry_kind::group:
      return before->group(what.name) != nullptr;
    case entry_kind::api:
      return before->api(what.name) != nullptr;
    case entry_kind::authorizer:
      return before->authorizer(what.name) != nullptr;
    case entry_kind::proto:
      return before->proto(what.name) != nullptr;
    }
    return false;
  };
  static constexpr const char* words[] = {"settings", "group", "api", "auth_rule", "proto"};
  for (auto& row : x.rows.rows()) {
    auto what = entry{};
    if (!read_row_key(row.key, what))
      continue;
    out.push_back({{"kind", words[static_cast<std::size_t>(what.kind)]}, {"name", what.name},
        {"what", row.erase       ? "removed"
                 : existed(what) ? "changed"
                                 : "created"}});
  }
  return out;
}

} // namespace shoal::gateway
