#include "actors/gateway/supervisor.hpp"

#include <nlohmann/json.hpp>

#include "actors/log.hpp"

namespace shoal::gateway {
namespace {

constexpr auto look = std::chrono::milliseconds{250};

void write_digest(supervisor_state& me) {
  if (!me.opt.digest)
    return;
  auto flaw = me.opt.digest->write();
  if (flaw != me.trouble && !flaw.empty())
    log::error("digest log cannot be written", {{"why", flaw}});
  me.trouble = std::move(flaw);
}

} // namespace

std::string supervisor_state::describe() const {
  auto rows = opt.share->counts.read();
  auto calls = std::uint64_t{0}, refused = std::uint64_t{0};
  for (auto& x : rows) {
    calls += x.sum.calls;
    for (auto& [code, count] : x.sum.codes)
      refused += count;
  }
  return nlohmann::json{{"calls", calls}, {"no_success", refused}, {"apis_called", rows.size()},
      {"share_of_limits", opt.share->limits.share()}, {"gates", opt.share->limits.size()},
      {"digest_dropped_bytes", opt.digest ? opt.digest->dropped_bytes() : 0},
      {"digest_trouble", trouble}}
      .dump();
}

supervisor_actor::behavior_type supervisor(
    supervisor_actor::stateful_pointer<supervisor_state> self, supervisor_options options) {
  self->state.opt = std::move(options);
  self->delayed_send(self, look, atom::tick::value);
  return {
      [self](atom::tick) {
        auto& me = self->state;
        write_digest(me);
        auto nodes = std::max<std::size_t>(1, me.opt.live_nodes());
        me.opt.share->limits.set_share(1.0 / static_cast<double>(nodes));
        self->delayed_send(self, look, atom::tick::value);
      },
  };
}

} // namespace shoal::gateway
