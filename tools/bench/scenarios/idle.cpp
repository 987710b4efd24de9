// idle: how much memory a server needs per device that is connected, follows a feed of its own, has
// received and acknowledged one op, and is silent.
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {

namespace {

constexpr auto settle_ms =
    15000; // longer than any server waits before it writes cursors and gives memory back
constexpr auto publishers = std::size_t{4};

figures run(contender& who, const surroundings& around) {
  auto& wishes = around.wishes;
  auto n = wishes.devices;
  auto t = tally{};
  auto loop = tls_loop{};
  who.prepare(loop, {.whom = audience::own,
                        .confirmed = true,
                        .users = n,
                        .payload = wishes.payload,
                        .in_flight = wishes.batch});
  auto senders = crew{loop, who, t, wishes, publishers};
  let_settle(loop, settle_ms);
  auto before = who.memory();

  auto devices = fleet{loop, who, t, wishes};
  devices.connect(n);
  senders.publish_to_each(n, 1, make_payload(wishes.payload));
  wait_for(loop, t, wishes.timeout_s, "delivering", [&] { return t.delivered >= n; });
  let_settle(loop, settle_ms);
  auto after = who.memory();

  auto per_device = [&](std::int64_t x, std::int64_t y) {
    return static_cast<double>(y - x) / static_cast<double>(n);
  };
  return {{"bytes_per_device", "bytes", per_device(before.rss, after.rss), better::lower},
      {"pss_per_device", "bytes", per_device(before.pss, after.pss), better::lower}};
}

} // namespace

scenario idle_scenario() {
  return {"idle", "server memory per connected device (bound, one stream, one cursor)",
      {"nats", "mosquitto", "floor"}, "devices", run, {}};
}

} // namespace shoal::bench
