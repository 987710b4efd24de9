#include "actors/gateway/slow_calls.hpp"

#include "actors/log.hpp"

namespace shoal::gateway {
namespace {

/// "12.345": milliseconds, as people read them.
std::string ms(std::int64_t us) {
  auto rest = std::to_string(1'000 + us % 1'000);
  return std::to_string(us / 1'000).append(".").append(rest, 1);
}

} // namespace

void log_slow_call(const slow_call& x, const phase_times& spent, std::uint64_t left_out) {
  auto of = [&](phase part) { return ms(spent.spent_us(part)); };
  log::warn("slow call",
      {{"app", x.app}, {"workspace", x.workspace}, {"operation", x.operation}, {"code", x.code},
          {"group", x.system}, {"trace", x.trace_id}, {"total_ms", ms(spent.total_us())},
          {"own_ms", of(phase::own)}, {"authorizer_ms", of(phase::authorizer)},
          {"queue_ms", of(phase::queue)}, {"connect_ms", of(phase::connect)},
          {"backend_ms", of(phase::backend)}, {"write_ms", of(phase::write)},
          {"retries", x.attempts}, {"left_out", left_out}});
}

} // namespace shoal::gateway
