#include "actors/gateway/split.hpp"

#include <algorithm>
#include <charconv>

namespace shoal::gateway {
namespace {

bool is_one_of(const std::vector<std::string>& list, std::string_view x) {
  return !x.empty() && std::ranges::find(list, x) != list.end();
}

bool number(std::string_view text, std::uint64_t& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

} // namespace

std::uint64_t caller_hash(const call& x) {
  return stable_hash(!x.what.user.empty()     ? x.what.user
                     : !x.what.device.empty() ? x.what.device
                                              : x.ip);
}

int compare_versions(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    auto x = a.substr(0, a.find('.')), y = b.substr(0, b.find('.'));
    a.remove_prefix(std::min(a.size(), x.size() + 1));
    b.remove_prefix(std::min(b.size(), y.size() + 1));
    auto m = std::uint64_t{0}, n = std::uint64_t{0};
    auto numbers = number(x.empty() ? "0" : x, m) && number(y.empty() ? "0" : y, n);
    auto order = !numbers ? x.compare(y) : m < n ? -1 : m > n ? 1 : 0;
    if (order != 0)
      return order;
  }
  return 0;
}

bool is_moved(const migrate_rule& rule, const call& x) {
  if (!rule.enabled)
    return false;
  if (rule.complete)
    return true;
  auto& version = x.what.product_version;
  if (!rule.min_version.empty() &&
      (version.empty() || compare_versions(version, rule.min_version) < 0))
    return false;
  if (!rule.max_version.empty() &&
      (version.empty() || compare_versions(version, rule.max_version) > 0))
    return false;
  if (is_one_of(rule.users, x.what.user) || is_one_of(rule.devices, x.what.device) ||
      is_one_of(rule.regions, header_of(x.headers, region_header)))
    return true;
  // Mixed once more, so that it does not go hand in hand with balancing by user.
  auto hash = caller_hash(x) * 0x9e3779b97f4a7c15ull;
  return (hash >> 32) % 100 < rule.flow_percent;
}

bool tagged_part::has(const std::map<std::string, std::string>& of_instance) const {
  if (!tags || tags->empty())
    return true;
  auto all = std::ranges::all_of(*tags, [&](auto& tag) {
    auto found = of_instance.find(tag.first);
    return found != of_instance.end() && found->second == tag.second;
  });
  return all == having;
}

tagged_part part_for(const migrate_rule& rule, std::string_view own_group, bool moved) {
  auto within = rule.group.empty() || rule.group == own_group;
  if (!rule.enabled || rule.tags.empty() || (!moved && !within))
    return {};
  return {&rule.tags, moved};
}

} // namespace shoal::gateway
