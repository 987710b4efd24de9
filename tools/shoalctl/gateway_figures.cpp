#include "tools/shoalctl/gateway_figures.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace shoal::ctl {
namespace {

using labels = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view durations = "shoal_gateway_duration_seconds";
constexpr std::string_view refusals = "shoal_gateway_refused_total";

/// name="value",… up to the closing brace, which is taken; a value's '"' and '\' are escaped.
std::optional<labels> take_labels(std::string_view& text) {
  auto out = labels{};
  while (!text.empty() && text.front() != '}') {
    auto equal = text.find("=\"");
    if (equal == text.npos)
      return {};
    auto name = std::string{text.substr(0, equal)};
    text.remove_prefix(equal + 2);
    auto value = std::string{};
    while (!text.empty() && text.front() != '"') {
      if (text.front() == '\\' && text.size() > 1)
        text.remove_prefix(1);
      value += text.front();
      text.remove_prefix(1);
    }
    if (text.empty())
      return {};
    text.remove_prefix(text.starts_with("\",") ? 2 : 1);
    out[std::move(name)] = std::move(value);
  }
  if (text.empty())
    return {};
  text.remove_prefix(1);
  return out;
}

std::optional<double> number(std::string_view text) {
  auto out = 0.0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text == "+Inf")
    return std::numeric_limits<double>::infinity();
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{out}
                                                                  : std::nullopt;
}

void read_line(std::string_view line, node_counts& into) {
  auto brace = line.find('{');
  auto name = line.substr(0, brace);
  if (brace == line.npos || !(name.starts_with(durations) || name == refusals))
    return;
  line.remove_prefix(brace + 1);
  auto found = take_labels(line);
  if (!found || !line.starts_with(' '))
    return;
  auto value = number(line.substr(1));
  if (!value || !std::isfinite(*value) || *value < 0 || *value > 1e18)
    return;
  auto count = static_cast<std::uint64_t>(*value);
  auto& x = into[{(*found)["app"], (*found)["workspace"], (*found)["operation"]}];
  if (name == refusals)
    x.errors[(*found)["code"]] = count;
  else if (name.ends_with("_count"))
    x.calls = count;
  else if (name.ends_with("_bucket"))
    if (auto bound = number((*found)["le"]); bound && !std::isnan(*bound))
      x.upto[*bound] = count;
}

std::uint64_t added(std::uint64_t before, std::uint64_t after) {
  return after >= before ? after - before : after;
}

json quantile_ms(const api_counts& x, double share) {
  for (auto& [bound, count] : x.upto)
    if (static_cast<double>(count) >= share * static_cast<double>(x.calls))
      return std::isfinite(bound) ? json(bound * 1e3) : json(nullptr);
  return nullptr;
}

double rounded(double x, double to) { return std::round(x * to) / to; }

json row_of(const api_name& name, const api_counts& x, double seconds) {
  auto errors = std::uint64_t{0};
  auto codes = json::object();
  for (auto& [code, count] : x.errors)
    if (count != 0) {
      errors += count;
      codes[code] = count;
    }
  auto calls = static_cast<double>(std::max<std::uint64_t>(1, x.calls));
  return {{"app", name.app}, {"workspace", name.workspace}, {"operation", name.operation},
      {"calls", x.calls}, {"rate", rounded(static_cast<double>(x.calls) / seconds, 10)},
      {"errors", errors}, {"error_percent", rounded(static_cast<double>(errors) * 100 / calls, 10)},
      {"codes", std::move(codes)}, {"p50_ms", quantile_ms(x, 0.5)},
      {"p99_ms", quantile_ms(x, 0.99)}};
}

/// Larger is further up.
double weight(const json& row, top_order by) {
  switch (by) {
  case top_order::rate:
    return row["rate"];
  case top_order::errors:
    return row["errors"];
  case top_order::p99:
    return row["p99_ms"].is_null() ? std::numeric_limits<double>::infinity()
                                   : row["p99_ms"].get<double>();
  case top_order::name:
    break;
  }
  return 0;
}

} // namespace

node_counts read_metrics(std::string_view text) {
  auto out = node_counts{};
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    read_line(line, out);
  }
  return out;
}

node_counts difference(const node_counts& before, const node_counts& after) {
  auto out = node_counts{};
  for (auto& [name, now] : after) {
    auto found = before.find(name);
    if (found == before.end() || now.calls < found->second.calls) {
      out[name] = now;
      continue;
    }
    auto& then = found->second;
    auto& x = out[name];
    x.calls = now.calls - then.calls;
    auto earlier = [](const auto& in, const auto& key) {
      auto i = in.find(key);
      return i == in.end() ? std::uint64_t{0} : i->second;
    };
    for (auto& [bound, count] : now.upto)
      x.upto[bound] = added(earlier(then.upto, bound), count);
    for (auto& [code, count] : now.errors)
      x.errors[code] = added(earlier(then.errors, code), count);
  }
  return out;
}

void add_up(node_counts& sum, const node_counts& more) {
  for (auto& [name, x] : more) {
    auto& to = sum[name];
    to.calls += x.calls;
    for (auto& [bound, count] : x.upto)
      to.upto[bound] += count;
    for (auto& [code, count] : x.errors)
      to.errors[code] += count;
  }
}

json top_rows(const node_counts& of, double seconds, const std::string& app, top_order by,
    std::size_t limit) {
  auto rows = std::vector<json>{};
  for (auto& [name, x] : of)
    if (x.calls != 0 && (app.empty() || app == name.app || app == name.app + "@" + name.workspace))
      rows.push_back(row_of(name, x, seconds));
  std::stable_sort(rows.begin(), rows.end(),
      [&](const json& a, const json& b) { return weight(a, by) > weight(b, by); });
  if (rows.size() > limit)
    rows.resize(limit);
  auto out = json::array();
  for (auto& x : rows)
    out.push_back(std::move(x));
  return out;
}

} // namespace shoal::ctl
