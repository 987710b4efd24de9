#include <nlohmann/json.hpp>

#include "actors/api/api_state.hpp"
#include "actors/api/sync_codec.hpp"
#include "actors/api/why.hpp"
#include "actors/catalog/catalog_codec.hpp"
#include "actors/catalog/remark.hpp"
#include "protocol/signing.hpp"
#include "storage/keys.hpp"

namespace shoal::api {

using nlohmann::json;

namespace {

constexpr std::uint32_t page_bytes = 4u << 20;

struct named_stream {
  stream_key key;
  biz_ptr biz;
};

named_stream stream_of(const exchange& x) {
  auto out = named_stream{};
  if (!from_string(x.param(1), out.key.who))
    throw refusal{
        ec::invalid_argument, "a stream begins with \"user:ID\", \"device:ID\" or \"global\""};
  out.biz = x.known->biz(x.app->no, x.param(2));
  if (!out.biz)
    throw refusal{ec::unknown_biz, "no such biz"};
  auto wanted = out.biz->scope == biz_scope::global   ? principal_kind::global
                : out.biz->target == biz_target::user ? principal_kind::user
                                                      : principal_kind::device;
  if (out.key.who.kind != wanted)
    throw refusal{ec::wrong_target, "the biz is not for this kind of principal"};
  out.key.app = x.app->no;
  out.key.biz = out.biz->no;
  return out;
}

json position_json(const position& x) { return {{"epoch", x.epoch}, {"id", x.id}}; }

json listener_json(const stream_report::listener& x) {
  return {
      {"device", x.device}, {"sent", x.sent}, {"acked", x.acked}, {"attached_ms", x.attached_ms}};
}

json info_json(const device_info& x) {
  return {{"device", x.device}, {"online", true}, {"user", x.user},
      {"user_verified", x.user_verified}, {"os", x.os}, {"app_version", x.app_version},
      {"region", x.region}, {"model", x.model}, {"network", x.network}, {"sdk", x.sdk},
      {"peer", x.peer}, {"tags", x.tags}, {"connected_ms", x.connected_ms}};
}

json status_json(const device_status& x) {
  auto out = info_json(*x.info);
  out["subscriptions"] = json::array();
  for (const auto& f : x.feeds)
    out["subscriptions"].push_back({{"biz", f.biz}, {"epoch", f.epoch}, {"sent", f.sent},
        {"acked", f.acked}, {"latest", f.latest}, {"catching_up", f.catching_up}});
  return out;
}

json record_json(const std::string& device, const storage::device_record& x) {
  return {{"device", device}, {"online", false}, {"user", x.user}, {"os", x.os},
      {"app_version", x.app_version}, {"region", x.region}, {"model", x.model},
      {"network", x.network}, {"sdk", x.sdk}, {"tags", x.tags}, {"first_seen_ms", x.first_seen_ms},
      {"last_seen_ms", x.last_seen_ms}};
}

// A subject is a device, a user, or "device\0user".
json cursor_json(const biz_config& biz, const stored_cursor& x) {
  auto split = x.subject.find('\0');
  auto by_user =
      biz.scope == biz_scope::targeted && biz.target == biz_target::user && !biz.multi_device;
  auto out = json{{by_user ? "user" : "device", x.subject.substr(0, split)}, {"live", false}};
  if (split != std::string::npos)
    out["user"] = x.subject.substr(split + 1);
  if (x.code != ec::none)
    out["error"] = to_string(x.code);
  else
    out["position"] = position_json(x.cursor.at);
  out["time_ms"] = x.cursor.time_ms;
  return out;
}

/// Where cursors are kept: with the stream, those of global streams with the device.
partition_no home_of(const services& sv, const cursor_query& q) {
  return q.device.empty() ? sv.where.number_of(q.stream.app, q.stream.who)
                          : sv.where.number_of(q.stream.app, principal::device(q.device));
}

void check(ec code) {
  if (code != ec::none)
    throw refusal{code, ""};
}

std::string text(const json& x) { return x.dump(-1, ' ', false, json::error_handler_t::replace); }

} // namespace

void api_state::stream(const exchange_ptr& x) {
  auto at = stream_of(*x);
  auto show = [this, x, at](const stream_report& r) {
    check(r.code);
    auto out = json{{"principal", to_string(at.key.who)}, {"biz", at.biz->name},
        {"latest", position_json(r.latest)}, {"floor", r.floor}, {"listeners", json::array()}};
    for (const auto& l : r.listeners)
      out["listeners"].push_back(listener_json(l));
    answer(*x, 200, text(out));
  };
  ask<stream_report>(x, ec::storage_failed, sv->where.owner_of(at.key.app, at.key.who), show,
      atom::report::value, at.key);
}

void api_state::stream_ops(const exchange_ptr& x) {
  auto at = stream_of(*x);
  auto& q = x->asked;
  auto after = q.number("after", 0, UINT64_MAX);
  auto show = [this, x, after](const stored_page& page) {
    check(page.code);
    auto out = json{{"ops", json::array()}, {"more", page.more}};
    for (const auto& op : page.ops)
      out["ops"].push_back(to_json(*op));
    out["next_after"] = page.ops.empty() ? after : page.ops.back()->id;
    if (page.damaged != 0)
      out["damaged"] = page.damaged;
    answer(*x, 200, text(out));
  };
  ask<stored_page>(x, ec::storage_failed, sv->where.reader_for(at.key.app, at.key.who), show,
      atom::page::value, page_query{at.key, after, q.limit(), page_bytes});
}

void api_state::stream_cursors(const exchange_ptr& x) {
  auto at = stream_of(*x);
  auto& q = x->asked;
  std::string after;
  if (!unbase64url(q.text("after"), after))
    throw refusal{ec::invalid_argument, "after: must be the `next_after` of an earlier answer"};
  auto global = at.key.who.kind == principal_kind::global;
  auto device = q.text("device");
  if (global != !device.empty())
    throw refusal{ec::invalid_argument,
        global ? "device: is missing; cursors of a global stream are kept with the devices"
               : "device: is only for global streams"};
  auto asked = cursor_query{at.key, after, q.limit(), device};
  auto show = [this, x, at, device](const stored_cursors& stored, const stream_report& live) {
    auto out = json{{"cursors", json::array()}, {"more", stored.more}};
    for (const auto& c : stored.cursors) {
      if (!device.empty() && c.subject != device && !c.subject.starts_with(device + '\0'))
        continue;
      auto shown = cursor_json(*at.biz, c);
      for (const auto& l : live.listeners)
        if (device.empty() && (l.device == c.subject || !at.biz->multi_device) &&
            l.acked >= c.cursor.at.id) {
          shown["position"] = position_json({live.latest.epoch, l.acked});
          shown["live"] = true;
        }
      out["cursors"].push_back(std::move(shown));
    }
    if (stored.more && !stored.cursors.empty())
      out["next_after"] = base64url(stored.cursors.back().subject);
    answer(*x, 200, text(out));
  };
  auto with_live = [this, x, at, show](const stored_cursors& stored) {
    check(stored.code);
    ask<stream_report>(
        x, ec::storage_failed, sv->where.owner_of(at.key.app, at.key.who),
        [show, stored](const stream_report& live) { show(stored, live); }, atom::report::value,
        at.key);
  };
  if (global && at.biz->target == biz_target::device) {
    asked.subject = device;
    auto only = [with_live](const stored_cursor& c) {
      with_live({c.code, c.found ? std::vector{c} : std::vector<stored_cursor>{}, false});
    };
    return ask<stored_cursor>(x, ec::storage_failed, sv->where.reader_for(home_of(*sv, asked)),
        only, atom::load::value, asked);
  }
  if (global && asked.subject.empty())
    asked.subject = device; // the users of a device come right behind it
  ask<stored_cursors>(x, ec::storage_failed, sv->where.reader_for(home_of(*sv, asked)), with_live,
      atom::cursors::value, asked);
}

void api_state::stream_why(const exchange_ptr& x) {
  auto at = stream_of(*x);
  auto& q = x->asked;
  auto facts = std::make_shared<why_facts>();
  facts->biz = at.biz;
  facts->who = at.key.who;
  facts->id = q.number("id", 0, UINT64_MAX);
  facts->device = q.text("device");
  facts->now_ms = sv->now_ms();
  if (q.text("id").empty() || !valid_external_id(facts->device))
    throw refusal{ec::invalid_argument, "id and device: both must be given"};
  auto finish = [this, x, facts](const stored_cursor& cursor) {
    facts->cursor = cursor;
    auto why = explain(*facts);
    auto out = json{{"verdict", why.verdict}, {"text", why.text}, {"id", facts->id},
        {"device", facts->device}, {"latest", position_json(facts->report.latest)}};
    if (why.behind)
      out["behind"] = *why.behind;
    answer(*x, 200, text(out));
  };
  auto left = std::make_shared<int>(4);
  auto gathered = [this, x, at, facts, left, finish] {
    if (--*left > 0)
      return;
    auto global = at.key.who.kind == principal_kind::global;
    auto user = !global            ? at.key.who.id
                : facts->live.info ? facts->live.info->user
                                   : facts->known.device.user;
    auto asked = cursor_query{
        at.key, cursor_subject(*at.biz, facts->device, user), 1, global ? facts->device : ""};
    ask<stored_cursor>(x, ec::storage_failed, sv->where.reader_for(home_of(*sv, asked)), finish,
        atom::load::value, asked);
  };
  auto fill = [gathered](auto& field) {
    return [&field, gathered](const std::decay_t<decltype(field)>& got) {
      field = got;
      gathered();
    };
  };
  ask<stream_report>(x, ec::storage_failed, sv->where.owner_of(at.key.app, at.key.who),
      fill(facts->report), atom::report::value, at.key);
  auto before = facts->id == 0 ? 0 : facts->id - 1;
  ask<stored_page>(x, ec::storage_failed, sv->where.reader_for(at.key.app, at.key.who),
      fill(facts->page), atom::page::value, page_query{at.key, before, 1, page_bytes});
  ask<device_status>(x, ec::storage_failed, sv->where.hub(), fill(facts->live), atom::status::value,
      at.key.app, facts->device);
  ask<stored_device>(x, ec::storage_failed,
      sv->where.reader_for(at.key.app, principal::device(facts->device)), fill(facts->known),
      atom::load::value, at.key.app, facts->device);
}

void api_state::device(const exchange_ptr& x) {
  auto show_stored = [this, x](const stored_device& stored) {
    check(stored.code);
    if (!stored.found)
      throw refusal{ec::not_found, "no device of this id was ever seen"};
    answer(*x, 200, text(record_json(x->param(1), stored.device)));
  };
  auto show = [this, x, show_stored](const device_status& live) {
    if (live.info)
      return answer(*x, 200, text(status_json(live)));
    ask<stored_device>(x, ec::storage_failed,
        sv->where.reader_for(x->app->no, principal::device(x->param(1))), show_stored,
        atom::load::value, x->app->no, x->param(1));
  };
  ask<device_status>(
      x, ec::storage_failed, sv->where.hub(), show, atom::status::value, x->app->no, x->param(1));
}

void api_state::kick_device(const exchange_ptr& x) {
  auto done = [this, x](const bool& was_online) {
    if (!was_online)
      throw refusal{ec::not_found, "the device is offline"};
    answer(*x, 204, "");
  };
  auto recorded = [this, x, done](const change_result& result) {
    if (result.code != ec::none)
      throw refusal{result.code, "the audit record is not written, and nothing is done"};
    ask<bool>(
        x, ec::outcome_unknown, sv->where.hub(), done, atom::kick::value, x->app->no, x->param(1));
  };
  auto what = remark{"device kicked", x->request.method + " " + x->request.path,
      {{"app", x->app->id}, {"device", x->param(1)}}};
  ask<change_result>(x, ec::outcome_unknown, sv->where.catalog_writer(), recorded,
      atom::change::value, change_of(what, x->key->id, x->app));
}

void api_state::user(const exchange_ptr& x) {
  auto asked = online_query{};
  asked.app = x->app->no;
  asked.user = x->param(1);
  auto show = [this, x](const online_report& found) {
    auto out = json{{"user", x->param(1)}, {"devices", json::array()}};
    for (const auto& info : found.devices)
      out["devices"].push_back(info_json(*info));
    answer(*x, 200, text(out));
  };
  ask<online_report>(x, ec::storage_failed, sv->where.hub(), show, atom::online::value, asked);
}

void api_state::online(const exchange_ptr& x) {
  auto& q = x->asked;
  auto asked = online_query{};
  asked.app = x->app->no;
  asked.after = q.text("after");
  asked.limit = q.limit();
  auto show = [this, x](const online_report& found) {
    auto out = json{{"total", found.total}, {"more", found.more}, {"devices", json::array()}};
    for (const auto& info : found.devices)
      out["devices"].push_back(info_json(*info));
    if (found.more && !found.devices.empty())
      out["next_after"] = found.devices.back()->device;
    answer(*x, 200, text(out));
  };
  ask<online_report>(x, ec::storage_failed, sv->where.hub(), show, atom::online::value, asked);
}

void api_state::audit(const exchange_ptr& x) {
  auto& q = x->asked;
  auto prefix = storage::audit_prefix(x->app ? x->app->no : app_no{0});
  std::string after;
  if (!unhex(q.text("after"), after))
    throw refusal{ec::invalid_argument, "after: must be the `next_after` of an earlier answer"};
  auto from = after.empty() ? prefix : prefix + after + '\0';
  auto limit = q.limit();
  auto show = [this, x, prefix, limit](const storage::write_batch& found) {
    auto out = json{{"records", json::array()}};
    for (const auto& row : found.rows()) {
      auto sealed = std::string_view{};
      auto intact = open_row(row.key, row.value, sealed);
      auto record = intact ? json::parse(sealed, nullptr, false) : json{{"damaged", true}};
      record["id"] = hex(row.key.substr(prefix.size()));
      out["records"].push_back(std::move(record));
    }
    out["more"] = found.rows().size() >= limit || found.bytes() >= row_page_bytes;
    if (!found.rows().empty())
      out["next_after"] = hex(found.rows().back().key.substr(prefix.size()));
    answer(*x, 200, text(out));
  };
  ask<storage::write_batch>(x, ec::storage_failed, sv->where.reader_for(partition_no{0}), show,
      atom::page::value, from, storage::prefix_end(prefix), limit);
}

} // namespace shoal::api
