// Settings, groups, authorization rules, protobuf types; export and import.
#include "actors/api/api_gateway.hpp"

#include <algorithm>

namespace shoal::api {

using gateway::entry_kind;
using nlohmann::json;
using expect = gateway::edit::expect;

namespace {

constexpr std::size_t max_export = 2'000;

template <class T, class Show>
json sorted(const gateway::persistent_map<T>& map, Show show) {
  auto all = std::vector<std::pair<std::string, const T*>>{};
  map.each([&](const std::string& key, const T& x) { all.emplace_back(key, &x); });
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.first < b.first; });
  auto out = json::array();
  for (auto& [key, x] : all)
    out.push_back(show(**x));
  return out;
}

/// What a live entry was made of; null if there is none.
template <class Live>
auto set_of(const Live& x) -> decltype(&x->set) {
  return x ? &x->set : nullptr;
}

template <class T>
const T& found_or_refused(const T* x, std::string_view what) {
  if (!x)
    throw refusal{ec::not_found, std::string{"no such "}.append(what)};
  return *x;
}

} // namespace

void api_state::change_gateway(const exchange_ptr& x, std::vector<gateway::edit> edits,
    gateway_changed done, const std::string& note) {
  auto what = std::make_shared<gateway::change>();
  what->app = x->app->no;
  what->edits = std::move(edits);
  what->actor = x->key->id;
  what->note = x->request.method + " " + x->request.path + note;
  auto heard = [done = std::move(done)](const gateway_outcome_ptr& result) {
    if (result->code != ec::none)
      throw refusal{result->code, result->text};
    done(*result);
  };
  ask<gateway_outcome_ptr>(x, ec::outcome_unknown, sv->where.gateway_writer(), heard,
      atom::change::value, gateway_change_ptr{std::move(what)});
}

void api_state::remove_definition(
    const exchange_ptr& x, entry_kind kind, std::string what, std::uint32_t version) {
  auto edit = gateway::removal(kind, std::move(what));
  edit.version = version;
  change_gateway(
      x, {std::move(edit)}, [this, x](const gateway::change_outcome&) { answer(*x, 204, ""); });
}

void api_state::gateway_settings(const exchange_ptr& x) {
  auto in = world_of(*sv, *x);
  auto& now = in->settings().set;
  if (x->request.method == "GET")
    return answer(*x, 200, text(to_json(now, gateway::shown::full)));
  auto next = x->request.method == "PATCH" ? now : gateway::replacement_of(&now);
  try {
    read(parse_definition(*x), gateway::reading::asked, next);
  } catch (const gateway::bad_field& why) {
    throw refusal{ec::invalid_argument, why.path + ": " + why.sentence};
  }
  store_definition(x, std::move(next), expect::any, 0, &now);
}

void api_state::gateway_groups(const exchange_ptr& x) {
  auto in = world_of(*sv, *x);
  auto show = [](const auto& y) { return to_json(y.set, gateway::shown::full); };
  if (x->to.found->id == route_id::gw_groups)
    return answer(*x, 200, text({{"groups", sorted(in->groups(), show)}}));
  auto wanted = x->param(1);
  auto& live = in->group(wanted);
  auto old = set_of(live);
  auto& method = x->request.method;
  if (method == "DELETE")
    return remove_definition(x, entry_kind::group, wanted);
  if (method != "PUT")
    found_or_refused(old, "group");
  if (method == "GET")
    return answer(*x, 200, text(show(*live)));
  auto next = method == "PATCH" ? *old : gateway::replacement_of(old);
  read_definition(parse_definition(*x), next, &gateway::api_group::name, wanted);
  store_definition(x, std::move(next), method == "PATCH" ? expect::present : expect::any, 0, old);
}

void api_state::gateway_rules(const exchange_ptr& x) {
  auto in = world_of(*sv, *x);
  auto show = [](const auto& y) { return to_json(y, gateway::shown::full); };
  if (x->to.found->id == route_id::gw_rules)
    return answer(*x, 200, text({{"auth_rules", sorted(in->authorizers(), show)}}));
  auto wanted = x->param(1);
  auto old = in->authorizer(wanted).get();
  if (x->request.method == "DELETE")
    return remove_definition(x, entry_kind::authorizer, wanted);
  if (x->request.method == "GET")
    return answer(*x, 200, text(show(found_or_refused(old, "authorization rule"))));
  auto next = gateway::authorizer_rule{};
  read_definition(parse_definition(*x), next, &gateway::authorizer_rule::name, wanted);
  store_definition(x, std::move(next), expect::any, 0, old);
}

void api_state::gateway_protos(const exchange_ptr& x) {
  auto in = world_of(*sv, *x);
  auto show = [](const gateway::live_proto& y) {
    auto out = to_json(y.set, gateway::shown::full);
    out["messages"] = y.types ? y.types->messages() : std::vector<std::string>{};
    return out;
  };
  if (x->to.found->id == route_id::gw_protos) {
    auto brief = [&](const gateway::live_proto& y) {
      auto out = show(y);
      out.erase("files"), out.erase("descriptors");
      return out;
    };
    return answer(*x, 200, text({{"protos", sorted(in->protos(), brief)}}));
  }
  auto wanted = x->param(1);
  auto& live = in->proto(wanted);
  if (x->request.method == "DELETE")
    return remove_definition(x, entry_kind::proto, wanted);
  if (x->request.method == "GET")
    return answer(*x, 200, text(show(found_or_refused(live.get(), "set of types"))));
  auto next = gateway::proto_definition{};
  read_definition(parse_definition(*x), next, &gateway::proto_definition::name, wanted);
  store_definition(x, std::move(next), expect::any, 0, set_of(live));
}

void api_state::export_gateway(const exchange_ptr& x) {
  auto& q = x->asked;
  auto limit = q.limit(500, max_export);
  answer(*x, 200, text(gateway::bundle_of(*world_of(*sv, *x), q.text("after"), limit)));
}

void api_state::import_gateway(const exchange_ptr& x) {
  auto& q = x->asked;
  auto before = world_of(*sv, *x);
  auto edits = std::vector<gateway::edit>{};
  try {
    edits = gateway::edits_of(parse_definition(*x), before.get());
  } catch (const gateway::bad_field& why) {
    throw refusal{ec::invalid_argument, why.path + ": " + why.sentence};
  }
  put_definitions(x, before, std::move(edits), q.text("dry_run") == "true");
}

// A dry run is planned here, with what this node knows, and nothing is handed in.
void api_state::put_definitions(const exchange_ptr& x, const gateway::world_ptr& before,
    std::vector<gateway::edit> edits, bool dry, const std::string& note) {
  auto count = edits.size();
  auto tell = [this, x, before, count, dry](const gateway::change_outcome& done) {
    auto list = gateway::summary_of(done, before.get());
    auto unchanged = count - std::min(count, list.size());
    answer(*x, 200,
        text({{"dry_run", dry}, {"revision", done.revision}, {"unchanged", unchanged},
            {"definitions", std::move(list)}}));
  };
  if (!dry)
    return change_gateway(x, std::move(edits), tell, note);
  auto what = gateway::change{};
  what.app = x->app->no;
  what.edits = std::move(edits);
  auto planned = gateway::plan_change(*sv->gateway->load(), *x->known, what, sv->now_ms(), 0);
  if (planned.outcome.code != ec::none)
    throw refusal{planned.outcome.code, planned.outcome.text};
  tell(planned.outcome);
}

} // namespace shoal::api
