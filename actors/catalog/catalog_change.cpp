#include "actors/catalog/catalog_change.hpp"

#include <nlohmann/json.hpp>

#include "actors/catalog/catalog_codec.hpp"
#include "actors/catalog/remark.hpp"
#include "storage/keys.hpp"

namespace shoal {

using nlohmann::json;

namespace {

constexpr std::size_t max_bizs_per_app = 10'000;
constexpr std::size_t max_keys_per_app = 1'000;

struct refusal {
  ec code;
  std::string text;
};

struct audit_facts {
  app_no app{};
  std::string what;
  json before, after;
  std::string note; ///< empty: that of the change
};

void put(storage::write_batch& rows, storage::write_batch::row row) {
  rows.put(std::move(row.key), std::move(row.value));
}

audit_facts plan_app(
    const catalog& now, const catalog_change& change, planned_change& out, std::int64_t now_ms) {
  auto x = *change.app;
  auto old = now.app(x.id);
  if (!valid_app_id(x.id))
    throw refusal{ec::invalid_argument, "id must be 1 to 48 of a-z, 0-9 and '-', starting with a "
                                        "letter, optionally followed by @workspace"};
  if (old && change.create)
    throw refusal{ec::already_exists, "app \"" + x.id + "\" exists"};
  if (!old && !change.create)
    throw refusal{ec::not_found, "app \"" + x.id + "\" does not exist"};
  if (x.description.size() > 1024)
    throw refusal{ec::invalid_argument, "description is longer than 1024 bytes"};
  if (auto problem = problem_of(x.users); !problem.empty())
    throw refusal{ec::invalid_argument, problem};
  x.no = old ? old->no : static_cast<app_no>(now.next_app());
  x.created_ms = old ? old->created_ms : now_ms;
  out.result.app = std::make_shared<const app_config>(x);
  put(out.rows, row_of(x));
  out.next = std::make_shared<const catalog>(now.with(out.result.app));
  auto shown = [](const app_ptr& app) { return app ? to_json(*app, secrets::hide) : json{}; };
  return {x.no, old ? "app changed" : "app created", shown(old), shown(out.result.app), {}};
}

audit_facts plan_biz(
    const catalog& now, const catalog_change& change, planned_change& out, std::int64_t now_ms) {
  auto x = *change.biz;
  if (!now.app(x.app))
    throw refusal{ec::not_found, "the app does not exist"};
  if (auto problem = problem_of(x); !problem.empty())
    throw refusal{ec::invalid_argument, problem};
  auto old = now.biz(x.app, x.name);
  if (old && change.create)
    throw refusal{ec::already_exists, "biz \"" + x.name + "\" exists"};
  if (old && (old->scope != x.scope || old->target != x.target))
    throw refusal{ec::invalid_argument, "scope and target cannot be changed, the stored ops belong "
                                        "to them: make a biz of another name"};
  if (!old && now.bizs(x.app).size() >= max_bizs_per_app)
    throw refusal{ec::invalid_argument, "an app has at most 10000 bizs"};
  x.no = old ? old->no : static_cast<biz_no>(now.next_biz(x.app));
  x.created_ms = old ? old->created_ms : now_ms;
  // Streams take the newer settings, whatever the clock was set to.
  x.updated_ms = old ? std::max(now_ms, old->updated_ms + 1) : now_ms;
  out.result.biz = std::make_shared<const biz_config>(x);
  put(out.rows, row_of(x));
  out.next = std::make_shared<const catalog>(now.with(out.result.biz));
  return {x.app, old ? "biz changed" : "biz created", old ? to_json(*old) : json{}, to_json(x), {}};
}

audit_facts plan_key(
    const catalog& now, const catalog_change& change, planned_change& out, std::int64_t now_ms) {
  auto x = *change.key;
  auto old = now.key(x.id);
  if (raw(x.app) == 0 ? x.role != key_role::operator_ : !now.app(x.app))
    throw refusal{ec::not_found, "the app does not exist"};
  if (raw(x.app) != 0 && x.role == key_role::operator_)
    throw refusal{
        ec::invalid_argument, "role must be \"read\", \"write\", \"admin\" or \"device\""};
  if (old && change.create)
    throw refusal{ec::already_exists, "key \"" + x.id + "\" exists"};
  if (!change.create && (!old || old->app != x.app))
    throw refusal{ec::not_found, "key \"" + x.id + "\" does not exist"};
  if (x.id.empty() || x.id.size() > 64 || x.secret.size() < 16 || x.secret.size() > 128)
    throw refusal{
        ec::invalid_argument, "a key has an id of at most 64 and a secret of 16 to 128 bytes"};
  if (x.note.size() > 256)
    throw refusal{ec::invalid_argument, "note is longer than 256 bytes"};
  if (!old && now.keys(x.app).size() >= max_keys_per_app)
    throw refusal{ec::invalid_argument, "an app has at most 1000 keys"};
  x.created_ms = old ? old->created_ms : now_ms;
  out.result.key = std::make_shared<const key_config>(x);
  put(out.rows, row_of(x));
  out.next = std::make_shared<const catalog>(now.with(out.result.key));
  auto shown = [](const key_ptr& key) { return key ? to_json(*key, secrets::hide) : json{}; };
  return {x.app, old ? "key changed" : "key created", shown(old), shown(out.result.key), {}};
}

audit_facts plan_removal(const catalog& now, const catalog_change& change, planned_change& out) {
  auto old = now.key(change.key->id);
  if (!old || old->app != change.key->app)
    throw refusal{ec::not_found, "key \"" + change.key->id + "\" does not exist"};
  out.result.key = old;
  out.rows.erase(row_key_of(*old));
  out.next = std::make_shared<const catalog>(now.without_key(old->id));
  return {old->app, "key removed", to_json(*old, secrets::hide), json{}, {}};
}

audit_facts plan_remark(const catalog& now, const catalog_change& change) {
  auto x = remark{};
  if (!read_remark(change, x))
    throw refusal{ec::invalid_argument, "the remark cannot be read"};
  auto app = change.app ? now.app(change.app->id) : nullptr;
  if (change.app && !app)
    throw refusal{ec::not_found, "the app does not exist"};
  return {app ? app->no : app_no{0}, x.what, json{}, x.about, x.note};
}

audit_facts plan(
    const catalog& now, const catalog_change& change, planned_change& out, std::int64_t now_ms) {
  using kind = catalog_change::kind;
  if (change.what == kind::put_app && change.app)
    return plan_app(now, change, out, now_ms);
  if (change.what == kind::put_biz && change.biz)
    return plan_biz(now, change, out, now_ms);
  if (change.what == kind::put_key && change.key)
    return plan_key(now, change, out, now_ms);
  if (change.what == kind::remove_key && change.key)
    return plan_removal(now, change, out);
  if (change.what == kind::remark)
    return plan_remark(now, change);
  throw refusal{ec::invalid_argument, "the change names nothing to change"};
}

} // namespace

planned_change plan_change(const catalog& now, const catalog_change& change, std::int64_t now_ms,
    std::uint32_t audit_seq) {
  auto out = planned_change{};
  try {
    auto facts = plan(now, change, out, now_ms);
    auto key = storage::audit_key(facts.app, now_ms, audit_seq);
    auto record = json{{"time_ms", now_ms}, {"by", change.actor}, {"what", facts.what},
        {"note", facts.note.empty() ? change.note : facts.note},
        {"before", std::move(facts.before)}, {"after", std::move(facts.after)}};
    auto value = seal_row(key, record.dump(-1, ' ', false, json::error_handler_t::replace));
    out.rows.put(std::move(key), std::move(value));
  } catch (const refusal& x) {
    out = {};
    out.result.code = x.code;
    out.result.text = x.text;
  }
  return out;
}

} // namespace shoal
