#include "actors/gateway/etcd_directory.hpp"

namespace shoal::gateway {

etcd_directory::found etcd_directory::find(
    const std::string& prefix, std::uint64_t revision) const {
  auto guard = std::lock_guard{mutex_};
  auto x = entries_.find(prefix);
  if (x == entries_.end()) // one that is too new, or one too many
    return {nullptr, serves_ && revision > revision_};
  return {x->second.instances, !x->second.tried};
}

etcd_directory::state etcd_directory::now() const {
  auto guard = std::lock_guard{mutex_};
  auto out = state{entries_.size(), 0, silent_since_ms_, trouble_};
  for (auto& [prefix, x] : entries_)
    out.instances += x.instances ? x.instances->size() : 0;
  return out;
}

void etcd_directory::follow(
    const std::map<std::string, std::uint32_t>& refresh_s, std::uint64_t revision) {
  auto guard = std::lock_guard{mutex_};
  std::erase_if(entries_, [&](auto& x) { return !refresh_s.contains(x.first); });
  for (auto& [prefix, ignored] : refresh_s)
    entries_.try_emplace(prefix);
  revision_ = revision;
}

bool etcd_directory::put(const std::string& prefix, std::vector<upstream> instances) {
  auto guard = std::lock_guard{mutex_};
  auto x = entries_.find(prefix);
  if (x == entries_.end())
    return false;
  x->second.tried = true;
  if (x->second.instances && *x->second.instances == instances)
    return false;
  x->second.instances = std::make_shared<const std::vector<upstream>>(std::move(instances));
  return true;
}

void etcd_directory::fail(const std::string& prefix) {
  auto guard = std::lock_guard{mutex_};
  if (auto x = entries_.find(prefix); x != entries_.end())
    x->second.tried = true;
}

void etcd_directory::is_silent(std::int64_t since_ms, std::string why) {
  auto guard = std::lock_guard{mutex_};
  silent_since_ms_ = since_ms;
  trouble_ = std::move(why);
  for (auto& [prefix, x] : entries_) // nobody shall wait for an answer that does not come
    x.tried = true;
}

void etcd_directory::answers() {
  auto guard = std::lock_guard{mutex_};
  silent_since_ms_ = 0;
  trouble_.clear();
}

} // namespace shoal::gateway
