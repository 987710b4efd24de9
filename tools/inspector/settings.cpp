#include "tools/inspector/settings.hpp"

#include <algorithm>
#include <limits> // cpptoml forgets it

#include <cpptoml.h>

namespace shoal::inspector {

namespace {

constexpr auto here = "http://127.0.0.1:9464";

std::string url_of(std::string text) {
  while (text.ends_with('/'))
    text.pop_back();
  return text.find("://") == std::string::npos ? "http://" + text : text;
}

} // namespace

std::vector<node_address> nodes_of_list(std::string_view text) {
  std::vector<node_address> out;
  while (!text.empty()) {
    auto one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    if (!one.empty())
      out.push_back({"", url_of(std::string{one}), ""});
  }
  if (out.empty())
    throw bad_usage{"--node wants the address of an admin port, e.g. 127.0.0.1:9464"};
  return out;
}

std::vector<node_address> nodes_of_file(const std::string& file) {
  std::vector<node_address> out;
  try {
    auto table = cpptoml::parse_file(file);
    if (auto nodes = table->get_table_array("nodes")) {
      for (const auto& x : *nodes) {
        auto name = x->get_as<std::string>("name"), admin = x->get_as<std::string>("admin");
        if (!name || !admin)
          throw bad_usage{file + ": each of [[nodes]] needs a name and an admin address"};
        out.push_back({*name, url_of(*admin), ""});
      }
    } else {
      auto address =
          table->get_qualified_as<std::string>("listen.admin_address").value_or("127.0.0.1");
      auto port = table->get_qualified_as<std::int64_t>("listen.admin_port").value_or(9464);
      out.push_back({table->get_qualified_as<std::string>("node.name").value_or("n1"),
          url_of(address + ":" + std::to_string(port)), ""});
    }
  } catch (const cpptoml::parse_exception& e) {
    throw bad_usage{file + ": " + e.what()};
  }
  return out;
}

namespace {

/// Words that are no addresses are names of nodes in the configuration.
std::vector<node_address> nodes_named(
    std::string_view text, const std::function<std::vector<node_address>()>& known) {
  auto out = nodes_of_list(text);
  std::vector<node_address> all;
  for (auto& x : out) {
    auto name = x.url.substr(std::string_view{"http://"}.size());
    if (!x.url.starts_with("http://") || name.find_first_of(".:/") != std::string::npos)
      continue; // an address
    if (all.empty())
      all = known();
    auto i = std::ranges::find(all, name, &node_address::name);
    if (i == all.end())
      throw bad_usage{"--node " + name + ": the configuration has no node of this name"};
    x = *i;
  }
  return out;
}

} // namespace

std::vector<node_address> find_nodes(
    const environment& env, const std::string& nodes, const std::string& cluster) {
  auto file = cluster.empty() ? env("SHOAL_CLUSTER").value_or("") : cluster;
  if (!nodes.empty() && !file.empty())
    return nodes_named(nodes, [&] { return nodes_of_file(file); });
  if (!nodes.empty())
    return nodes_of_list(nodes);
  if (!cluster.empty())
    return nodes_of_file(cluster);
  if (auto x = env("SHOAL_NODE"); x && !x->empty())
    return nodes_of_list(*x);
  if (auto x = env("SHOAL_CLUSTER"); x && !x->empty())
    return nodes_of_file(*x);
  return nodes_of_list(here);
}

} // namespace shoal::inspector
