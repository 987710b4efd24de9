#include "actors/stream/filter.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace shoal {

namespace {

constexpr std::size_t max_version_parts = 16;

/// Fills `parts`, zero padded. False if the text is not a dotted number.
bool parse_version(std::string_view text, std::array<std::uint32_t, max_version_parts>& parts) {
  parts.fill(0);
  for (std::size_t i = 0; i < max_version_parts; ++i) {
    auto dot = text.find('.');
    auto part = text.substr(0, dot);
    if (part.empty() || part.size() > 9)
      return false;
    auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), parts[i]);
    if (error != std::errc{} || end != part.data() + part.size())
      return false;
    if (dot == std::string_view::npos)
      return true;
    text.remove_prefix(dot + 1);
  }
  return false;
}

bool same_without_case(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool any_of(const std::vector<std::string>& wanted, std::string_view value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

std::string list(const std::vector<std::string>& xs) {
  std::string out;
  for (std::size_t i = 0; i < xs.size() && i < 5; ++i)
    out += (i == 0 ? "" : ", ") + xs[i];
  return xs.size() > 5 ? out + ", …" : out;
}

std::string sentence(std::string_view what, std::string_view has, const std::string& needed) {
  return std::string{what} + " is '" + std::string{has} + "', the op is for " + needed;
}

std::string version_mismatch(const storage::op_filter& filter, const device_info& device) {
  int order = 0;
  if (!filter.min_app_version.empty() &&
      (!compare_versions(device.app_version, filter.min_app_version, order) || order < 0))
    return sentence("app version", device.app_version, filter.min_app_version + " and later");
  if (!filter.max_app_version.empty() &&
      (!compare_versions(device.app_version, filter.max_app_version, order) || order > 0))
    return sentence("app version", device.app_version, filter.max_app_version + " and earlier");
  return {};
}

std::string user_mismatch(const storage::op_filter& filter, const device_info& device) {
  if (!filter.users.empty() && !any_of(filter.users, device.user))
    return sentence("user", device.user, list(filter.users));
  if (filter.min_uid == 0 && filter.max_uid == 0)
    return {};
  std::uint64_t uid = 0;
  auto begin = device.user.data();
  auto end = begin + device.user.size();
  auto [last, error] = std::from_chars(begin, end, uid);
  auto numeric = error == std::errc{} && last == end;
  if (!numeric || uid < filter.min_uid || (filter.max_uid != 0 && uid > filter.max_uid))
    return sentence("user", device.user,
        "user ids " + std::to_string(filter.min_uid) + " to " +
            (filter.max_uid == 0 ? "any" : std::to_string(filter.max_uid)));
  return {};
}

} // namespace

bool compare_versions(std::string_view a, std::string_view b, int& result) {
  std::array<std::uint32_t, max_version_parts> x, y;
  if (!parse_version(a, x) || !parse_version(b, y))
    return false;
  result = x < y ? -1 : x > y ? 1 : 0;
  return true;
}

std::string filter_mismatch(const storage::op_filter& filter, const device_info& device) {
  if (!filter.os.empty() && !same_without_case(filter.os, device.os))
    return sentence("os", device.os, filter.os);
  if (auto text = version_mismatch(filter, device); !text.empty())
    return text;
  if (!any_of(filter.regions, device.region))
    return sentence("region", device.region, list(filter.regions));
  if (!any_of(filter.models, device.model))
    return sentence("model", device.model, list(filter.models));
  if (!any_of(filter.networks, device.network))
    return sentence("network", device.network, list(filter.networks));
  for (auto& [name, value] : filter.tags) {
    auto i = device.tags.find(name);
    if (i == device.tags.end() || i->second != value)
      return sentence("tag '" + name + "'", i == device.tags.end() ? "" : i->second, value);
  }
  return user_mismatch(filter, device);
}

bool filter_matches(const storage::op_filter& filter, const device_info& device) {
  return filter.empty() || filter_mismatch(filter, device).empty();
}

validity validity_of(const storage::op_record& op, std::int64_t now_ms) {
  if (now_ms < op.valid_from_ms)
    return validity::not_yet;
  return op.valid_until_ms != 0 && now_ms > op.valid_until_ms ? validity::expired : validity::valid;
}

} // namespace shoal
