// broadcast and burst: one op, or 50 at once, for every connected device.
#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {

namespace {

constexpr auto pause_ms = 200; // between rounds: acknowledgements come in

struct round_times {
  double whole_s = 0;  ///< from the call to the last device
  double spread_s = 0; ///< from the first device to the last
};

/// The median round of `count` ops to all devices.
round_times measure(
    contender& who, const surroundings& around, std::size_t count, std::size_t rounds) {
  auto& wishes = around.wishes;
  auto t = tally{};
  auto loop = tls_loop{};
  who.prepare(loop, {.whom = audience::everybody,
                        .payload = wishes.payload,
                        .in_flight = std::max<std::size_t>(count, 2)});
  auto sender = crew{loop, who, t, wishes, 1};
  auto devices = fleet{loop, who, t, wishes};
  devices.connect(wishes.devices);

  auto payload = make_payload(wishes.payload);
  auto ops = std::vector<outgoing>(count, {to_all, payload});
  auto whole = std::vector<double>{};
  auto spread = std::vector<double>{};
  for (auto round = std::size_t{0}; round < rounds; ++round) {
    let_settle(loop, pause_ms);
    auto expected = t.delivered + count * wishes.devices;
    t.restart();
    auto begin = now_ns();
    sender.publish(0, ops);
    wait_for(loop, t, wishes.timeout_s, "delivering", [&] { return t.delivered >= expected; });
    whole.push_back(seconds_of(t.last_ns - begin));
    spread.push_back(seconds_of(t.last_ns - t.first_ns));
    wait_for(
        loop, t, wishes.timeout_s, "confirming", [&] { return t.accepted >= count * (round + 1); });
  }
  return {median(whole), median(spread)};
}

figures run_broadcast(contender& who, const surroundings& around) {
  auto times = measure(who, around, 1, around.wishes.rounds);
  auto devices = static_cast<double>(around.wishes.devices);
  return {{"deliveries_per_s", "deliveries/s", devices / times.spread_s, better::higher},
      {"call_to_last_ms", "ms", times.whole_s * 1000, better::lower}};
}

figures run_burst(contender& who, const surroundings& around) {
  auto times = measure(who, around, around.wishes.burst, around.wishes.burst_rounds);
  auto deliveries = static_cast<double>(around.wishes.devices * around.wishes.burst);
  return {{"deliveries_per_s", "deliveries/s", deliveries / times.whole_s, better::higher},
      {"call_to_last_ms", "ms", times.whole_s * 1000, better::lower}};
}

} // namespace

scenario broadcast_scenario() {
  return {"broadcast", "one op to all devices, first to last device",
      {"nats", "mosquitto", "floor"}, "devices payload rounds", run_broadcast, {}};
}

scenario burst_scenario() {
  return {"burst", "many ops at once to all devices, call to last delivery",
      {"nats", "mosquitto", "floor"}, "devices burst payload burst_rounds", run_burst, {}};
}

} // namespace shoal::bench
