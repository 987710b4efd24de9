#include "actors/remote/remote.hpp"

namespace shoal {

bool remote_nodes::send(const std::string& to, cluster::traffic kind, std::string body) const {
  auto* links = links_.load();
  return links != nullptr && links->send(to, kind, std::move(body));
}

peer_actor remote_nodes::peer(const std::string& name) const {
  std::lock_guard lock{mutex_};
  auto i = nodes_.find(name);
  return i == nodes_.end() ? peer_actor{} : i->second.hdl;
}

std::vector<std::pair<std::string, peer_actor>> remote_nodes::peers() const {
  std::lock_guard lock{mutex_};
  std::vector<std::pair<std::string, peer_actor>> out;
  for (auto& [name, x] : nodes_)
    if (x.hdl)
      out.emplace_back(name, x.hdl);
  return out;
}

void remote_nodes::set_peer(const std::string& name, peer_actor hdl) {
  std::lock_guard lock{mutex_};
  auto& x = nodes_[name];
  x.hdl = std::move(hdl);
  x.ready = false; // until it has greeted the other end
}

void remote_nodes::set_view(partition_no no, const partition_view& x) {
  std::lock_guard lock{mutex_}; // sent under the lock, so that views arrive in order
  auto& p = partitions_[no];
  p.view = x;
  if (p.stand_in)
    caf::anon_send(p.stand_in, atom::view::value, x);
}

partition_view remote_nodes::view(partition_no no) const {
  std::lock_guard lock{mutex_};
  auto i = partitions_.find(no);
  return i == partitions_.end() ? partition_view{} : i->second.view;
}

void remote_nodes::set_stand_in(partition_no no, remote_partition_actor hdl) {
  std::lock_guard lock{mutex_};
  auto& p = partitions_[no];
  p.stand_in = std::move(hdl);
  caf::anon_send(p.stand_in, atom::view::value, p.view);
}

call_server_actor remote_nodes::server() const {
  std::lock_guard lock{mutex_};
  return server_;
}

void remote_nodes::set_server(call_server_actor hdl) {
  std::lock_guard lock{mutex_};
  server_ = std::move(hdl);
}

hub_actor remote_nodes::local_hub() const {
  std::lock_guard lock{mutex_};
  return local_hub_;
}

catalog_actor remote_nodes::local_writer() const {
  std::lock_guard lock{mutex_};
  return local_writer_;
}

void remote_nodes::set_local_writer(catalog_actor hdl) {
  std::lock_guard lock{mutex_};
  local_writer_ = std::move(hdl);
}

cluster_hub_actor remote_nodes::hub() const {
  std::lock_guard lock{mutex_};
  return hub_;
}

void remote_nodes::set_hub(cluster_hub_actor hdl) {
  std::lock_guard lock{mutex_};
  hub_ = std::move(hdl);
}

catalog_share_actor remote_nodes::catalog_share() const {
  std::lock_guard lock{mutex_};
  return catalog_share_;
}

void remote_nodes::set_catalog_share(catalog_share_actor hdl) {
  std::lock_guard lock{mutex_};
  catalog_share_ = std::move(hdl);
}

gateway_writer_actor remote_nodes::local_gateway_writer() const {
  std::lock_guard lock{mutex_};
  return local_gateway_writer_;
}

void remote_nodes::set_local_gateway_writer(gateway_writer_actor hdl) {
  std::lock_guard lock{mutex_};
  local_gateway_writer_ = std::move(hdl);
}

gateway_share_actor remote_nodes::gateway_share() const {
  std::lock_guard lock{mutex_};
  return gateway_share_;
}

void remote_nodes::set_gateway_share(gateway_share_actor hdl) {
  std::lock_guard lock{mutex_};
  gateway_share_ = std::move(hdl);
}

void remote_nodes::set_local_hub(hub_actor hdl) {
  std::lock_guard lock{mutex_};
  local_hub_ = std::move(hdl);
}

bool remote_nodes::ready(const std::string& name) const {
  std::lock_guard lock{mutex_};
  auto i = nodes_.find(name);
  return i != nodes_.end() && i->second.ready;
}

void remote_nodes::set_ready(const std::string& name, bool on) {
  std::lock_guard lock{mutex_};
  nodes_[name].ready = on;
}

bool remote_nodes::linked(const std::string& name) const {
  std::lock_guard lock{mutex_};
  auto i = nodes_.find(name);
  return i != nodes_.end() && i->second.linked;
}

void remote_nodes::on_frame(const std::string& from, cluster::traffic kind, std::string body) {
  if (kind == cluster::traffic::replication)
    return;
  constexpr auto usage_tag = '\x2a'; // a control frame with nothing but LimitUsage begins so
  if (kind == cluster::traffic::control && body.starts_with(usage_tag)) {
    auto to = usage_sink{};
    {
      std::lock_guard lock{mutex_};
      to = usage_;
    }
    return to ? to(from, std::move(body)) : void();
  }
  if (auto hdl = peer(from))
    caf::anon_send(hdl, atom::frame::value, peer_frame{kind, std::move(body)});
}

void remote_nodes::set_usage_sink(usage_sink x) {
  std::lock_guard lock{mutex_};
  usage_ = std::move(x);
}

void remote_nodes::on_up(const std::string& name) {
  {
    std::lock_guard lock{mutex_};
    nodes_[name].linked = true;
  }
  if (auto hdl = peer(name))
    caf::anon_send(hdl, atom::up::value);
}

void remote_nodes::on_down(const std::string& name) {
  {
    std::lock_guard lock{mutex_};
    nodes_[name].linked = false;
  }
  if (auto hdl = peer(name))
    caf::anon_send(hdl, atom::down::value);
}

void remote_nodes::clear() {
  std::lock_guard lock{mutex_};
  nodes_.clear();
  partitions_.clear();
  server_ = call_server_actor{};
  local_hub_ = hub_actor{};
  local_writer_ = catalog_actor{};
  hub_ = cluster_hub_actor{};
  catalog_share_ = catalog_share_actor{};
  local_gateway_writer_ = gateway_writer_actor{};
  gateway_share_ = gateway_share_actor{};
  usage_ = nullptr;
}

} // namespace shoal
