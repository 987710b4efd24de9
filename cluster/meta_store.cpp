#include "cluster/meta_store.hpp"

#include <charconv>
#include <tuple>

#include "cluster/meta_values.hpp"
#include "cluster/view_rules.hpp"

namespace shoal::cluster {

namespace {

constexpr auto identity_name = std::string_view{"identity"};
constexpr auto controller_name = std::string_view{"controller"};
// One read in so many is a whole one, whatever the store's revision says.
constexpr auto most_uses = 20;
constexpr auto view_prefix = std::string_view{"view/"};
constexpr auto node_prefix = std::string_view{"node/"};

std::string name_of(partition_no p) { return std::string{view_prefix} + to_string(p); }
std::string name_of(std::string_view node) { return std::string{node_prefix} + std::string{node}; }

bool partition_from(std::string_view name, partition_no& out) {
  name.remove_prefix(view_prefix.size());
  auto number = std::uint16_t{0};
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  out = static_cast<partition_no>(number);
  return error == std::errc{} && end == name.data() + name.size() && to_string(out) == name;
}

} // namespace

template <class T>
meta_result meta_store::load(std::string_view name, T& out, std::optional<stored_value>& raw) {
  out = {};
  raw.reset();
  auto value = stored_value{};
  if (auto result = values_->get(name, value); result != meta_result::done)
    return result;
  raw = std::move(value);
  return from_text(raw->text, out) ? meta_result::done : meta_result::failed;
}

template <class T>
meta_result meta_store::load(std::string_view name, T& out) {
  auto raw = std::optional<stored_value>{};
  return load(name, out, raw);
}

meta_result meta_store::get_view(partition_no p, view& out) { return load(name_of(p), out); }

meta_result meta_store::list_views(std::map<partition_no, view>& out) {
  out.clear();
  auto raw = std::vector<stored_value>{};
  if (values_->list(view_prefix, raw) != meta_result::done)
    return meta_result::failed;
  for (const auto& value : raw) {
    auto p = partition_no{};
    auto x = view{};
    if (!partition_from(value.name, p) || !from_text(value.text, x)) {
      out.clear();
      return meta_result::failed;
    }
    out.emplace(p, std::move(x));
  }
  return meta_result::done;
}

meta_result meta_store::swap_view(partition_no p, std::uint64_t expected_epoch, const view& next) {
  auto current = view{};
  auto raw = std::optional<stored_value>{};
  if (load(name_of(p), current, raw) == meta_result::failed)
    return meta_result::failed;
  if (current.epoch != expected_epoch || next.epoch <= expected_epoch || !wrong_with(next).empty())
    return meta_result::conflict;
  return values_->swap(name_of(p), raw, to_text(next));
}

meta_result meta_store::get_node(std::string_view name, node_info& out) {
  return load(name_of(name), out);
}

meta_result meta_store::list_nodes(std::vector<node_info>& out) {
  out.clear();
  auto raw = std::vector<stored_value>{};
  if (values_->list(node_prefix, raw) != meta_result::done)
    return meta_result::failed;
  for (const auto& value : raw) {
    auto x = node_info{};
    if (!from_text(value.text, x) || name_of(x.name) != value.name) {
      out.clear();
      return meta_result::failed;
    }
    out.push_back(std::move(x));
  }
  return meta_result::done;
}

meta_result meta_store::swap_node(std::uint64_t expected_version, const node_info& next) {
  auto current = node_info{};
  auto raw = std::optional<stored_value>{};
  if (load(name_of(next.name), current, raw) == meta_result::failed)
    return meta_result::failed;
  if (current.version != expected_version || next.version <= expected_version)
    return meta_result::conflict;
  return values_->swap(name_of(next.name), raw, to_text(next));
}

meta_result meta_store::get_controller(controller_record& out) {
  return load(controller_name, out);
}

meta_result meta_store::swap_controller(
    const controller_record& expected, const controller_record& next) {
  auto current = controller_record{};
  auto raw = std::optional<stored_value>{};
  if (load(controller_name, current, raw) == meta_result::failed)
    return meta_result::failed;
  auto grows = std::tie(next.term, next.beat) > std::tie(current.term, current.beat);
  if (current != expected || !grows || next.term == 0)
    return meta_result::conflict;
  return values_->swap(controller_name, raw, to_text(next));
}

meta_result meta_store::get_identity(cluster_identity& out) { return load(identity_name, out); }

meta_result meta_store::join(const cluster_identity& wanted, cluster_identity& found) {
  auto result = get_identity(found);
  if (result == meta_result::missing) {
    result = values_->swap(identity_name, std::nullopt, to_text(wanted));
    if (result == meta_result::failed)
      return result;
    // Somebody else may have been faster; then theirs is what the cluster has.
    result = get_identity(found);
  }
  if (result != meta_result::done)
    return meta_result::failed;
  auto same = found.name == wanted.name && found.partitions == wanted.partitions;
  return same ? meta_result::done : meta_result::conflict;
}

/// Whether the last read, with this record in it, is what a new one would find: the store did not
/// change, or its only change is the last one of this record. Under mutex_.
bool meta_store::still_true(
    const controller_record& now, std::int64_t changed, std::int64_t store_revision) {
  auto beat = store_revision == last_.revision + 1 && changed == store_revision;
  if (last_.revision == 0 || ++last_.uses > most_uses ||
      (store_revision != last_.revision && !beat))
    return false;
  last_.contents.controller = now;
  last_.revision = store_revision;
  return true;
}

meta_result meta_store::read_all(meta_contents& out) {
  out = {};
  auto guard = std::lock_guard{mutex_};
  auto read = last_read{};
  auto raw = stored_value{};
  auto result = values_->get(controller_name, raw, read.revision);
  if (result == meta_result::done && !from_text(raw.text, read.contents.controller))
    result = meta_result::failed;
  if (result != meta_result::failed &&
      still_true(read.contents.controller, raw.revision, read.revision)) {
    out = last_.contents;
    return meta_result::done;
  }
  last_ = {};
  if (result == meta_result::failed || list_nodes(read.contents.nodes) != meta_result::done ||
      list_views(read.contents.views) != meta_result::done)
    return meta_result::failed;
  out = read.contents;
  last_ = std::move(read);
  return meta_result::done;
}

std::unique_ptr<meta_watch> meta_store::watch(std::function<void()> hint) {
  return values_->watch(std::move(hint));
}

} // namespace shoal::cluster
