#include "actors/gateway/change.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/catalog/catalog_codec.hpp"
#include "actors/gateway/definition_codec.hpp"
#include "actors/gateway/references.hpp"
#include "storage/keys.hpp"
#include "storage/records.hpp"
#include "storage/replica_table.hpp"

namespace shoal::gateway {

using nlohmann::json;

namespace {

constexpr std::size_t max_apis = 100'000, max_groups = 1'000, max_others = 200;

struct refusal {
  ec code;
  std::string text;
};

const char* word_of(entry_kind x) {
  switch (x) {
  case entry_kind::settings:
    return "settings";
  case entry_kind::group:
    return "group";
  case entry_kind::api:
    return "api";
  case entry_kind::authorizer:
    return "auth rule";
  case entry_kind::proto:
    return "proto";
  }
  return "";
}

std::string name_of(const entry& x) {
  return x.kind == entry_kind::settings ? "settings"
                                        : std::string{word_of(x.kind)} + " \"" + x.name + "\"";
}

bool is_removal(const entry& x) {
  return !x.settings && !x.group && !x.api && !x.authorizer && !x.proto;
}

json shown_of(const entry& x) {
  if (x.settings)
    return to_json(*x.settings, shown::exported);
  if (x.group)
    return to_json(*x.group, shown::exported);
  if (x.api)
    return to_json(*x.api, shown::exported);
  if (x.authorizer)
    return to_json(*x.authorizer, shown::exported);
  return x.proto ? to_json(*x.proto, shown::exported) : json{};
}

/// One change on its way: `next` has the edits so far.
struct plan {
  const change& asked;
  std::int64_t now_ms;
  registry next;
  std::uint64_t revision, next_id;
  world_name in;
  storage::write_batch entries, versions;
  std::vector<entry> before, after; ///< of the edits that change something

  /// The definition of this kind and name as it is so far.
  entry current(const entry& x) const {
    auto out = entry{in, x.kind, x.name, {}, {}, {}, {}, {}};
    auto& at = next.find(in.no);
    if (!at)
      return out;
    switch (x.kind) {
    case entry_kind::settings:
      if (at->settings().set.revision != 0)
        out.settings = std::shared_ptr<const app_settings>{at, &at->settings().set};
      break;
    case entry_kind::group:
      if (auto& live = at->group(x.name))
        out.group = std::shared_ptr<const api_group>{live, &live->set};
      break;
    case entry_kind::api:
      out.api = at->api(x.name);
      break;
    case entry_kind::authorizer:
      out.authorizer = at->authorizer(x.name);
      break;
    case entry_kind::proto:
      if (auto& live = at->proto(x.name))
        out.proto = std::shared_ptr<const proto_definition>{live, &live->set};
      break;
    }
    return out;
  }

  // What the registry gives. Returns false if nothing else changes.
  template <class T>
  bool give(std::shared_ptr<const T>& x, const std::shared_ptr<const T>& old) {
    auto made = *x;
    if (auto problem = problem_of(made); !problem.empty())
      throw refusal{ec::invalid_argument, problem};
    made.created_ms = old ? old->created_ms : now_ms;
    made.updated_ms = old ? old->updated_ms : now_ms;
    made.revision = old ? old->revision : revision;
    if constexpr (requires { made.id; })
      made.id = old ? old->id : static_cast<std::uint32_t>(next_id);
    if constexpr (requires { made.version; })
      made.version = old ? old->version : 1;
    if (old && made == *old)
      return false;
    made.updated_ms = now_ms;
    made.revision = revision;
    if constexpr (requires { made.id; })
      next_id += old ? 0 : 1;
    if constexpr (requires { made.version; })
      made.version += old ? 1 : 0;
    x = std::make_shared<const T>(std::move(made));
    return true;
  }

  void put_version(const api_definition& x) {
    auto row = version_row(in.no, x, asked.actor, asked.note);
    versions.put(std::move(row.key), std::move(row.value));
    if (x.version > kept_versions)
      versions.erase(storage::gateway_version_key(in.no, x.operation, x.version - kept_versions));
  }

  void erase_versions(const api_definition& x) {
    auto first = x.version > kept_versions ? x.version - kept_versions + 1 : 1;
    for (auto i = first; i <= x.version; ++i)
      versions.erase(storage::gateway_version_key(in.no, x.operation, i));
  }

