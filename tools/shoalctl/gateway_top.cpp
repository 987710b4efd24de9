// gateway top: what the nodes count about each API, looked at twice, again and again.
#include <chrono>

#include "tools/shoalctl/gateway_figures.hpp"

namespace shoal::ctl {
namespace {

using kind = argument::kind;

constexpr std::uint64_t shortest_ms = 250; // nodes add up what they count four times a second

std::uint64_t number_of(const given& values, std::string_view name, std::uint64_t otherwise) {
  if (!values.has(name))
    return otherwise;
  auto x = json::parse(values.text(name), nullptr, false);
  if (!x.is_number_unsigned())
    throw bad_usage{std::string{name} + " must be a whole number"};
  return x.get<std::uint64_t>();
}

top_order order_of(const std::string& x) {
  if (x == "rate")
    return top_order::rate;
  if (x == "errors")
    return top_order::errors;
  if (x == "p99")
    return top_order::p99;
  if (x == "name")
    return top_order::name;
  throw bad_usage{"--sort must be rate, errors, p99 or name"};
}

/// One node, and what it said last.
struct watched_node {
  std::unique_ptr<caller> to;
  node_counts before;

  node_counts look() {
    auto answer = to->plain("GET", "/metrics", {}, "");
    if (answer.status != 200)
      throw unreachable{"/metrics: http " + std::to_string(answer.status)};
    auto now = read_metrics(answer.body);
    auto out = difference(before, now);
    before = std::move(now);
    return out;
  }
};

std::vector<watched_node> nodes_of(const given& values, session& s) {
  auto urls = values.list("--admin");
  if (urls.empty())
    if (auto named = s.variable("SHOAL_ADMIN"); !named.empty())
      urls = {named};
  if (urls.empty())
    throw bad_usage{"which nodes? give --admin or set SHOAL_ADMIN"};
  auto out = std::vector<watched_node>{};
  for (auto& url : urls)
    out.push_back({s.connect_to(url), {}});
  return out;
}

int watch(const given& values, session& s) {
  auto window = number_of(values, "--every", 2'000);
  auto limit = number_of(values, "--limit", 20);
  auto order = order_of(values.text("--sort", "rate"));
  if (window < shortest_ms)
    throw bad_usage{"--every must be at least " + std::to_string(shortest_ms)};
  auto windows = values.has("--once") ? 1 : number_of(values, "--count", s.live ? UINT64_MAX : 1);
  auto nodes = nodes_of(values, s);
  for (auto& x : nodes)
    x.look();
  for (auto i = std::uint64_t{0}; i < windows; ++i) {
    if (!s.wait(std::chrono::milliseconds{window}))
      return 0;
    auto sum = node_counts{};
    for (auto& x : nodes)
      add_up(sum, x.look());
    auto seconds = static_cast<double>(window) / 1e3;
    s.emit({{"window_ms", window}, {"nodes", nodes.size()},
        {"apis", top_rows(sum, seconds, s.app, order, limit)}});
  }
  return 0;
}

} // namespace

std::vector<command> gateway_top_commands() {
  auto out = command{"gateway top",
      "APIs that are called: rate, errors by code, durations; live on a terminal",
      {{"--admin", "admin addresses of the nodes, http://127.0.0.1:9464,… ($SHOAL_ADMIN)",
           kind::list},
          {"--sort", "rate (default), errors, p99 or name", kind::text},
          {"--limit", "how many (20)", kind::text},
          {"--every", "milliseconds of a window (2000)", kind::text},
          {"--count", "end after so many windows; 1 unless on a terminal", kind::text},
          {"--once", "one window, then end", kind::flag}},
      {"operation", "app", "workspace", "rate", "errors", "error_percent", "codes", "p50_ms",
          "p99_ms"},
      "apis", watch};
  out.needs_server = false;
  out.draws_again = true;
  return {out};
}

} // namespace shoal::ctl
