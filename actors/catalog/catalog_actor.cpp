#include "actors/catalog/catalog_actor.hpp"

#include "actors/catalog/catalog_change.hpp"
#include "actors/registry/watched.hpp"

namespace shoal {

namespace {

struct catalog_rules {
  static constexpr const char* name = "catalog-writer";
  static constexpr std::uint32_t first_audit_seq = 0;
  using change = catalog_change;
  using result = change_result;
  using planned = planned_change;

  static planned plan(services& sv, const change& x, std::uint32_t seq) {
    return plan_change(*sv.catalog.load(), x, sv.now_ms(), seq);
  }
  static bool refused(const planned& x) { return x.result.code != ec::none; }
  static void publish(services& sv, planned& x) {
    if (x.next)
      sv.catalog.store(x.next);
  }
  static result take_result(planned& x) { return std::move(x.result); }
  static result failed(ec code, const char* text) { return {code, text, {}, {}, {}}; }
};

} // namespace

catalog_actor spawn_catalog_writer(
    caf::actor_system& sys, services_ptr services, actor_registry* actors) {
  return spawn_watched(
      sys, actors, below_root(actors, ""), single_writer<catalog_rules>, std::move(services));
}

} // namespace shoal