  void check_entry_of(const api_definition& x) const {
    auto& at = next.find(in.no);
    if (!at || x.path.empty())
      return;
    if (auto& other = at->rest().same_entry(x.method, x.path);
        other && other->operation != x.operation)
      throw refusal{ec::already_exists,
          "path: " + x.method + " " + x.path + " is the entry of \"" + other->operation + "\""};
  }

  void check_hosts_of(const app_settings& x) const {
    for (auto& host : x.hosts)
      if (auto& other = next.find_host(host); other && other->no() != in.no)
        throw refusal{ec::already_exists, "hosts: \"" + host + "\" belongs to another app"};
  }

  void check_room(entry_kind kind) const {
    auto& at = next.find(in.no);
    if (!at)
      return;
    if (kind == entry_kind::api && at->apis().size() >= max_apis)
      throw refusal{ec::invalid_argument, "an app has at most 100000 APIs"};
    if (kind == entry_kind::group && at->groups().size() >= max_groups)
      throw refusal{ec::invalid_argument, "an app has at most 1000 groups"};
    if (std::max(at->authorizers().size(), at->protos().size()) >= max_others &&
        (kind == entry_kind::authorizer || kind == entry_kind::proto))
      throw refusal{ec::invalid_argument, "an app has at most 200 rules and 200 sets of types"};
  }

  void remove(const entry& old) {
    if (is_removal(old))
      throw refusal{ec::not_found, name_of(old) + " does not exist"};
    entries.erase(row_key_of(in.no, old.kind, old.name));
    if (old.api)
      erase_versions(*old.api);
    next = next.without(in.no, old.kind, old.name);
    before.push_back(old);
    after.push_back(entry{in, old.kind, old.name, {}, {}, {}, {}, {}});
  }

  void add_row(storage::write_batch::row row) {
    entries.put(std::move(row.key), std::move(row.value));
  }

  void put(entry x, const entry& old) {
    if (is_removal(old))
      check_room(x.kind);
    auto changes = false;
    if (x.settings) {
      changes = give(x.settings, old.settings);
      check_hosts_of(*x.settings);
    } else if (x.group) {
      changes = give(x.group, old.group);
    } else if (x.api) {
      changes = give(x.api, old.api);
      check_entry_of(*x.api);
    } else if (x.authorizer) {
      changes = give(x.authorizer, old.authorizer);
    } else {
      changes = give(x.proto, old.proto);
    }
    if (!changes)
      return;
    next = applied(next, x);
    if (x.settings)
      add_row(row_of(in, *x.settings));
    else if (x.group)
      add_row(row_of(in, *x.group));
    else if (x.authorizer)
      add_row(row_of(in, *x.authorizer));
    else if (x.proto)
      add_row(row_of(in, *x.proto));
    else
      add_row(row_of(in, *x.api)), put_version(*x.api);
    before.push_back(old);
    after.push_back(std::move(x));
  }

  void carry_out(const edit& x) {
    auto old = current(x.what);
    auto exists = !is_removal(old);
    if (x.before == edit::expect::absent && exists)
      throw refusal{ec::already_exists, name_of(x.what) + " exists"};
    if (x.before == edit::expect::present && !exists)
      throw refusal{ec::not_found, name_of(x.what) + " does not exist"};
    if (x.version != 0 && (!old.api || old.api->version != x.version))
      throw refusal{ec::already_exists, "version: it is " +
                                            std::to_string(old.api ? old.api->version : 0) +
                                            " now, not " + std::to_string(x.version)};
    if (is_removal(x.what))
      return remove(old);
    auto what = x.what;
    what.in = in;
    put(std::move(what), old);
  }

  void check_references() const {
    auto& at = next.find(in.no);
    for (auto& x : after) {
      auto problem = std::string{};
      if (x.api)
        problem = missing_for(*at, *x.api);
      else if (x.authorizer)
        problem = missing_for(*at, *x.authorizer);
      else if (is_removal(x))
        if (auto user = user_of(*at, x.kind, x.name); !user.empty())
          problem = name_of(x) + " is in use by " + user;
      if (!problem.empty())
        throw refusal{ec::invalid_argument,
            after.size() > 1 && !is_removal(x) ? name_of(x) + ": " + problem : problem};
      if (x.proto)
        check_users_of_types(*at, x);
    }
  }

