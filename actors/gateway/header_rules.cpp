#include "actors/gateway/header_rules.hpp"

#include <algorithm>

namespace shoal::gateway {

rule_values rule_values::of(const call& x, std::string_view traceparent) {
  constexpr std::size_t trace_begin = 3, trace_size = 32;
  auto trace = traceparent.size() > trace_begin ? traceparent.substr(trace_begin, trace_size)
                                                : std::string_view{};
  return {x.what.user, x.what.device, trace, x.ip};
}

std::string filled(std::string_view value, const rule_values& from) {
  auto out = std::string{};
  while (!value.empty()) {
    auto open = value.find("${");
    out.append(value.substr(0, open));
    if (open == std::string_view::npos)
      break;
    value.remove_prefix(open);
    auto name = value.substr(0, value.find('}') + 1); // empty if there is no end
    if (name == "${user}")
      out.append(from.user);
    else if (name == "${device}")
      out.append(from.device);
    else if (name == "${trace_id}")
      out.append(from.trace_id);
    else if (name == "${ip}")
      out.append(from.ip);
    else
      out.append(name = value.substr(0, 2));
    value.remove_prefix(name.size());
  }
  return out;
}

bool is_ruled(const std::vector<header_rule>& rules, header_place where, std::string_view name) {
  return std::ranges::any_of(rules, [&](auto& x) {
    return x.location == where && x.action != header_action::add && http::same_name(x.name, name);
  });
}

void apply_rules(const std::vector<header_rule>& rules, header_place where,
    const rule_values& values, header_list& headers) {
  for (auto& x : rules) {
    if (x.location != where)
      continue;
    if (x.action != header_action::add)
      std::erase_if(headers, [&](auto& h) { return http::same_name(h.first, x.name); });
    if (x.action == header_action::remove)
      continue;
    auto value = filled(x.value, values);
    if (fits_one_line(value))
      headers.emplace_back(x.name, std::move(value));
  }
}

bool fits_one_line(std::string_view text) {
  // Looked at for every header of every call: a plain loop is faster than find_first_of.
  for (auto c : text)
    if (c == '\r' || c == '\n' || c == '\0')
      return false;
  return true;
}

} // namespace shoal::gateway
