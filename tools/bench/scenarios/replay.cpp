// replay: devices that were away come back all at once and drain what waits for them. TLS is up
// before the clock starts; it runs from the first login to the last op acknowledged.
#include <algorithm>

#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {

namespace {

constexpr auto settle_ms = 2000;
constexpr auto sample_every_ns = std::int64_t{100'000'000};
constexpr auto slow_share = std::size_t{10}; // JetStream gets a tenth of the backlog, as in sync

void leave_backlog(
    tls_loop& loop, contender& who, tally& t, const options& wishes, std::size_t per_user) {
  {
    auto known = fleet{loop, who, t, wishes}; // everybody was here once: sessions and cursors exist
    known.connect(wishes.users);
  }
  let_settle(loop, settle_ms);
  auto senders = crew{loop, who, t, wishes, wishes.publishers};
  senders.publish_to_each(wishes.users, per_user, make_payload(wishes.payload));
  let_settle(loop, settle_ms);
}

figures run(contender& who, const surroundings& around) {
  auto& wishes = around.wishes;
  auto t = tally{};
  auto loop = tls_loop{};
  who.prepare(loop, {.whom = audience::own,
                        .confirmed = true,
                        .absent = true,
                        .users = wishes.users,
                        .payload = wishes.payload,
                        .in_flight = wishes.batch});
  auto per_user = who.name() == "jetstream" ? std::max<std::size_t>(1, wishes.backlog / slow_share)
                                            : wishes.backlog;
  leave_backlog(loop, who, t, wishes, per_user);

  auto devices = fleet{loop, who, t, wishes};
  devices.connect(wishes.users, true);
  let_settle(loop, settle_ms);
  auto before = who.memory().rss;
  auto most = before;
  auto total = per_user * wishes.users;
  t.delivered = 0;
  auto begin = now_ns();
  auto next_sample = begin;
  devices.login();
  wait_for(loop, t, wishes.timeout_s, "replaying", [&] {
    if (now_ns() >= next_sample) {
      most = std::max(most, who.memory().rss);
      next_sample = now_ns() + sample_every_ns;
    }
    return t.delivered >= total;
  });
  auto rate = static_cast<double>(total) / seconds_of(t.last_ns - begin);
  most = std::max(most, who.memory().rss);
  return {{"ops_per_s", "ops/s", rate, better::higher},
      {"rss_growth_mb", "MB", static_cast<double>(most - before) / 1e6, better::lower}};
}

} // namespace

scenario replay_scenario() {
  return {"replay", "returning devices drain their backlog", {"mosquitto", "jetstream", "floor"},
      "users backlog payload publishers batch", run, {}};
}

} // namespace shoal::bench
