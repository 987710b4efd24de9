// connect: devices per second that get from nothing to logged in (TCP, TLS 1.3, the protocol's own
// hello), first with full handshakes, then with session tickets. A device that is in is dropped
// again, so this is the rate of a reconnect storm.
#include <deque>
#include <stdexcept>

#include "tools/bench/load/clock.hpp"
#include "tools/bench/load/fleet.hpp"
#include "tools/bench/names.hpp"
#include "tools/bench/scenarios/scenario.hpp"

namespace shoal::bench {

namespace {

struct visit {
  std::unique_ptr<device> who;
  connection* line;
};

double logins_per_second(
    contender& who, tls_loop& loop, const options& wishes, std::size_t first_device, bool resume) {
  auto t = tally{};
  auto dial = who.device_dial(0);
  dial.resume = resume;
  auto open = std::deque<visit>{};
  auto begin = now_ns();
  auto started = std::size_t{0};
  auto next = [&] {
    while (started < wishes.handshakes && started - t.ready < wishes.concurrency) {
      auto x = who.make_device(first_device + started++, t);
      auto& line = loop.open(dial, *x);
      open.push_back({std::move(x), &line});
    }
    // About the last `concurrency` that got in stay, so that a ticket has time to arrive. A server
    // may answer in any order: who is not in yet goes to the end of the row.
    for (auto looks = open.size(); looks > 0 && open.size() > 2 * wishes.concurrency; --looks) {
      if (open.front().who->ready())
        open.front().line->close();
      else
        open.push_back(std::move(open.front()));
      open.pop_front();
    }
    return t.ready == wishes.handshakes;
  };
  wait_for(loop, t, wishes.timeout_s, "connecting", next);
  auto result = static_cast<double>(t.ready) / seconds_of(now_ns() - begin);
  for (auto& x : open)
    x.line->close();
  return result;
}

figures run(contender& who, const surroundings& around) {
  auto& wishes = around.wishes;
  auto loop = tls_loop{tickets::keep};
  who.prepare(loop, {});
  auto full = logins_per_second(who, loop, wishes, 0, false);
  auto before = loop.resumed();
  auto resumed = logins_per_second(who, loop, wishes, wishes.handshakes, true);
  auto with_ticket = static_cast<double>(loop.resumed() - before);
  if (with_ticket < 0.99 * static_cast<double>(wishes.handshakes))
    throw std::runtime_error{
        numbered("session tickets accepted: ", static_cast<std::size_t>(with_ticket))};
  return {{"handshakes_per_s", "logins/s", full, better::higher},
      {"resumed_per_s", "logins/s", resumed, better::higher}};
}

} // namespace

scenario connect_scenario() {
  return {"connect", "TLS handshakes with login per second, full and resumed",
      {"nats", "mosquitto", "floor"}, "handshakes concurrency", run, {}};
}

} // namespace shoal::bench
