#include "cluster/config_nodes.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace shoal::cluster {

namespace {

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool is_host(std::string_view x) {
  return !x.empty() && x.size() <= 253 && std::all_of(x.begin(), x.end(), is_host_char);
}

bool is_v6(std::string_view x) {
  constexpr auto known = std::string_view{"0123456789abcdefABCDEF:.%"};
  return x.find(':') != x.npos && x.size() <= 64 && x.find_first_not_of(known) == x.npos;
}

bool is_url(std::string_view x) {
  for (auto scheme : {std::string_view{"http://"}, std::string_view{"https://"}})
    if (x.starts_with(scheme)) {
      auto where = host_port{};
      return from_string(x.substr(scheme.size()), where) && where.port != 0;
    }
  return false;
}

bool reaches_everywhere(const host_port& x) { return x.host == "0.0.0.0" || x.host == "::"; }

void expand(std::string& path, const std::string& name) {
  constexpr auto mark = std::string_view{"{node}"};
  for (auto at = path.find(mark); at != path.npos; at = path.find(mark, at + name.size()))
    path.replace(at, mark.size(), name);
}

std::string names_of(const config& x) {
  auto out = std::string{};
  for (const auto& node : x.nodes)
    out += (out.empty() ? "" : ", ") + node.name;
  return out;
}

inconsistent wrong_pair(const config& x) {
  const auto& l = x.limits;
  if (l.heartbeat_min_s > l.heartbeat_default_s || l.heartbeat_default_s > l.heartbeat_max_s)
    return {"limits", "heartbeat_default_s", 0,
        "[limits] heartbeat_min_s, heartbeat_default_s and heartbeat_max_s must be in this order"};
  if (x.listen.certificate.empty() != x.listen.key.empty())
    return {"listen", "certificate", 0, "[listen] certificate and key must be given together"};
  if (x.etcd.certificate.empty() != x.etcd.key.empty())
    return {"etcd", "certificate", 0, "[etcd] certificate and key must be given together"};
  if (x.gateway.discovery_etcd_certificate.empty() != x.gateway.discovery_etcd_key.empty())
    return {"gateway", "discovery_etcd_certificate", 0,
        "[gateway] discovery_etcd_certificate and discovery_etcd_key must be given together"};
  const auto given = !x.link.ca.empty() + !x.link.certificate.empty() + !x.link.key.empty();
  if (given != 0 && given != 3)
    return {"link", "ca", 0, "[link] ca, certificate and key must be given together"};
  return {};
}

inconsistent wrong_etcd(const config& x) {
  if (x.cluster.meta == "etcd" && x.etcd.endpoints.empty())
    return {"etcd", "endpoints", 0,
        "[etcd] endpoints must name at least one member, like [\"https://127.0.0.1:2379\"], "
        "because [cluster] meta is \"etcd\""};
  for (const auto& endpoint : x.etcd.endpoints)
    if (!is_url(endpoint))
      return {"etcd", "endpoints", 0,
          "[etcd] endpoints: '" + endpoint + "' must be http://host:port or https://host:port"};
  for (const auto& endpoint : x.gateway.discovery_etcd)
    if (!is_url(endpoint))
      return {"gateway", "discovery_etcd", 0,
          "[gateway] discovery_etcd: '" + endpoint +
              "' must be http://host:port or https://host:port"};
  return {};
}

inconsistent wrong_entry(const config& x) {
  auto names = std::set<std::string_view>{};
  auto links = std::set<std::string_view>{};
  for (std::size_t i = 0; i < x.nodes.size(); ++i) {
    const auto& node = x.nodes[i];
    auto which = "[[nodes]] number " + std::to_string(i + 1) + ": ";
    if (!is_node_name(node.name))
      return {"nodes", "name", i,
          which + "name must be 1 to 63 lower case letters, digits and hyphens"};
    if (!names.insert(node.name).second)
      return {"nodes", "name", i, which + "name '" + node.name + "' must be given once only"};
    auto where = host_port{};
    from_string(node.link, where);
    if (where.port == 0 || reaches_everywhere(where))
      return {"nodes", "link", i,
          which + "link must be an address that the other nodes can reach, with a fixed port"};
    if (!links.insert(node.link).second)
      return {"nodes", "link", i, which + "link '" + node.link + "' is that of another node"};
  }
  return {};
}

inconsistent wrong_cluster(const config& x) {
  if (!x.nodes.empty() && x.cluster.replicas > x.nodes.size())
    return {"cluster", "replicas", 0,
        "[cluster] replicas must not be more than the " + std::to_string(x.nodes.size()) +
            " [[nodes]]"};
  if (x.nodes.size() < 2)
    return {};
  if (x.cluster.meta == "local")
    return {"cluster", "meta", 0,
        "[cluster] meta must be \"etcd\" for more than one node: nodes that decide alone who owns "
        "what would lose data"};
  if (x.link.certificate.empty())
    return {"link", "certificate", 0,
        "[link] ca, certificate and key must be given for more than one node: nodes take nobody "
        "else's word (shoalctl certs makes them)"};
  return {};
}

template <class Config>
auto entry_of(Config& x, std::string_view name) {
  auto i = std::find_if(
      x.nodes.begin(), x.nodes.end(), [&](const auto& node) { return node.name == name; });
  return i == x.nodes.end() ? nullptr : &*i;
}

} // namespace

