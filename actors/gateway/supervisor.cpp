#include "actors/gateway/supervisor.hpp"

#include <nlohmann/json.hpp>

#include "actors/gateway/local_backends.hpp"

namespace shoal::gateway {
namespace {

constexpr auto look = std::chrono::milliseconds{250};

} // namespace

std::string supervisor_state::describe() const {
  auto rows = opt.share->counts.read();
  auto calls = std::uint64_t{0}, refused = std::uint64_t{0};
  for (auto& x : rows) {
    calls += x.sum.calls;
    for (auto& [code, count] : x.sum.codes)
      refused += count;
  }
  auto locals = nlohmann::json::object();
  for (auto& [of, x] : opt.share->locals->list())
    locals[of] = {
        {"alive", x->is_alive()}, {"under_way", x->under_way()}, {"max_calls", x->max_calls()}};
  auto etcd = opt.share->etcd.now();
  return nlohmann::json{{"calls", calls}, {"no_success", refused}, {"apis_called", rows.size()},
      {"share_of_limits", opt.share->limits.share()},
      {"limits_shared_by_demand", opt.limits ? opt.limits->rules() : 0},
      {"gates", opt.share->limits.size()}, {"local_backends", std::move(locals)},
      {"etcd_prefixes", etcd.prefixes}, {"etcd_instances", etcd.instances},
      {"etcd_trouble", etcd.trouble},
      {"digest_dropped_bytes", opt.digest ? opt.digest->dropped_bytes() : 0},
      {"digest_trouble", opt.digest ? opt.digest->trouble() : ""}}
      .dump();
}

supervisor_actor::behavior_type supervisor(
    supervisor_actor::stateful_pointer<supervisor_state> self, supervisor_options options) {
  self->state.opt = std::move(options);
  self->delayed_send(self, look, atom::tick::value);
  return {
      [self](atom::tick) {
        auto& opt = self->state.opt;
        if (opt.limits)
          opt.limits->tick(opt.share->limits);
        self->delayed_send(self, look, atom::tick::value);
      },
  };
}

} // namespace shoal::gateway
