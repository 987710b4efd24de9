// soak: what the memory of the gateway does over millions of calls, and over thousands of changes
// of its definitions. Every call is signed, limited and logged.
#include <cstdio>

#include <nlohmann/json.hpp>

#include "tools/bench/contenders/proxies.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/scenarios/gateway_setup.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {
namespace {

constexpr auto connections = std::size_t{64};
constexpr auto piece_s = std::size_t{10};
constexpr auto warm_up = 0.1;      ///< of all calls: until then pools and caches are filling
constexpr auto settle_ms = 12'000; ///< after it, what is free has been given back

double settled_memory(shoal_contender& shoal) {
  auto loop = tls_loop{};
  let_settle(loop, settle_ms);
  return static_cast<double>(shoal.memory().rss);
}

/// Until `count` calls were made in all.
void make_calls(shoal_contender& shoal, const http_work& work, double& made, double count) {
  while (made < count) {
    made += wrk_rate(work, connections) * static_cast<double>(work.seconds);
    std::fprintf(stderr, "soak: %.1f million calls, %.1f MB\n", made / 1e6,
        static_cast<double>(shoal.memory().rss) / 1e6);
  }
}

void make_changes(shoal_contender& shoal, std::size_t count) {
  auto loop = tls_loop{tickets::keep};
  for (auto i = std::size_t{0}; i < count; ++i) {
    shoal.call(loop, shoal.admin(), "PATCH", "/v1/apps/bench/gateway/apis/bench.1k",
        nlohmann::json{{"timeout_ms", 1'000 + i % 2}}.dump());
    if ((i + 1) % 1'000 == 0)
      std::fprintf(stderr, "soak: %zu changes, %.1f MB\n", i + 1,
          static_cast<double>(shoal.memory().rss) / 1e6);
  }
}

void run_whole(const surroundings& around, const teller& tell) {
  auto certificate = make_certificate(around.folder);
  auto backend = start_backend(around.folder);
  auto shoal = shoal_contender{{around.wishes, around.folder, certificate}};
  shoal.start();
  define_gateway(shoal, backend.port);
  auto url = "https://127.0.0.1:" + std::to_string(shoal.device_dial(0).port) + "/mgw.htm";
  auto work = gateway_work(url, around.folder, "bench.signed", 10);
  sign_work(work);
  try_out(work);
  work.seconds = piece_s;
  auto wanted = static_cast<double>(around.wishes.soak_calls);
  auto made = 0.0;
  make_calls(shoal, work, made, wanted * warm_up);
  auto first = made, before = settled_memory(shoal);
  make_calls(shoal, work, made, wanted);
  auto after = settled_memory(shoal);
  make_changes(shoal, around.wishes.soak_changes);
  auto at_end = settled_memory(shoal);
  tell("shoal",
      {{"calls", "calls", made, better::higher},
          {"bytes_per_call", "bytes", (after - before) / (made - first), better::lower},
          {"bytes_per_change", "bytes",
              (at_end - after) / static_cast<double>(around.wishes.soak_changes), better::lower},
          {"bytes_at_end", "bytes", at_end, better::lower}});
}

} // namespace

scenario soak_scenario() {
  auto x = scenario{"soak", "memory of the gateway over millions of calls, thousands of changes",
      {}, "soak_calls soak_changes", nullptr, {}};
  x.whole = run_whole;
  return x;
}

} // namespace shoal::bench