bool from_string(std::string_view text, host_port& out) {
  auto colon = text.rfind(':');
  if (colon == text.npos)
    return false;
  auto host = text.substr(0, colon);
  auto port = text.substr(colon + 1);
  auto bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  if (bracketed ? !is_v6(host) : !is_host(host))
    return false;
  auto number = std::uint16_t{0};
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || port.empty())
    return false;
  out = {std::string{host}, number};
  return true;
}

bool is_node_name(std::string_view x) {
  constexpr auto known = std::string_view{"abcdefghijklmnopqrstuvwxyz0123456789-"};
  return !x.empty() && x.size() <= 63 && x.find_first_not_of(known) == x.npos && x.front() != '-' &&
         x.back() != '-';
}

inconsistent inconsistency(const config& x) {
  for (auto look : {wrong_pair, wrong_etcd, wrong_entry, wrong_cluster})
    if (auto found = look(x); !found.what.empty())
      return found;
  return {};
}

config for_node(config all, const std::string& name) {
  if (all.nodes.empty()) {
    if (!name.empty() && name != all.node.name)
      throw config_error{"node '" + name + "' is not configured: there are no [[nodes]], and the " +
                         "name in [node] is '" + all.node.name + "'"};
    return all;
  }
  if (name.empty() && all.nodes.size() > 1)
    throw config_error{"which node is this? Give --node with one of " + names_of(all)};
  auto* entry = entry_of(all, name.empty() ? all.nodes.front().name : name);
  if (entry == nullptr)
    throw config_error{"node '" + name + "' is not one of the [[nodes]]: " + names_of(all)};
  auto where = host_port{};
  from_string(entry->address, where);
  all.listen.address = where.host;
  all.listen.port = where.port;
  from_string(entry->admin, where);
  all.listen.admin_address = where.host;
  all.listen.admin_port = where.port;
  all.node.name = entry->name;
  if (entry->data_dir.empty())
    entry->data_dir = all.node.data_dir + "/{node}";
  expand(entry->data_dir, entry->name);
  all.node.data_dir = entry->data_dir;
  for (auto* path :
      {&all.listen.certificate, &all.listen.key, &all.link.ca, &all.link.certificate, &all.link.key,
          &all.etcd.ca, &all.etcd.certificate, &all.etcd.key, &all.gateway.discovery_etcd_ca,
          &all.gateway.discovery_etcd_certificate, &all.gateway.discovery_etcd_key})
    expand(*path, all.node.name);
  return all;
}

std::vector<peer_address> peers_of(const config& x) {
  auto out = std::vector<peer_address>{};
  for (const auto& node : x.nodes) {
    auto where = host_port{};
    if (node.name != x.node.name && from_string(node.link, where))
      out.push_back({node.name, where.host, where.port});
  }
  return out;
}

std::size_t replicas_of(const config& x) {
  auto nodes = std::max<std::size_t>(x.nodes.size(), 1);
  return x.cluster.replicas != 0 ? x.cluster.replicas : std::min<std::size_t>(nodes, 3);
}

std::string etcd_prefix(const config& x) {
  auto out = x.etcd.prefix.empty() ? "/shoal/" + x.cluster.name : x.etcd.prefix;
  return out.ends_with('/') ? out : out + '/';
}

etcd_options etcd_of(const config& x) {
  auto out = etcd_options{};
  if (x.cluster.meta != "etcd")
    return out;
  out.endpoints = x.etcd.endpoints;
  out.prefix = etcd_prefix(x);
  out.ca = x.etcd.ca;
  out.certificate = x.etcd.certificate;
  out.key = x.etcd.key;
  return out;
}

etcd_options discovery_etcd_of(const config& x) {
  auto out = etcd_options{};
  const auto& g = x.gateway;
  auto own = !g.discovery_etcd.empty();
  out.endpoints = own ? g.discovery_etcd : x.etcd.endpoints;
  out.prefix = g.discovery_etcd_prefix;
  out.ca = own ? g.discovery_etcd_ca : x.etcd.ca;
  out.certificate = own ? g.discovery_etcd_certificate : x.etcd.certificate;
  out.key = own ? g.discovery_etcd_key : x.etcd.key;
  return out;
}

link_options links_of(const config& x) {
  auto out = link_options{};
  out.cluster = x.cluster.name;
  out.self = x.node.name;
  out.certificate = x.link.certificate;
  out.key = x.link.key;
  out.ca = x.link.ca;
  auto where = host_port{};
  const auto* entry = entry_of(x, x.node.name);
  if (entry != nullptr && from_string(entry->link, where)) {
    out.listen_host = where.host;
    out.listen_port = where.port;
  }
  return out;
}

} // namespace shoal::cluster
