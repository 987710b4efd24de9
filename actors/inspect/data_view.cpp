// /inspect/streams, /inspect/devices, /inspect/partitions, /inspect/nodes: what the actors are
// about.
#include <algorithm>
#include <fstream>
#include <set>

#include <unistd.h>

#include "actors/inspect/views.hpp"
#include "storage/keys.hpp"

namespace shoal::inspect {

namespace {

constexpr auto probe_patience = std::chrono::milliseconds{500};
constexpr std::size_t max_bizs = 1000;

json status_of(context& c, caf::actor_id id) {
  auto answer = c.actors.probe({id}, detail_level::full, probe_patience).front();
  if (!answer.answered)
    return nullptr;
  auto out = json::parse(answer.state.empty() ? "null" : answer.state, nullptr, false);
  if (out.is_object()) {
    out["waited_us"] = answer.waited_us;
    out["pending_requests"] = answer.pending;
  }
  return out;
}

std::uint64_t resident_bytes() {
  std::uint64_t total = 0, resident = 0;
  std::ifstream{"/proc/self/statm"} >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// What the views say beside what the partitions here say of themselves: copies, and partitions
/// without a leader. Nothing to add for a node alone.
void add_copies(context& c, json& to) {
  if (!c.node.standing)
    return;
  auto standing = c.node.standing();
  for (auto& row : to["partitions"]) {
    auto no = row["partition"].is_number() ? row["partition"].get<std::size_t>() : SIZE_MAX;
    if (no >= standing.partitions.size() || standing.partitions[no].leader != standing.self)
      continue;
    auto& p = standing.partitions[no]; // they are listed by number
    row["copies"] = p.in_sync.empty() ? json(nullptr) : json(p.in_sync.size());
    row["replicas"] = p.replicas;
  }
  to["copies_wanted"] = standing.copies_wanted;
  auto list = json::array();
  for (auto& x : unserved_partitions(standing))
    list.push_back({{"partition", raw(x.partition->no)}, {"leader", x.partition->leader},
        {"epoch", x.partition->epoch}, {"replicas", x.partition->replicas}, {"why", x.why}});
  to["unserved"] = std::move(list);
}

/// A stream knows the bizs that it was asked for since it woke; what is stored says where the
/// others will go on. Looking does not wake them.
void add_stored_bizs(
    context& c, partition_no part, const app_config& app, const principal& who, json& to) {
  if (to.is_null())
    to = json::array();
  std::set<std::string> shown;
  for (auto& x : to)
    shown.insert(x.value("biz", ""));
  for (auto& biz : c.sv->catalog.load()->bizs(app.no)) {
    if (to.size() >= max_bizs)
      break;
    auto row = storage::stream_meta_key(part, {app.no, who, biz->no});
    std::string value;
    storage::stream_meta meta;
    if (shown.contains(biz->name) || c.sv->db->get(row, value) != storage::lookup::found)
      continue;
    auto good = storage::decode(value, row, meta);
    to.push_back({{"biz", biz->name}, {"epoch", c.sv->epoch}, {"last", meta.last},
        {"floor", meta.floor}, {"lost", meta.lost}, {"quarantined", !good}});
  }
}

/// A global stream knows this node as one listener; how far its devices are is known to the relay.
void add_relay(context& c, const app_config& app, json& to) {
  auto actor = labelled(c, "relay", app.id);
  auto status = actor ? status_of(c, actor->id) : json(nullptr);
  if (!status.is_object() || !status.contains("channels"))
    return;
  auto list = json::array();
  for (auto& x : status["channels"]) {
    json row = {{"id", actor->id}};
    for (auto field : {"biz", "latest", "listeners", "caught_up", "least_acked"})
      if (x.contains(field))
        row[field] = x[field];
    list.push_back(std::move(row));
  }
  to["relays"] = std::move(list);
}

} // namespace

std::optional<actor_row> labelled(context& c, std::string_view kind, const std::string& label) {
  std::optional<actor_row> out;
  c.actors.walk(
      0, 1, [&](const char* k, std::string_view l) { return kind == k && l == label; },
      [&](actor_row&& x) { out = std::move(x); });
  return out;
}

app_ptr app_named(context& c, std::string_view name) {
  auto app = c.sv->catalog.load()->app(name);
  if (!app)
    throw api::refusal{ec::not_found, "no app of this name"};
  return app;
}

principal principal_named(std::string_view text) {
  principal out;
  if (!from_string(text, out))
    throw api::refusal{
        ec::invalid_argument, "a stream is named APP/user:ID, APP/device:ID or APP/global"};
  return out;
}

json one_stream(context& c, std::string_view app_name, std::string_view who_text) {
  auto app = app_named(c, app_name);
  auto who = principal_named(who_text);
  auto part = c.sv->where.number_of(app->no, who);
  auto label = app->id + "/" + to_string(who);
  json out = {{"node", c.node.name}, {"stream", label}, {"partition", raw(part)}};
  auto [owner, view_epoch] = c.leader_of(part);
  out.update({{"owner", owner}, {"view_epoch", view_epoch}});
  auto actor = labelled(c, "stream", label);
  out["active"] = actor.has_value();
  if (who.kind == principal_kind::global)
    add_relay(c, *app, out);
  if (actor) {
    out["id"] = actor->id;
    out["handled"] = actor->handled;
    out["up_s"] = actor->age_s;
    if (auto status = status_of(c, actor->id); status.is_object())
      out.update(status);
    else
      out["late"] = true; // it has not come to our question in time
  }
  add_stored_bizs(c, part, *app, who, out["bizs"]);
  return out;
}

json one_device(context& c, std::string_view app_name, std::string_view device) {
  auto app = app_named(c, app_name);
  auto name = std::string{device};
  json out = {{"node", c.node.name}, {"device", name}, {"app", app->id}};
  auto status = c.ask<device_status>(c.node.hub(), atom::status::value, app->no, name);
  out["online"] = status.info != nullptr;
  if (status.info) {
    auto& x = *status.info;
    out.update({{"user", x.user}, {"os", x.os}, {"app_version", x.app_version},
        {"region", x.region}, {"model", x.model}, {"network", x.network}, {"sdk", x.sdk},
        {"peer", x.peer}, {"connected_ms", x.connected_ms}, {"id", x.session}});
    if (auto more = status_of(c, x.session); more.is_object())
      for (auto field : {"window", "frames_held", "closing", "feeds", "waited_us"})
        if (more.contains(field))
          out[field] = more[field];
    return out;
  }
  auto stored = c.ask<stored_device>(
      c.sv->where.reader_for(app->no, principal::device(name)), atom::load::value, app->no, name);
  if (!stored.found)
    throw api::refusal{ec::not_found, "no device of this name was ever here"};
  out["user"] = stored.device.user;
  out["first_seen_ms"] = stored.device.first_seen_ms;
  out["last_seen_ms"] = stored.device.last_seen_ms;
  return out;
}

json partitions(context& c) {
  std::vector<actor_row> rows;
  c.actors.walk(
      0, SIZE_MAX,
      [](const char* kind, std::string_view) { return std::string_view{kind} == "partition"; },
      [&](actor_row&& x) { rows.push_back(std::move(x)); });
  std::vector<caf::actor_id> ids;
  for (auto& x : rows)
    ids.push_back(x.id);
  auto answers = c.actors.probe(ids, detail_level::full, probe_patience);
  auto list = json::array();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    json row = {{"partition", nullptr}, {"leader", nullptr}, {"epoch", nullptr}};
    auto state = json::parse(answers[i].state.empty() ? "{}" : answers[i].state, nullptr, false);
    if (state.is_object() && state.contains("partition")) {
      row.update(state);
      auto [leader, epoch] = c.leader_of(partition_no{state["partition"].get<std::uint16_t>()});
      row.update({{"leader", leader}, {"epoch", epoch}});
    }
    row["id"] = rows[i].id;
    row["handled"] = rows[i].handled;
    row["waited_us"] = answers[i].answered ? json(answers[i].waited_us) : json(nullptr);
    row["restarts"] = c.actors.restarts_of(rows[i].kind, rows[i].label);
    list.push_back(std::move(row));
  }
  auto number = [](const json& x) {
    return x["partition"].is_number() ? x["partition"].get<std::int64_t>() : -1;
  };
  std::sort(list.begin(), list.end(),
      [&](const json& x, const json& y) { return number(x) < number(y); });
  json out = {{"node", c.node.name}, {"partitions", std::move(list)}};
  add_copies(c, out);
  return out;
}

json nodes(context& c) {
  auto& count = *c.sv->count;
  json out = {{"node", c.node.name}, {"version", SHOAL_VERSION},
      {"ready", c.node.ready ? c.node.ready() : true},
      {"up_s", (c.sv->steady_ms() - c.started_ms) / 1000}, {"actors", c.actors.size()},
      {"devices", count.devices.load()}, {"streams", count.streams.load()},
      {"appends", count.appends.load()}, {"delivered", count.delivered_ops.load()},
      {"restarts", count.restarts.load()}, {"rss", resident_bytes()}};
  auto log = c.sv->log->stats();
  out["syncs"] = log.rounds;
  out["sync_us"] = log.rounds == 0 ? 0 : log.sync_microseconds / log.rounds;
  out["queued_bytes"] = log.queued_bytes;
  auto links = json::array();
  if (c.node.links)
    for (auto& x : c.node.links())
      links.push_back({{"peer", x.peer.name}, {"up", x.up}, {"round_trip_us", x.round_trip_us},
          {"sent", x.sent}, {"received", x.received}, {"refused", x.refused},
          {"in_flight_bytes", x.in_flight_bytes}, {"reconnects", x.reconnects},
          {"last_error", x.last_error}});
  out["links"] = std::move(links);
  if (c.node.standing) {
    auto standing = c.node.standing();
    out["state"] = standing.state;
    out["meta_away_ms"] = standing.meta_away_ms;
    out["unserved"] = unserved_partitions(standing).size();
    out["short_of_copies"] = short_of_copies(standing);
    auto followers = json::array();
    for (auto& x : standing.followers)
      followers.push_back({{"follower", x.node}, {"replicas", x.replicas}, {"behind", x.behind},
          {"records", x.records}, {"most_records", x.most},
          {"lag_ms", std::chrono::duration_cast<std::chrono::milliseconds>(x.since).count()},
          {"refilling", x.refilling}, {"unheard", x.unheard}});
    out["followers"] = std::move(followers);
  }
  return out;
}

} // namespace shoal::inspect
