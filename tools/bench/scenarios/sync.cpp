// sync: ops for single users, as many as go through, from the call until the device has received
// and acknowledged them. Every publisher keeps `batch` ops in flight: one API call of that many
// items with Shoal, that many unconfirmed messages with the peers. An op counts when it is both
// confirmed to its publisher and acknowledged by its device.
#include "tools/bench/floor/store.hpp"
#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {

namespace {

constexpr auto warm_up = std::size_t{5}; // ops per user before the clock starts
/// JetStream does a few thousand per second: a tenth of the ops still takes the longest.
constexpr auto slow_share = std::size_t{10};

figures run(contender& who, const surroundings& around) {
  auto& wishes = around.wishes;
  auto t = tally{};
  auto loop = tls_loop{};
  who.prepare(loop, {.whom = audience::own,
                        .confirmed = true,
                        .users = wishes.users,
                        .payload = wishes.payload,
                        .in_flight = wishes.batch});
  auto senders = crew{loop, who, t, wishes, wishes.publishers};
  auto devices = fleet{loop, who, t, wishes};
  devices.connect(wishes.users);
  auto payload = make_payload(wishes.payload);
  auto pass = [&](std::size_t per_user) {
    auto expected = t.delivered + per_user * wishes.users;
    senders.publish_to_each(wishes.users, per_user, payload);
    wait_for(loop, t, wishes.timeout_s, "delivering", [&] { return t.delivered >= expected; });
  };
  pass(warm_up);

  auto per_user = std::max<std::size_t>(1, wishes.ops / wishes.users);
  if (who.name() == "jetstream")
    per_user = std::max<std::size_t>(1, per_user / slow_share);
  auto cpu = who.cpu_seconds();
  auto begin = now_ns();
  pass(per_user);
  auto ops = static_cast<double>(per_user * wishes.users);
  auto rate = ops / seconds_of(now_ns() - begin);
  cpu = who.cpu_seconds() - cpu;
  return {{"ops_per_s", "ops/s", rate, better::higher},
      {"server_cpu_us_per_op", "us", cpu * 1e6 / ops, better::lower}};
}

figures bare(const surroundings& around) {
  auto& wishes = around.wishes;
  // Everything in flight in one synced write: the most that group commit could do.
  auto batch = wishes.batch * wishes.publishers;
  auto rate = synced_rows_per_second(around.folder, wishes.ops, batch, wishes.payload);
  return {{"ops_per_s", "ops/s", rate, better::higher}};
}

} // namespace

scenario sync_scenario() {
  return {"sync", "durable ops to single users, sent to acknowledged",
      {"mosquitto", "jetstream", "floor"}, "users ops payload publishers batch", run, bare};
}

} // namespace shoal::bench
