// gateway: the gateway beside nginx and HAProxy, all in front of the same backend, TLS, kept-alive
// connections, with wrk (HTTP/1.1) and h2load (HTTP/2) as clients. Contenders take turns in each
// round, and the median of the rounds counts, so that a slow minute of the machine hits all alike.
//
// Shoal carries calls (`/mgw.htm`, digest log on); the peers proxy a path. `signed_…` is Shoal with
// signature and limits beside what the peers do without them. `added_…` is the latency at half of
// the slowest contender's rate, less that of the backend alone at the same rate.
#include <algorithm>
#include <cstdio>
#include <map>

#include "tools/bench/contenders/proxies.hpp"
#include "tools/bench/scenarios/gateway_calls.hpp"
#include "tools/bench/scenarios/gateway_setup.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {

namespace {

constexpr auto connections = std::size_t{64};
constexpr auto h2_connections = std::size_t{16}, h2_streams = std::size_t{16};
constexpr auto rounds = 3;

struct way {
  std::string contender;
  http_work small, large, authenticated; ///< an empty URL: it does not do that
};

class comparison {
public:
  comparison(const surroundings& around, const teller& tell) : around_{around}, tell_{tell} {
    certificate_ = make_certificate(around.folder);
    backend_ = start_backend(around.folder);
  }

  void run() {
    start_all();
    auto seconds = std::max<std::size_t>(1, around_.wishes.gateway_seconds);
    for (auto& x : ways_)
      for (auto* work : {&x.small, &x.large, &x.authenticated})
        work->seconds = seconds;
    for (auto round = 0; round < (around_.wishes.quick ? 1 : rounds); ++round)
      for (auto& x : ways_)
        measure(x);
    measure_latencies();
    for (auto& x : ways_)
      tell_(x.contender, figures_of(x.contender));
  }

private:
  bool wanted(const std::string& peer) const {
    auto& list = around_.wishes.peers;
    return list.empty() || std::find(list.begin(), list.end(), peer) != list.end();
  }

  void start_all() {
    if (!around_.wishes.without_shoal)
      start_shoal();
    auto add = [&](const std::string& name, http_server server) {
      auto base = "https://127.0.0.1:" + std::to_string(server.port);
      servers_.push_back(std::move(server));
      auto fields =
          std::vector<std::pair<std::string, std::string>>{{"Content-Type", "application/json"}};
      ways_.push_back({name, {base + "/small", fields, gateway_data(10), 1, around_.folder},
          {base + "/1k", fields, gateway_data(1024), 1, around_.folder}, {}});
    };
    if (wanted("nginx"))
      add("nginx", start_nginx(around_.folder, certificate_, backend_.port));
    if (wanted("haproxy"))
      add("haproxy", start_haproxy(around_.folder, certificate_, backend_.port));
    if (wanted("floor"))
      add("floor", start_bare_tls(around_.folder, certificate_));
  }

  void start_shoal() {
    shoal_ = std::make_unique<shoal_contender>(
        surroundings{around_.wishes, around_.folder, certificate_});
    shoal_->start();
    define_gateway(*shoal_, backend_.port);
    auto url = "https://127.0.0.1:" + std::to_string(shoal_->device_dial(0).port) + "/mgw.htm";
    auto x = way{"shoal", gateway_work(url, around_.folder, "bench.small", 10),
        gateway_work(url, around_.folder, "bench.1k", 1024),
        gateway_work(url, around_.folder, "bench.signed", 10)};
    sign_work(x.authenticated);
    for (auto* work : {&x.small, &x.large, &x.authenticated})
      try_out(*work);
    ways_.push_back(std::move(x));
  }

  void measure(const way& x) {
    auto note = [&](const std::string& metric, double value) {
      found_[x.contender][metric].push_back(value);
      std::fprintf(stderr, "gateway: %s %s %.0f\n", x.contender.c_str(), metric.c_str(), value);
    };
    note("requests_per_s", wrk_rate(x.small, connections));
    note("requests_1k_per_s", wrk_rate(x.large, connections));
    // The peers do less for this one: they only proxy.
    note("signed_requests_per_s",
        wrk_rate(x.authenticated.url.empty() ? x.small : x.authenticated, connections));
    note("h2_requests_per_s", h2_rate(x.small, h2_connections, h2_streams));
    if (x.contender == "shoal") // nobody else has such connections
      note("calls_per_s",
          device_call_rate(*shoal_, around_.wishes, "bench.small", x.small.body, x.small.seconds));
  }

  void measure_latencies() {
    auto slowest = 1e9;
    for (auto& x : ways_)
      slowest = std::min(slowest, median(found_[x.contender]["requests_per_s"]));
    auto rate = static_cast<std::size_t>(slowest / 2);
    auto direct = ways_.front().small;
    direct.url = "http://127.0.0.1:" + std::to_string(backend_.port) + "/small";
    auto alone = paced_latencies(direct, h2_connections, rate);
    auto p50 = percentile(alone, 0.5), p99 = percentile(alone, 0.99);
    for (auto& x : ways_) {
      auto all = paced_latencies(x.small, h2_connections, rate);
      found_[x.contender]["added_p50_ms"] = {(percentile(all, 0.5) - p50) / 1e6};
      found_[x.contender]["added_p99_ms"] = {(percentile(all, 0.99) - p99) / 1e6};
    }
  }

  figures figures_of(const std::string& contender) {
    auto out = figures{};
    for (auto* name :
        {"requests_per_s", "requests_1k_per_s", "signed_requests_per_s", "h2_requests_per_s"})
      out.push_back({name, "requests/s", median(found_[contender][name]), better::higher});
    if (contender == "shoal")
      out.push_back(
          {"calls_per_s", "calls/s", median(found_[contender]["calls_per_s"]), better::higher});
    for (auto* name : {"added_p50_ms", "added_p99_ms"})
      out.push_back({name, "ms", median(found_[contender][name]), better::lower});
    return out;
  }

  const surroundings& around_;
  const teller& tell_;
  certificate_files certificate_;
  http_server backend_;
  std::vector<http_server> servers_;
  std::unique_ptr<shoal_contender> shoal_;
  std::vector<way> ways_;
  std::map<std::string, std::map<std::string, std::vector<double>>> found_;
};

void run_whole(const surroundings& around, const teller& tell) { comparison{around, tell}.run(); }

} // namespace

scenario gateway_scenario() {
  auto x = scenario{"gateway", "calls through the gateway, beside reverse proxies",
      {"nginx", "haproxy", "floor"}, "gateway_seconds", nullptr, {}};
  x.whole = run_whole;
  return x;
}

} // namespace shoal::bench
