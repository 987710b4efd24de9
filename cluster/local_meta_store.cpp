#include <algorithm>
#include <mutex>

#include <nlohmann/json.hpp>

#include "cluster/meta_store.hpp"

namespace shoal::cluster {

namespace {

using nlohmann::json;

std::string view_name(partition_no p) { return "view/" + to_string(p); }
constexpr auto nodes_name = std::string_view{"nodes"};

std::string to_text(const view& x) {
  auto out = json{{"epoch", x.epoch}, {"leader", x.leader}, {"replicas", x.replicas}};
  if (!x.previous.empty())
    out["previous"] = x.previous;
  return out.dump();
}

std::string to_text(const std::vector<node_info>& xs) {
  auto out = json::array();
  for (const auto& x : xs)
    out.push_back({{"name", x.name}, {"address", x.address}});
  return out.dump();
}

bool from_text(const std::string& text, view& out) {
  try {
    auto x = json::parse(text);
    x.at("epoch").get_to(out.epoch);
    x.at("leader").get_to(out.leader);
    x.at("replicas").get_to(out.replicas);
    if (x.contains("previous"))
      x.at("previous").get_to(out.previous);
    return out.epoch != 0;
  } catch (const json::exception&) {
    return false;
  }
}

bool from_text(const std::string& text, std::vector<node_info>& out) {
  try {
    for (const auto& x : json::parse(text))
      out.push_back({x.at("name").get<std::string>(), x.at("address").get<std::string>()});
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

class local_meta_store : public meta_store {
public:
  explicit local_meta_store(meta_hooks hooks) : hooks_{std::move(hooks)} {}

  meta_result get_view(partition_no p, view& out) override {
    auto guard = std::lock_guard{mutex_};
    return load(view_name(p), out);
  }

  meta_result swap_view(partition_no p, std::uint64_t expected_epoch, const view& next) override {
    auto guard = std::lock_guard{mutex_};
    auto current = view{};
    auto result = load(view_name(p), current);
    if (result == meta_result::failed)
      return result;
    if (current.epoch != expected_epoch || next.epoch <= expected_epoch)
      return meta_result::conflict;
    return save(view_name(p), to_text(next));
  }

  meta_result list_nodes(std::vector<node_info>& out) override {
    auto guard = std::lock_guard{mutex_};
    auto result = load(nodes_name, out);
    return result == meta_result::missing ? meta_result::done : result;
  }

  meta_result put_node(const node_info& node) override {
    auto guard = std::lock_guard{mutex_};
    auto nodes = std::vector<node_info>{};
    if (load(nodes_name, nodes) == meta_result::failed)
      return meta_result::failed;
    auto same = [&](const node_info& x) { return x.name == node.name; };
    auto i = std::find_if(nodes.begin(), nodes.end(), same);
    if (i != nodes.end())
      *i = node;
    else
      nodes.push_back(node);
    return save(nodes_name, to_text(nodes));
  }

private:
  template <class T>
  meta_result load(std::string_view name, T& out) {
    out = {};
    auto text = std::string{};
    switch (hooks_.load(name, text)) {
    case load_result::found:
      break;
    case load_result::missing:
      return meta_result::missing;
    case load_result::failed:
      return meta_result::failed;
    }
    if (from_text(text, out))
      return meta_result::done;
    out = {};
    return meta_result::failed;
  }

  meta_result save(std::string_view name, const std::string& text) {
    return hooks_.save(name, text) ? meta_result::done : meta_result::failed;
  }

  std::mutex mutex_;
  meta_hooks hooks_;
};

} // namespace

std::unique_ptr<meta_store> make_local_meta_store(meta_hooks hooks) {
  return std::make_unique<local_meta_store>(std::move(hooks));
}

meta_result adopt_all(meta_store& store, const std::string& node, partition_table& out) {
  for (std::uint16_t i = 0; i < out.size(); ++i) {
    auto p = static_cast<partition_no>(i);
    auto x = view{};
    auto result = store.get_view(p, x);
    if (result == meta_result::missing) {
      x = {1, node, {node}};
      result = store.swap_view(p, 0, x);
    }
    if (result != meta_result::done)
      return result;
    if (x.leader != node)
      return meta_result::conflict;
    out.learn(p, std::move(x));
  }
  return meta_result::done;
}

} // namespace shoal::cluster
