// latency: from the call to the device, at a fixed rate of single calls.
//
// Open loop: op k is due at begin + k / rate and carries that time, whether or not a connection is
// free then. If the server stalls, all ops that were due meanwhile show it (no coordinated
// omission).
#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/machine/interrupt.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {

namespace {

constexpr auto warm_up_s = std::size_t{1};

/// Sends ops at their due times, round robin over users and over publishers that are free.
void send_at_rate(tls_loop& loop, crew& senders, tally& t, const options& wishes, std::size_t rate,
    std::size_t total) {
  auto payload = make_payload(wishes.payload);
  auto begin = now_ns();
  auto due = [&](std::size_t k) {
    return begin + static_cast<std::int64_t>(k * 1'000'000'000 / rate);
  };
  auto sent = std::size_t{0};
  auto turn = std::size_t{0};
  auto limit = due(total) + wishes.timeout_s * 1'000'000'000LL;
  auto expected = t.delivered + total;
  while (t.delivered < expected && t.trouble.empty() && now_ns() < limit && !interrupted()) {
    auto tried = std::size_t{0};
    for (; sent < total && due(sent) <= now_ns() && tried < senders.size(); ++turn) {
      auto i = turn % senders.size();
      if (senders.member(i).capacity() == 0) {
        ++tried;
        continue;
      }
      stamp(payload, due(sent));
      auto op = outgoing{sent++ % wishes.users, payload};
      senders.publish(i, {&op, 1});
      tried = 0;
    }
    // With no publisher free only an answer helps: looking again and again would take a core.
    auto nothing_due = sent == total || tried == senders.size();
    loop.step(nothing_due ? now_ns() + 1'000'000 : std::max(due(sent), now_ns()));
  }
  wait_for(loop, t, 1, "delivering", [&] { return t.delivered >= expected; });
}

figures run(contender& who, const surroundings& around) {
  auto& wishes = around.wishes;
  auto rate = who.name() == "jetstream" ? wishes.jetstream_rate : wishes.rate;
  auto t = tally{};
  auto loop = tls_loop{};
  who.prepare(loop, {.whom = audience::own,
                        .confirmed = true,
                        .users = wishes.users,
                        .payload = wishes.payload,
                        .in_flight = wishes.batch,
                        .single_calls = true});
  auto senders = crew{loop, who, t, wishes, wishes.callers};
  auto devices = fleet{loop, who, t, wishes};
  devices.connect(wishes.users);

  auto ages = std::vector<std::int64_t>{};
  t.latencies = &ages;
  send_at_rate(loop, senders, t, wishes, rate, rate * warm_up_s);
  ages.clear();
  send_at_rate(loop, senders, t, wishes, rate, rate * wishes.seconds);
  auto ms = [&](double share) { return percentile(ages, share) / 1e6; };
  return {{"p50_ms", "ms", ms(0.5), better::lower}, {"p99_ms", "ms", ms(0.99), better::lower},
      {"p999_ms", "ms", ms(0.999), better::lower},
      {"rate", "ops/s", static_cast<double>(rate), better::higher}};
}

} // namespace

scenario latency_scenario() {
  return {"latency", "call to device at a fixed rate of single calls", {"mosquitto", "jetstream"},
      "users rate jetstream_rate callers seconds payload", run, {}};
}

} // namespace shoal::bench
