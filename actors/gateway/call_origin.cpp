#include "actors/gateway/call_origin.hpp"

#include <algorithm>

namespace shoal::gateway {
namespace {

bool is_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

} // namespace

std::string_view without_port(std::string_view peer) {
  auto host = peer.substr(0, peer.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  return host;
}

std::string_view last_forwarded(std::string_view list) {
  auto last = list.substr(list.rfind(',') == std::string_view::npos ? 0 : list.rfind(',') + 1);
  while (last.starts_with(' '))
    last.remove_prefix(1);
  while (last.ends_with(' '))
    last.remove_suffix(1);
  return last;
}

std::pair<std::string_view, std::string_view> read_traceparent(std::string_view text) {
  // version "-" 32 hex "-" 16 hex "-" flags
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return {};
  auto trace = text.substr(3, 32), span = text.substr(36, 16);
  auto zero = [](std::string_view x) { return x.find_first_not_of('0') == std::string_view::npos; };
  // All zeros are no id, and ff is no version.
  if (!is_hex(trace) || !is_hex(span) || zero(trace) || zero(span) || text.starts_with("ff"))
    return {};
  return {trace, span};
}

} // namespace shoal::gateway