  // New types must still have the messages that APIs name.
  void check_users_of_types(const world& at, const entry& x) const {
    at.apis().each([&](const std::string& operation, const api_ptr& api) {
      if (api->request.proto == x.name || api->response.proto == x.name)
        if (auto problem = missing_for(at, *api); !problem.empty())
          throw refusal{ec::invalid_argument, "API \"" + operation + "\" needs it: " + problem};
    });
  }

  std::string what_happened() const {
    auto verb = [](const entry& old, const entry& now) {
      return is_removal(now) ? " removed" : is_removal(old) ? " created" : " changed";
    };
    if (after.size() == 1)
      return std::string{"gateway "}
          .append(word_of(after[0].kind))
          .append(verb(before[0], after[0]));
    return "gateway: " + std::to_string(after.size()) + " definitions changed";
  }

  // Several definitions are named only: each API's version has what it became.
  storage::write_batch::row audit(std::uint32_t seq) const {
    auto key = storage::audit_key(in.no, now_ms, seq);
    auto record = json{
        {"time_ms", now_ms}, {"by", asked.actor}, {"what", what_happened()}, {"note", asked.note}};
    if (after.size() == 1) {
      record["before"] = shown_of(before[0]);
      record["after"] = shown_of(after[0]);
      record["name"] = after[0].name;
    } else {
      auto names = json::array();
      for (auto& x : after)
        names.push_back(name_of(x));
      record["names"] = std::move(names);
    }
    auto value = seal_row(key, record.dump(-1, ' ', false, json::error_handler_t::replace));
    return {std::move(key), std::move(value), false};
  }
};

planned_change finish(plan& x, std::uint32_t audit_seq) {
  auto out = planned_change{};
  out.outcome.revision = x.revision;
  out.outcome.rows = x.entries;
  auto record_key = storage::gateway_change_key(x.revision), head_key = storage::gateway_head_key();
  auto record = storage::gateway_change_record{x.next_id, storage::encode_rows(x.entries)};
  if (record.rows.size() > max_change_bytes)
    throw refusal{ec::invalid_argument, "a change is at most 2097152 bytes: make several of it"};
  out.rows = std::move(x.entries);
  out.rows.append(std::move(x.versions));
  out.rows.put(record_key, storage::encode(record, record_key));
  out.rows.put(head_key, storage::encode(storage::gateway_head{x.revision, x.next_id}, head_key));
  if (x.revision > kept_changes)
    out.rows.erase(storage::gateway_change_key(x.revision - kept_changes));
  auto audit = x.audit(audit_seq);
  out.rows.put(std::move(audit.key), std::move(audit.value));
  out.next = std::make_shared<const registry>(x.next.at(x.revision, x.next_id));
  return out;
}

} // namespace

planned_change plan_change(const registry& now, const catalog& apps, const change& asked,
    std::int64_t now_ms, std::uint32_t audit_seq) {
  auto out = planned_change{};
  auto at_edit = std::size_t{0};
  try {
    auto app = apps.app(asked.app);
    if (!app)
      throw refusal{ec::not_found, "the app does not exist"};
    if (asked.edits.empty() || asked.edits.size() > max_edits)
      throw refusal{ec::invalid_argument, "a change has 1 to 500 edits"};
    auto x = plan{
        asked, now_ms, now, now.revision() + 1, now.next_id(), {app->no, app->id}, {}, {}, {}, {}};
    for (; at_edit < asked.edits.size(); ++at_edit)
      x.carry_out(asked.edits[at_edit]);
    x.check_references();
    if (!x.after.empty())
      return finish(x, audit_seq);
    out.outcome.revision = now.revision();
  } catch (const refusal& x) {
    out = {};
    out.outcome.code = x.code;
    auto several = asked.edits.size() > 1 && at_edit < asked.edits.size();
    out.outcome.text = several ? name_of(asked.edits[at_edit].what) + ": " + x.text : x.text;
  }
  return out;
}

change_outcome take_beats(
    service_directory& into, std::vector<service_beat>& beats, std::int64_t now_ms) {
  for (auto& beat : beats) {
    if (auto problem = problem_of(beat); !problem.empty())
      return {ec::invalid_argument, std::move(problem), 0, {}};
    into.stamp(beat);
    if (!into.take(beat, now_ms))
      return {ec::overloaded, "there is no room for another instance", 0, {}};
  }
  return {};
}

} // namespace shoal::gateway
