#include "actors/gateway/figures.hpp"

#include <algorithm>

namespace shoal::gateway {
namespace {

constexpr char separator = '\n'; // in no identifier
constexpr std::string_view others = "(others)";

std::string escaped(std::string_view text) {
  auto out = std::string{};
  for (auto c : text)
    out.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
  return out;
}

std::string labels_of(const figures::row& x) {
  return "app=\"" + escaped(x.app) + "\",workspace=\"" + escaped(x.workspace) + "\",operation=\"" +
         escaped(x.operation) + "\"";
}

} // namespace

void api_figures::add(std::int64_t cost_us, std::int64_t backend_cost_us, mgw::result code) {
  auto cost = std::chrono::microseconds{std::max<std::int64_t>(0, cost_us)};
  auto bucket = std::ranges::lower_bound(duration_histogram::bounds, cost);
  ++buckets[static_cast<std::size_t>(bucket - duration_histogram::bounds.begin())];
  ++calls;
  sum_us += static_cast<std::uint64_t>(cost.count());
  backend_us += static_cast<std::uint64_t>(std::max<std::int64_t>(0, backend_cost_us));
  if (code != mgw::result::success)
    ++codes[static_cast<unsigned>(code)];
}

void api_figures::add(const api_figures& x) {
  for (auto i = std::size_t{0}; i < buckets.size(); ++i)
    buckets[i] += x.buckets[i];
  calls += x.calls;
  sum_us += x.sum_us;
  backend_us += x.backend_us;
  for (auto& [code, count] : x.codes)
    codes[code] += count;
}

std::int64_t api_figures::quantile_us(double share) const {
  auto wanted = static_cast<double>(calls) * share;
  auto sum = 0.0;
  for (auto i = std::size_t{0}; i < duration_histogram::bounds.size(); ++i) {
    sum += static_cast<double>(buckets[i]);
    if (sum >= wanted)
      return duration_histogram::bounds[i].count();
  }
  return duration_histogram::bounds.back().count();
}

api_figures& local_figures::of(
    const std::string& app, const std::string& workspace, const std::string& operation) {
  name_.clear();
  name_.append(app).append(1, separator).append(workspace).append(1, separator).append(operation);
  return by_name_[name_];
}

void figures::take(local_figures& x) {
  auto guard = std::lock_guard{mutex_};
  for (auto& [name, more] : x.by_name_) {
    auto found = by_name_.find(name);
    if (found == by_name_.end()) {
      auto room = by_name_.size() < max_series;
      found = by_name_.try_emplace(room ? name : "\n\n" + std::string{others}).first;
    }
    found->second.add(more);
  }
  x.by_name_.clear();
}

std::vector<figures::row> figures::read() const {
  auto out = std::vector<row>{};
  {
    auto guard = std::lock_guard{mutex_};
    for (auto& [name, sum] : by_name_) {
      auto first = name.find(separator), second = name.find(separator, first + 1);
      out.push_back({name.substr(0, first), name.substr(first + 1, second - first - 1),
          name.substr(second + 1), sum});
    }
  }
  std::ranges::sort(out, [](auto& a, auto& b) {
    return std::tie(b.sum.calls, a.app, a.workspace, a.operation) <
           std::tie(a.sum.calls, b.app, b.workspace, b.operation);
  });
  return out;
}

std::string figures::render() const {
  auto rows = read();
  if (rows.empty())
    return {};
  auto out = std::string{
      "# HELP shoal_gateway_duration_seconds Calls of the gateway from arrival to answer, by API\n"
      "# TYPE shoal_gateway_duration_seconds histogram\n"};
  for (auto& x : rows)
    render_series(out, "shoal_gateway_duration_seconds", labels_of(x),
        {x.sum.buckets, x.sum.calls, x.sum.sum_us});
  out += "# HELP shoal_gateway_refused_total Answers that are no success, by API and code\n"
         "# TYPE shoal_gateway_refused_total counter\n";
  for (auto& x : rows)
    for (auto& [code, count] : x.sum.codes)
      out += "shoal_gateway_refused_total{" + labels_of(x) + ",code=\"" + std::to_string(code) +
             "\"} " + std::to_string(count) + "\n";
  return out;
}

} // namespace shoal::gateway
