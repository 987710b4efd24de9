#include "actors/gateway/gateway_writer.hpp"

#include "actors/gateway/change.hpp"
#include "actors/registry/watched.hpp"

namespace shoal {

namespace {

struct gateway_rules {
  static constexpr const char* name = "gateway-writer";
  /// The catalog's writer counts from 0: both leave audit records in the same ms.
  static constexpr std::uint32_t first_audit_seq = 1u << 31;
  using change = gateway_change_ptr;
  using result = gateway_outcome_ptr;
  using planned = gateway::planned_change;

  static planned plan(services& sv, const change& x, std::uint32_t seq) {
    if (auto beats = x->beats; !beats.empty())
      return {gateway::take_beats(sv.gateway->services, beats, sv.steady_ms()), {}, {}};
    return gateway::plan_change(
        *sv.gateway->load(), *sv.catalog.load(), *x, sv.now_ms(), seq | first_audit_seq);
  }
  static bool refused(const planned& x) { return x.outcome.code != ec::none; }
  static void publish(services& sv, planned& x) {
    // Another node may have become the writer since, and its changes may be here already.
    if (x.next->revision() > sv.gateway->load()->revision())
      sv.gateway->store(x.next);
  }
  static result take_result(planned& x) {
    return std::make_shared<const gateway::change_outcome>(std::move(x.outcome));
  }
  static result failed(ec code, const char* text) {
    return std::make_shared<const gateway::change_outcome>(
        gateway::change_outcome{code, text, 0, {}});
  }
};

} // namespace

gateway_writer_actor spawn_gateway_writer(
    caf::actor_system& sys, services_ptr services, actor_registry* actors) {
  return spawn_watched(
      sys, actors, below_root(actors, ""), single_writer<gateway_rules>, std::move(services));
}

} // namespace shoal
