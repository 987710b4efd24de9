#include "tools/bench/load/fleet.hpp"

#include <algorithm>
#include <stdexcept>

#include "tools/bench/load/clock.hpp"
#include "tools/bench/machine/interrupt.hpp"
#include "tools/bench/names.hpp"

namespace shoal::bench {

void wait_for(tls_loop& loop, const tally& t, int timeout_s, const std::string& what,
    const std::function<bool()>& done) {
  auto over =
      loop.run_until([&] { return interrupted() || !t.trouble.empty() || done(); }, timeout_s);
  if (interrupted())
    throw std::runtime_error{"interrupted"};
  if (!t.trouble.empty())
    throw std::runtime_error{what + ": " + t.trouble};
  if (!over)
    throw std::runtime_error{what + numbered(": not done after ", timeout_s) + " s (" +
                             std::to_string(t.connected) + " connected, " +
                             std::to_string(t.ready) + numbered(" ready, ", t.accepted) +
                             numbered(" accepted, ", t.delivered) + " delivered)"};
}

void let_settle(tls_loop& loop, int milliseconds) {
  auto until = now_ns() + milliseconds * 1'000'000LL;
  while (now_ns() < until)
    loop.step(until);
}

void fleet::connect(std::size_t n, bool waits, std::size_t first) {
  tally_.connected = tally_.ready = 0;
  auto finished = [&] { return waits ? tally_.connected : tally_.ready; };
  for (auto i = std::size_t{0}; i < n; ++i) {
    devices_.push_back(who_.make_device(first + i, tally_));
    devices_.back()->waits = waits;
    connections_.push_back(&loop_.open(who_.device_dial(first + i), *devices_.back()));
    wait_for(loop_, tally_, wishes_.timeout_s, "connecting devices",
        [&] { return i + 1 - finished() < wishes_.concurrency; });
  }
  wait_for(loop_, tally_, wishes_.timeout_s, "connecting devices", [&] { return finished() == n; });
}

void fleet::login() {
  for (auto i = std::size_t{0}; i < devices_.size(); ++i) {
    devices_[i]->login(*connections_[i]);
    connections_[i]->flush();
  }
}

void fleet::close() {
  for (auto* x : connections_)
    x->close();
  connections_.clear();
  devices_.clear();
}

crew::crew(tls_loop& loop, contender& who, tally& t, const options& wishes, std::size_t n)
    : loop_{loop}, tally_{t}, wishes_{wishes} {
  for (auto i = std::size_t{0}; i < n; ++i) {
    members_.push_back(who.make_publisher(i, t));
    connections_.push_back(&loop.open(who.publisher_dial(i), *members_.back()));
  }
  wait_for(loop, t, wishes.timeout_s, "connecting publishers", [&] {
    return std::all_of(members_.begin(), members_.end(), [](auto& x) { return x->capacity() > 0; });
  });
}

crew::~crew() {
  for (auto* x : connections_)
    x->close();
}

void crew::publish_to_each(std::size_t users, std::size_t per_user, const std::string& payload) {
  auto total = users * per_user;
  auto before = tally_.accepted;
  auto next = std::size_t{0};
  auto batch = std::vector<outgoing>{};
  auto fill = [&] {
    for (auto i = std::size_t{0}; i < size(); ++i) {
      auto n = std::min({member(i).capacity(), wishes_.batch, total - next});
      if (n == 0)
        continue;
      batch.clear();
      while (batch.size() < n)
        batch.push_back({next++ % users, payload});
      publish(i, batch);
    }
    return tally_.accepted - before == total;
  };
  wait_for(loop_, tally_, wishes_.timeout_s, "publishing", fill);
}

} // namespace shoal::bench
